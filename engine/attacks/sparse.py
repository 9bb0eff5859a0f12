"""Attacks that change a few pixels, or one place, as far as they like."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.attacks.gradient import Attack, Query
from engine.core.errors import BadSettings


@dataclass(frozen=True, kw_only=True)
class Sparse(Attack):
    """Few pixels, each as far as it goes (PGD in the L0 ball; Croce and Hein, 2019, 1909.05040)."""

    steps: int = 60
    pixels: int = 200
    step_size: float = 120.0

    def check(self) -> None:
        super().check()
        if not self.pixels >= 1:
            raise BadSettings(f"Expected at least 1 pixel to change; received: {self.pixels}.")

    def direction(self, query: Query, state: Any) -> np.ndarray:
        grad = query.gradient
        top = np.abs(grad).max(axis=(1, 2, 3), keepdims=True)
        return -self.step_size * grad / np.maximum(top, 1e-12)

    def project(self, change: np.ndarray, original: np.ndarray) -> np.ndarray:
        change = super().project(change, original)
        size = np.square(change).sum(axis=-1)  # (N, H, W)
        flat = size.reshape(len(size), -1)
        kept = min(self.pixels, flat.shape[1])
        places = np.argpartition(-flat, kept - 1, axis=1)[:, :kept]
        mask = np.zeros_like(flat, bool)
        np.put_along_axis(mask, places, True, axis=1)
        return change * mask.reshape(size.shape)[..., None]


@dataclass(frozen=True, kw_only=True)
class Patch(Attack):
    """A square that may look like anything, all else untouched (Karmon et al., 2018, 1801.02608).

    Attributes:
        share: of the picture's area.
        row, column: where its middle is, as shares of the picture.
        step_size: in grey levels.
    """

    steps: int = 60
    share: float = 0.05
    row: float = 0.2
    column: float = 0.2
    step_size: float = 12.0

    def check(self) -> None:
        super().check()
        if not (0 < self.share <= 1 and 0 <= self.row <= 1 and 0 <= self.column <= 1):
            raise BadSettings("Expected the patch's share of the picture and its place in 0 to 1.")

    def direction(self, query: Query, state: Any) -> np.ndarray:
        return -self.step_size * np.sign(query.gradient)

    def project(self, change: np.ndarray, original: np.ndarray) -> np.ndarray:
        height, width = original.shape[1:3]
        side = max(1, int(np.sqrt(self.share * height * width)))
        top = int(np.clip(self.row * height - side / 2, 0, max(height - side, 0)))
        left = int(np.clip(self.column * width - side / 2, 0, max(width - side, 0)))
        mask = np.zeros((height, width, 1), "float32")
        mask[top : top + side, left : left + side] = 1.0
        return super().project(change, original) * mask
