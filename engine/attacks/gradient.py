"""Attacks as small frozen dataclasses with three hooks: `start`, `direction` and `project`.

All changes are in grey levels (0..255), all arrays `(N, H, W, 3)`. An attack's epsilon is the
largest change it may make: of any one value for the L-infinity norm, the root mean square of all
values for L2, so that it means about the same for pictures of every size.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d

from engine.attacks.white_box import Views, WhiteBox
from engine.core.errors import BadSettings

Asks = Literal["cross-entropy", "margin", "ratio", "differences", "logits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of the network: what an attack knows when it chooses its step.

    Attributes:
        box: the network or networks.
        original: the pictures without a change, in 0..255.
        change: the change before rounding, in grey levels.
        pictures: what the network was shown, in 0..1.
        logits: of the network, `(N, classes)`.
        loss: the loss that the attack minimises, `(N,)`; None if it uses none.
        gradient: of that loss with respect to the change, `(N, H, W, 3)`; None if it uses none.
        classes: `(N,)`, the target classes if `targeted`, else the classes to avoid.
        targeted: whether `classes` are targets.
    """

    box: WhiteBox
    original: np.ndarray
    change: np.ndarray
    pictures: np.ndarray
    logits: np.ndarray
    loss: Any
    gradient: Any
    classes: np.ndarray
    targeted: bool

    @property
    def margin(self) -> np.ndarray:
        """The goal's logit less the strongest other one, `(N,)`; above 0 it has succeeded."""
        rows = np.arange(len(self.logits))
        others = self.logits.copy()
        others[rows, self.classes] = -np.inf
        ahead = self.logits[rows, self.classes] - others.max(axis=1)
        return ahead if self.targeted else -ahead

    @property
    def fooled(self) -> np.ndarray:
        """`(N,)` bool."""
        return self.margin > 0


