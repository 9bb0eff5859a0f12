"""What may change while an ideal image is made, and where a run of it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from engine.core.errors import BadSettings
from engine.synthesis.objectives import Part
from engine.synthesis.penalties import L1, L2, LInf, TotalVariation

# The penalties of the loss, by the name of their weight in `Live`: listed here and nowhere else.
PENALTIES: dict[str, Part] = {"variation": TotalVariation(), "l1": L1(), "l2": L2(), "linf": LInf()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The numbers that may change while a run computes.

    They are one value that is replaced whole, so that nobody reads half a change.

    Attributes:
        variation, l1, l2, linf: weights of the penalties in the loss, 0 or above.
        natural: weight of natural statistics, 0 or above; unused unless the settings have them.
        learning_rate: of the optimizer, above 0.
    """

    variation: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    linf: float = 0.0
    natural: float = 0.0
    learning_rate: float = 0.05

    def check(self) -> None:
        """Raises `BadSettings` if a number is out of range."""
        for field in fields(self):
            value = getattr(self, field.name)
            zero = field.name != "learning_rate"
            if not np.isfinite(value) or value < 0 or (value == 0 and not zero):
                least = "0 or above" if zero else "above 0"
                name = field.name.replace("_", " ")
                raise BadSettings(f"Invalid {name}: expected {least}, received {value}.")


# The penalties' names, also of the one that the network brings.
WEIGHTS = tuple(field.name for field in fields(Live) if field.name != "learning_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a run is before a step: enough to go on from there, bit for bit.

    `parameters` are the picture's, `state` the optimizer's, `random` the state of the generator
    that draws transformations, `importance` the sum of gradients so far, `(H, W)`.
    """

    step: int
    parameters: np.ndarray
    state: tuple[np.ndarray, ...]
    random: Mapping[str, Any]
    importance: np.ndarray
