"""Attacks made on one network to fool others: they overfit less to the one they are made on."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.attacks.gradient import Bounded
from engine.attacks.white_box import Views
from engine.core.errors import BadSettings


@dataclass(frozen=True, kw_only=True)
class MomentumIterative(Bounded):
    """MI-FGSM: momentum finds what other networks fall for too (Dong et al., 2017, 1710.06081)."""

    decay: float = 1.0


@dataclass(frozen=True, kw_only=True)
class DiverseInput(MomentumIterative):
    """DIM: gradients through the picture shrunk at random (Xie et al., 2018, 1803.06978)."""

    diversity: float = 0.7


@dataclass(frozen=True, kw_only=True)
class TranslationInvariant(MomentumIterative):
    """TIM: a smoothed gradient, as of many shifted pictures (Dong et al., 2019, 1904.02884)."""

    kernel: int = 7


@dataclass(frozen=True, kw_only=True)
class BlockShuffle(MomentumIterative):
    """BSR and SIM: the mean gradient of copies with shuffled, turned blocks, some of them darker.

    What a network looks at moves with the blocks, so that the change cannot rely on it (Wang et
    al., "Boosting Adversarial Transferability by Block Shuffle and Rotation", 2023,
    arXiv:2308.10299); copies with all values halved, or halved again, make it rely less on contrast
    (Lin et al., "Nesterov Accelerated Gradient and Scale Invariance", 2019, arXiv:1908.06281).

    Attributes:
        copies: how many of each picture a step takes the gradient through.
        blocks: in each direction.
        rotation: of a block, in degrees, at most.
        halvings: of a copy's values, at most; 0 leaves SIM away.
    """

    copies: int = 8
    blocks: int = 2
    rotation: float = 24.0
    halvings: int = 2

    def check(self) -> None:
        super().check()
        if not (1 <= self.copies <= 64 and 1 <= self.blocks <= 8 and 0 <= self.halvings <= 4):
            raise BadSettings(
                "Expected 1 to 64 copies, 1 to 8 blocks and 0 to 4 halvings; received: "
                f"{self.copies}, {self.blocks}, {self.halvings}."
            )

    def views(self, generator: np.random.Generator, n: int, height: int, width: int) -> Views:
        maps = [self._shuffled(generator, height, width) for _ in range(n * self.copies)]
        return Views(np.stack(maps), self.scales(generator, n).astype("float32"))

    def scales(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """What the values of each copy of n pictures are multiplied by, `(n * copies,)`."""
        return 0.5 ** generator.integers(self.halvings + 1, size=n * self.copies)

    def _shuffled(self, generator: np.random.Generator, height: int, width: int) -> np.ndarray:
        """The index of each pixel's source, `(H W,)` int32; H W stands for black."""
        rows, columns = (_cuts(generator, n, self.blocks) for n in (height, width))
        source = np.full((height, width), height * width, "int32")
        top = 0
        for first, last in generator.permutation(rows):
            left = 0
            for start, end in generator.permutation(columns):
                angle = generator.uniform(-self.rotation, self.rotation)
                y, x, inside = _turned(last - first, end - start, angle)
                place = source[top : top + last - first, left : left + end - start]
                place[inside] = ((y + first) * width + x + start)[inside]
                left += end - start
            top += last - first
        return source.ravel()


@dataclass(frozen=True, kw_only=True)
class ScaleInvariant(BlockShuffle):
    """SIM alone: the mean gradient of the picture and of copies halved once to four times."""

    copies: int = 5
    blocks: int = 1
    rotation: float = 0.0
    halvings: int = 4

    def scales(self, generator: np.random.Generator, n: int) -> np.ndarray:
        return np.tile(0.5 ** (np.arange(self.copies) % (self.halvings + 1)), n)


def _cuts(generator: np.random.Generator, n: int, parts: int) -> list[tuple[int, int]]:
    """A length of n in random parts, `(start, end)` each."""
    between = np.sort(generator.choice(np.arange(1, n), size=min(parts, n) - 1, replace=False))
    edges = [0, *map(int, between), n]
    return list(pairwise(edges))


def _turned(height: int, width: int, degrees: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each pixel of a block turned about its middle: source row and column, and if there is one.

    Each is `(h, w)`.
    """
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    y, x = np.mgrid[:height, :width]
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    row = np.rint(cos * y + sin * x + (height - 1) / 2).astype(int)
    column = np.rint(cos * x - sin * y + (width - 1) / 2).astype(int)
    return row, column, (row >= 0) & (row < height) & (column >= 0) & (column < width)
