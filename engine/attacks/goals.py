"""What an attack is to reach, and what it yields."""

from dataclasses import dataclass

import numpy as np

from engine.core.types import Prediction


@dataclass(frozen=True)
class Targeted:
    """The attack is to reach this class."""

    class_index: int


@dataclass(frozen=True)
class Untargeted:
    """Any class but `class_index` is a success; None means the class predicted originally."""

    class_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One step of an attack on one picture.

    `picture` is `(H, W, 3)` in 0..1 on the 8-bit grid, and all else was computed of it: the
    `predictions`, the probability of the class that was predicted for the original (`before`) and
    of the target (`wanted`; without a target, of the strongest other class), and whether the attack
    has `succeeded`; `already` says that the goal was reached before anything was changed. The last
    frame holds the best picture of all steps, and the step it is from.
    """

    picture: np.ndarray
    step: int
    predictions: tuple[Prediction, ...]
    before: float
    wanted: float
    succeeded: bool
    already: bool = False
    last: bool = False

    @property
    def effective(self) -> bool:
        """Whether it is the attack that reached the goal."""
        return self.succeeded and not self.already


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One step of an attack on n pictures at once: `pictures`, `logits`, `fooled`.

    `margin`, `(n,)`, is above 0 where the attack has succeeded; `already`, `(n,)` bool, marks
    pictures whose goal was reached before the attack began. The last batch holds the best of each
    picture, and the steps these are from.
    """

    pictures: np.ndarray
    logits: np.ndarray
    margin: np.ndarray
    steps: np.ndarray
    already: np.ndarray
    last: bool = False

    @property
    def fooled(self) -> np.ndarray:
        """Whether each attack has succeeded, `(n,)` bool."""
        return self.margin > 0