@dataclass(frozen=True, kw_only=True)
class Attack:
    """Base of all attacks.

    `steps` is how many steps; `loss` what it minimises, `smallest` whether it seeks the smallest
    change instead of the surest mistake, `stops` whether it ends when all pictures fool, `shared`
    whether all pictures get one change, so that the best step is one and the same, too.
    """

    steps: int = 20
    loss: ClassVar[Asks] = "cross-entropy"
    smallest: ClassVar[bool] = False
    stops: ClassVar[bool] = False
    shared: ClassVar[bool] = False

    def check(self) -> None:
        """Raises `BadSettings` if a setting is out of range."""
        if not 0 <= self.steps <= 5000:
            raise BadSettings(f"Expected 0 to 5000 steps; received: {self.steps}.")

    def start(self, original: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """The change to begin with: none."""
        return np.zeros_like(original)

    def views(
        self, generator: np.random.Generator, n: int, height: int, width: int
    ) -> Views | None:
        """Transformed copies of n pictures over which to average the gradient; None for none."""
        return None

    def rivals(self, logits: np.ndarray, classes: np.ndarray) -> np.ndarray | None:
        """Classes `(N,)` to move towards, given the original logits; None for any other class."""
        return None

    def state(self, generator: np.random.Generator) -> Any:
        """What the attack remembers from one step to the next; None for nothing."""
        return None

    def direction(self, query: Query, state: Any) -> np.ndarray:
        """The step to add to the change, `(N, H, W, 3)` in grey levels; may update `state`."""
        raise NotImplementedError

    def project(self, change: np.ndarray, original: np.ndarray) -> np.ndarray:
        """The nearest allowed change; the picture stays within 0..255."""
        moved = original + change
        np.clip(moved, 0.0, 255.0, out=moved)
        moved -= original
        return moved

    def rounded(self, change: np.ndarray, original: np.ndarray) -> np.ndarray:
        """The change in whole grey levels, still allowed."""
        return np.rint(change)


@dataclass(frozen=True, kw_only=True)
class GradientDescent(Attack):
    """Plain gradient descent on the cross-entropy, without a bound on the change (the lesson's)."""

    steps: int = 100
    learning_rate: float = 3000.0

    def direction(self, query: Query, state: Any) -> np.ndarray:
        return -self.learning_rate * query.gradient


@dataclass(slots=True, kw_only=True)
class Remembered:
    """What a bounded attack remembers: its momentum, and the change shared by a whole batch."""

    gradient: Any = 0.0
    change: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Bounded(Attack):
    """Steps of equal size within a ball of radius `epsilon` around the original.

    Attributes:
        epsilon: radius of the ball, in grey levels.
        norm: "linf" or "l2".
        step_size: in grey levels; None: 2.5 epsilon / steps.
        random_start: begin anywhere in the ball.
        decay: of the momentum; 0 for none.
        diversity: probability that a step sees the picture shrunk and shifted at random.
        kernel: side in px of the kernel that smooths the gradient; 1 for none.
    """

    epsilon: float = 4.0
    norm: Literal["linf", "l2"] = "linf"
    step_size: float | None = None
    random_start: bool = False
    decay: float = 0.0
    diversity: float = 0.0
    kernel: int = 1

    def check(self) -> None:
        super().check()
        if not (np.isfinite(self.epsilon) and 0 <= self.epsilon <= 255):
            raise BadSettings(
                f"Expected epsilon from 0 to 255 grey levels; received: {self.epsilon}."
            )
        if self.norm not in ("linf", "l2"):
            raise BadSettings(f"Expected the norm linf or l2; received: {self.norm!r}.")

    def start(self, original: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        if not self.random_start:
            return np.zeros_like(original)
        if self.norm == "linf":
            change = generator.uniform(-self.epsilon, self.epsilon, original.shape)
        else:
            change = self.epsilon * generator.uniform() * generator.standard_normal(original.shape)
        return change.astype("float32")

    def views(
        self, generator: np.random.Generator, n: int, height: int, width: int
    ) -> Views | None:
        if not self.diversity:
            return None
        maps = np.tile(np.array([1, 0, 0, 0, 1, 0, 0, 0], "float32"), (n, 1))
        for k in np.flatnonzero(generator.random(n) < self.diversity):
            zoom = 1.0 / generator.uniform(0.85, 1.0)
            dx, dy = generator.uniform(0, 1, 2) * (1 - zoom) * (width, height)
            maps[k, [0, 2, 4, 5]] = zoom, dx, zoom, dy
        return Views(maps, np.ones(n, "float32"))

    def state(self, generator: np.random.Generator) -> Any:
        return Remembered()

    def direction(self, query: Query, state: Any) -> np.ndarray:
        grad = query.gradient
        if self.kernel > 1:
            for axis in (1, 2):
                grad = gaussian_filter1d(
                    grad, self.kernel / 6, axis=axis, radius=self.kernel // 2, mode="constant"
                )
        if self.decay:
            grad = grad / np.maximum(mean(np.abs(grad)), 1e-12)
            grad = state.gradient = grad + self.decay * state.gradient
        return self.step(grad, self.step_size or 2.5 * self.epsilon / max(self.steps, 1))

    def step(self, gradient: np.ndarray, size: float) -> np.ndarray:
        """A step of that size against a gradient, by the norm."""
        if self.norm == "linf":
            return -size * np.sign(gradient)
        return -size * gradient / np.maximum(np.sqrt(mean(np.square(gradient))), 1e-12)

    def project(self, change: np.ndarray, original: np.ndarray) -> np.ndarray:
        if self.norm == "linf":
            change = np.clip(change, -self.epsilon, self.epsilon)
        else:
            size = np.sqrt(mean(np.square(change)))
            change = change * np.minimum(1.0, self.epsilon / np.maximum(size, 1e-12))
        return super().project(change, original)

    def rounded(self, change: np.ndarray, original: np.ndarray) -> np.ndarray:
        whole = np.rint(change)
        if self.norm == "linf":
            bound = np.floor(self.epsilon)
            return whole if bound == self.epsilon else np.clip(whole, -bound, bound)
        outside = np.sqrt(mean(np.square(whole))) > self.epsilon
        if outside.any():  # rounding may have made it longer; towards zero it never does
            low, high = np.zeros_like(outside, "float32"), np.ones_like(outside, "float32")
            for _ in range(8):
                middle = (low + high) / 2
                inside = np.sqrt(mean(np.square(np.rint(middle * change)))) <= self.epsilon
                low, high = np.where(inside, middle, low), np.where(inside, high, middle)
            whole = np.where(outside, np.rint(low * change), whole)
        return whole


@dataclass(frozen=True, kw_only=True)
class FGSM(Bounded):
    """The fast gradient sign method: one step of epsilon (Goodfellow et al., 2014, 1412.6572).

    With the norm "l2", the fast gradient method: along the gradient itself.
    """

    steps: int = 1

    def direction(self, query: Query, state: Any) -> np.ndarray:
        return self.step(query.gradient, self.epsilon)


@dataclass(frozen=True, kw_only=True)
class PGD(Bounded):
    """Projected gradient descent from a random start (Madry et al., 2017, arXiv:1706.06083)."""

    random_start: bool = True


@dataclass(frozen=True, kw_only=True)
class Universal(PGD):
    """One and the same change for all pictures of the batch (Moosavi-Dezfooli et al., 2016)."""

    shared: ClassVar[bool] = True

    def start(self, original: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        one = super().start(original[:1], generator)
        return np.repeat(one, len(original), axis=0)

    def direction(self, query: Query, state: Any) -> np.ndarray:
        step = self.step_size or 2.5 * self.epsilon / max(self.steps, 1)
        sizes = np.sqrt(np.square(query.gradient).mean(axis=(1, 2, 3), keepdims=True))
        mean = (query.gradient / np.maximum(sizes, 1e-12)).mean(axis=0, keepdims=True)
        before = query.change[:1] if state.change is None else state.change
        shared = np.clip(before - step * np.sign(mean), -self.epsilon, self.epsilon)
        state.change = shared
        return shared - query.change


@dataclass(frozen=True, kw_only=True)
class RandomNoise(Bounded):
    """The control: moves every value up or down by epsilon at random, without the network."""

    steps: int = 0

    def start(self, original: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        signs = generator.choice(np.array([-1.0, 1.0], "float32"), original.shape)
        return np.float32(self.epsilon) * signs


def mean(values: np.ndarray) -> np.ndarray:
    """Over each picture, `(N, 1, 1, 1)`."""
    return values.mean(axis=(1, 2, 3), keepdims=True)
