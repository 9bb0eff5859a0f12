"""The frozen values that cross layers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One class of a network's prediction."""

    class_index: int
    label: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerInfo:
    """One layer, in the order the picture passes them.

    `shape` is the output's without the batch axis: `(h, w, c)` for feature maps, `(c,)` for
    vectors. `stage` counts the resolutions from the input on; `depth` runs from 0 at the input to
    1 at the logits.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    stage: int
    depth: float

    @property
    def has_maps(self) -> bool:
        """Whether the output is `(h, w, c)`; 1x1 maps count."""
        return len(self.shape) == 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Activations:
    """The feature maps of one layer for one picture.

    `values` is `(h, w, c)`; `response`, `(c,)`, the mean absolute activation of each channel;
    `ranking`, `(c,)`, channel numbers from the strongest response down; `dead`, `(c,)` bool,
    channels that are constant on this picture; `zeros`, `(c,)`, the share of a channel's values
    that are zero.
    """

    layer: LayerInfo
    values: np.ndarray
    response: np.ndarray
    ranking: np.ndarray
    dead: np.ndarray
    zeros: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The value of largest magnitude of each channel of a layer in each of n pictures.

    `rows` and `columns` are its position as a share of the picture's height and width, `values` the
    value itself, all `(n, c)`; `side` is the height of the maps.
    """

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    side: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """The part of a real picture where a channel is largest in magnitude, one patch a picture.

    `picture` is its number in the list that was given, `pixels` `(side, side, 3)` in 0..1,
    `response` the channel's activation at its centre.
    """

    picture: int
    pixels: np.ndarray
    response: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a piece of work is: `fraction` in 0..1, and a sentence for the screen."""

    fraction: float
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where the networks run. `memory` in bytes, 0 where unknown."""

    kind: str
    name: str
    memory: int


# What a training changes: a new head only, the backbone's last layers too, or all layers anew.
How = Literal["frozen", "fine-tuned", "from scratch"]
FROZEN: How = "frozen"
TUNED: How = "fine-tuned"
SCRATCH: How = "from scratch"
