"""Penalties: parts of an objective that read the picture alone, and are to stay small."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from engine.backbones import Backbone
from engine.synthesis.objectives import Part

ops: Any = keras.ops  # its type stubs allow None for every result


@dataclass(frozen=True)
class _OfPicture(Part):
    @property
    def reads(self) -> None:
        return None


class TotalVariation(_OfPicture):
    """Sum of absolute differences of neighbours in grey levels (Rudin, Osher and Fatemi, 1992)."""

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        # Rolled, not sliced: TensorFlow's gradient of a slice is six times as slow.
        _, height, width, _ = picture.shape
        down = (picture - ops.roll(picture, 1, axis=1)) * _but_the_first(height)[:, None, None]
        right = (picture - ops.roll(picture, 1, axis=2)) * _but_the_first(width)[:, None]
        return 255.0 * (ops.sum(ops.abs(down)) + ops.sum(ops.abs(right)))

    def words(self, net: Backbone) -> str:
        return "total variation"


def _but_the_first(n: int) -> np.ndarray:
    return (np.arange(n) > 0).astype("float32")


class L1(_OfPicture):
    """Mean distance from mid-grey, in grey levels."""

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        return 255.0 * ops.mean(ops.abs(picture - 0.5))

    def words(self, net: Backbone) -> str:
        return "distance from grey (L1)"


class L2(_OfPicture):
    """Root mean square distance from mid-grey, in grey levels."""

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        return 255.0 * ops.sqrt(ops.mean(ops.square(picture - 0.5)) + 1e-12)

    def words(self, net: Backbone) -> str:
        return "distance from grey (L2)"


class LInf(_OfPicture):
    """Largest distance from mid-grey, in grey levels."""

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        return 255.0 * ops.max(ops.abs(picture - 0.5))

    def words(self, net: Backbone) -> str:
        return "distance from grey (L-infinity)"
