"""Attacks without parameters to tune, for evaluating networks that seem robust.

An attack may fail only because of bad settings. These adapt their step size as they run, or need
no gradient, which a network may hide (Croce and Hein, "Reliable evaluation of adversarial
robustness with an ensemble of diverse parameter-free attacks", 2020, arXiv:2003.01690).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.attacks.gradient import Asks, Bounded, Query
from engine.core.errors import BadSettings

# The authors' numbers: momentum, the share of steps that must help, and when it is looked at.
_MOMENTUM, _ENOUGH = 0.75, 0.75
_FIRST, _LESS, _LEAST = 0.22, 0.03, 0.06  # shares of all steps


@dataclass(frozen=True, kw_only=True)
class APGD(Bounded):
    """Auto-PGD on the cross-entropy: momentum, and a step that halves where it does not help.

    The step begins at twice epsilon. After 22 % of the steps, and then in ever shorter intervals,
    it is halved for pictures whose loss went down in less than 75 % of them, or has no new best;
    they go on from their best change so far.
    """

    steps: int = 100
    random_start: bool = True
    stops: ClassVar[bool] = True

    def check(self) -> None:
        super().check()
        if self.norm != "linf":
            raise BadSettings(f"Expected the norm linf for Auto-PGD; received: {self.norm}.")

    def state(self, generator: np.random.Generator) -> Any:
        return _Progress(self.steps)

    def direction(self, query: Query, state: Any) -> np.ndarray:
        if state.step == 0:
            state.begin(query, 2 * self.epsilon)
        state.note(query)

        def allowed(change: np.ndarray) -> np.ndarray:
            return self.project(change, query.original)

        at, before = state.at, state.previous
        ahead = allowed(at - state.size * np.sign(state.gradient))
        share = _MOMENTUM if state.step > 1 else 1.0
        state.previous = at
        return allowed(at + share * (ahead - at) + (1 - share) * (at - before)) - query.change


class _Progress:
    """How Auto-PGD gets on with each picture: its best change, and the size of its steps."""

    def __init__(self, steps: int) -> None:
        self.step = 0
        self._interval = max(int(_FIRST * steps), 1)
        self._less, self._least = max(int(_LESS * steps), 1), max(int(_LEAST * steps), 1)

    def begin(self, query: Query, size: float) -> None:
        n = len(query.change)
        self.size = np.full((n, 1, 1, 1), size, "float32")
        self.best_loss, self.last_best = np.full(n, np.inf), np.full(n, np.inf)
        self.best, self.best_gradient = query.change.copy(), query.gradient.copy()
        self.previous = query.change
        self.loss = np.full(n, -np.inf)  # the first query is no step, and cannot help
        self.helped, self.just_halved = np.zeros(n, int), np.zeros(n, bool)
        self._left = self._interval + 1  # the first query is of no step yet

    def note(self, query: Query) -> None:
        """Takes in a query, and decides where to go on from: `at`, along `gradient`."""
        better = query.loss < self.best_loss
        self.best[better], self.best_gradient[better] = query.change[better], query.gradient[better]
        self.best_loss = np.where(better, query.loss, self.best_loss)
        self.helped += query.loss < self.loss
        self.loss, self.step = query.loss, self.step + 1
        self.at, self.gradient = query.change, query.gradient
        self._left -= 1
        if self._left:
            return
        halve = self.helped <= _ENOUGH * self._interval
        halve |= ~self.just_halved & (self.best_loss >= self.last_best)
        self.at, self.gradient = query.change.copy(), query.gradient.copy()
        self.at[halve], self.gradient[halve] = self.best[halve], self.best_gradient[halve]
        self.size[halve] /= 2
        self.just_halved, self.last_best = halve, self.best_loss.copy()
        self.helped[:] = 0
        self._interval = self._left = max(self._interval - self._less, self._least)


@dataclass(frozen=True, kw_only=True)
class TargetedAPGD(APGD):
    """Auto-PGD towards one other class; its loss is the difference-of-logits ratio (DLR).

    Where the cross-entropy is nearly 0, so is its gradient; the ratio does not depend on the scale
    of the logits.

    Attributes:
        ranks: which of the other classes, by their logit before the attack, 1 for the strongest;
            pictures of a batch take them in turns.
    """

    ranks: tuple[int, ...] = (1,)
    loss: ClassVar[Asks] = "ratio"

    def check(self) -> None:
        super().check()
        if not self.ranks or min(self.ranks) < 1:
            raise BadSettings(f"Expected ranks of 1 or more; received: {self.ranks}.")

    def rivals(self, logits: np.ndarray, classes: np.ndarray) -> np.ndarray:
        rows, others = np.arange(len(logits)), logits.copy()
        others[rows, classes] = -np.inf
        ranks = np.resize(self.ranks, len(logits)).clip(max=others.shape[1] - 1)
        return np.argsort(-others, axis=1)[rows, ranks - 1]


@dataclass(frozen=True, kw_only=True)
class Square(Bounded):
    """Tries random squares and keeps those that help; needs logits only, no gradient.

    Andriushchenko et al., "Square Attack", 2019 (arXiv:1912.00049), for L-infinity.

    Attributes:
        share: of the picture that the first squares cover.
    """

    steps: int = 5000
    share: float = 0.8
    loss: ClassVar[Asks] = "logits"
    stops: ClassVar[bool] = True

    def start(self, original: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Stripes, which are what convolutions are most sensitive to."""
        n, _, width, _ = original.shape
        signs = generator.choice(np.array([-1.0, 1.0], "float32"), (n, 1, width, 3))
        return np.float32(self.epsilon) * np.broadcast_to(signs, original.shape)

    def state(self, generator: np.random.Generator) -> Any:
        return _Kept(generator)

    def direction(self, query: Query, state: Any) -> np.ndarray:
        state.keep(query)
        _, height, width, _ = query.original.shape
        side = max(round((self._share(state.step) * height * width) ** 0.5), 1)
        side = min(side, height, width)
        top = state.generator.integers(height - side + 1)
        left = state.generator.integers(width - side + 1)
        signs = state.generator.choice(np.array([-1.0, 1.0], "float32"), (len(query.original), 3))
        proposed = state.change.copy()
        square = np.float32(self.epsilon) * signs[:, None, None, :]
        proposed[:, top : top + side, left : left + side] = square
        return proposed - query.change

    def _share(self, step: int) -> float:
        """Squares get smaller on the authors' schedule, which is for 10 000 queries."""
        done = step / max(self.steps, 1) * 10_000
        halvings = sum(done > at for at in (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000))
        return self.share / 2**halvings


class _Kept:
    """The best change of each picture, by its margin."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator, self.step = generator, 0
        self.change: Any = None

    def keep(self, query: Query) -> None:
        if self.change is None:
            self.change, self.margin = query.change.copy(), query.margin
        better = query.margin > self.margin
        self.change[better] = query.change[better]
        self.margin = np.where(better, query.margin, self.margin)
        self.step += 1
