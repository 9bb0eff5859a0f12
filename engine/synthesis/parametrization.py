"""How a picture is stored while it is optimised.

Gradient descent moves along whatever the picture is made of. Stored as pixels it finds noise, as
every pixel moves for itself; stored as waves or as a pyramid of resolutions, each with a step
in proportion to its length, it finds shapes.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import keras
import numpy as np
from scipy.fft import dct

from engine.synthesis.transformations import resampling

ops: Any = keras.ops  # its type stubs allow None for every result

# Strengths of a photo's waves before the sigmoid, by frequency and direction: f to the power SLOPE,
# times exp(AXES * cos(4 * angle)), as horizontal and vertical waves are the strongest. Fitted to
# 400 ImageNet photos (R² 0.98); benchmarks/spectrum.py measures them.
SLOPE, AXES = -1.33, 0.13

# Square root of the covariance of colours over Tiny ImageNet's training photos, before the sigmoid,
# its longest row made 1: photos vary in brightness far more than in colour.
COLOURS = np.array([[0.773, 0.433, 0.319], [0.433, 0.661, 0.456], [0.319, 0.456, 0.831]], "float32")


class Parametrization(Protocol):
    """The parameters of a picture, an array of any shape."""

    def start(self, size: tuple[int, int], seed: int) -> np.ndarray:
        """Random parameters of a picture of `(height, width)`: the noise everything begins with."""
        ...

    def of(self, picture: np.ndarray) -> np.ndarray:
        """The parameters of a given picture `(H, W, 3)` in 0..1, or of the nearest there is."""
        ...

    def picture(self, parameters: Any, size: tuple[int, int]) -> Any:
        """The picture as a tensor `(H, W, 3)` in 0..1."""
        ...


@dataclass(frozen=True)
class Pixels:
    """Grey levels above or below mid-grey, as the lesson has them; noise of `spread` levels."""

    spread: float = 1.0

    def start(self, size: tuple[int, int], seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).standard_normal((*size, 3))
        return (self.spread * noise).astype("float32")

    def of(self, picture: np.ndarray) -> np.ndarray:
        return (255.0 * (picture - 0.5)).astype("float32")

    def picture(self, parameters: Any, size: tuple[int, int]) -> Any:
        return ops.relu6(3.0 + parameters * (6 / 255)) / 6  # a clip to 0..1 of a fast gradient


@dataclass(frozen=True)
class Waves:
    """Cosine waves in decorrelated colours, squeezed into 0..1 by a sigmoid.

    A wave's step is proportional to its length to the power `decay`. `spread` is the deviation of
    the initial noise before the sigmoid. Without `decorrelated`, the colours are red, green and
    blue. The waves are those of JPEG (the DCT): two matrix products instead of a Fourier transform,
    and no seam between opposite edges (Olah, Mordvintsev and Schubert, "Feature Visualization",
    Distill, 2017, with Fourier's waves).
    """

    decay: float = 1.0
    spread: float = 0.3
    decorrelated: bool = True

    def start(self, size: tuple[int, int], seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).standard_normal((*size, 3))
        unit = float(np.sqrt(np.square(_scale(*size, self.decay)).mean()))
        return (self.spread / unit * noise).astype("float32")

    def of(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        waves = np.einsum("kh,hwc->kwc", _cosines(height), _unsqueezed(picture, self.decorrelated))
        waves = np.einsum("lw,kwc->klc", _cosines(width), waves)
        return (waves / _scale(height, width, self.decay)).astype("float32")

    def picture(self, parameters: Any, size: tuple[int, int]) -> Any:
        waves = parameters * _scale(*size, self.decay)
        x = ops.einsum("kh,klc->hlc", _cosines(size[0]), waves)
        return _squeezed(ops.einsum("lw,hlc->hwc", _cosines(size[1]), x), self.decorrelated)


@dataclass(frozen=True)
class Phases:
    """Fourier waves whose strengths are those of photos; only where their crests lie is free.

    MaCo (Fel et al., "Unlocking Feature Visualization for Deeper Networks", 2023,
    arXiv:2306.06805). Before the sigmoid, the picture has the deviation `contrast`, whatever the
    parameters are.
    """

    contrast: float = 1.0

    def start(self, size: tuple[int, int], seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).standard_normal((*size, 3))
        return _phases(noise)

    def of(self, picture: np.ndarray) -> np.ndarray:
        return _phases(_unsqueezed(picture, decorrelated=True))

    def picture(self, parameters: Any, size: tuple[int, int]) -> Any:
        opposite = ops.roll(ops.flip(parameters, (0, 1)), (1, 1), (0, 1))
        angle = ops.transpose((parameters - opposite) / 2, (2, 0, 1))  # odd: the picture is real
        strength = self.contrast * _strengths(*size)
        x, _ = ops.ifft2((strength * ops.cos(angle), strength * ops.sin(angle)))
        return _squeezed(ops.transpose(x, (1, 2, 0)), decorrelated=True)


@dataclass(frozen=True)
class Pyramid:
    """A sum of pictures of 1, 2, 4, ... pixels a side up to the whole size, squeezed into 0..1.

    Direct Ascent Synthesis (Fort and Whitaker, 2025, arXiv:2502.07753). Large things are changed by
    one step in the coarse layers, without a penalty on fine ones. `spread` is the deviation of the
    initial noise before the sigmoid.
    """

    spread: float = 0.3

    def start(self, size: tuple[int, int], seed: int) -> np.ndarray:
        grids = _grids(size)
        noise = np.random.default_rng(seed).standard_normal((sum(h * w for h, w in grids), 3))
        return (self.spread / len(grids) ** 0.5 * noise).astype("float32")

    def of(self, picture: np.ndarray) -> np.ndarray:
        size, found = picture.shape[:2], []
        left = _unsqueezed(picture, decorrelated=True)
        for grid in _grids(size):  # each takes what the coarser ones have left
            part = _resized(left, size, grid)
            left = left - _resized(part, grid, size)
            found.append(np.reshape(part, (-1, 3)))
        return np.concatenate(found).astype("float32")

    def picture(self, parameters: Any, size: tuple[int, int]) -> Any:
        grids, total = _grids(size), 0.0
        ends = np.cumsum([h * w for h, w in grids])[:-1].tolist()
        for grid, part in zip(grids, ops.split(parameters, ends), strict=True):
            total += _resized(ops.reshape(part, (*grid, 3)), grid, size)
        return _squeezed(total, decorrelated=True)


PARAMETRIZATIONS: dict[str, Parametrization] = {
    "pixels": Pixels(),
    "waves": Waves(),
    "phases (MaCo)": Phases(),
    "pyramid (DAS)": Pyramid(),
}


def _squeezed(x: Any, decorrelated: bool) -> Any:
    return ops.sigmoid(ops.matmul(x, COLOURS) if decorrelated else x)


def _unsqueezed(picture: np.ndarray, decorrelated: bool) -> np.ndarray:
    x = np.clip(picture, 0.01, 0.99).astype("float64")
    x = np.log(x / (1 - x))
    return x @ np.linalg.inv(COLOURS) if decorrelated else x


@lru_cache(maxsize=8)
def _cosines(n: int) -> np.ndarray:
    """The orthonormal DCT-II matrix `(n, n)`: row k is a wave of k half periods."""
    return dct(np.eye(n), axis=0, norm="ortho").astype("float32")


@lru_cache(maxsize=8)
def _scale(height: int, width: int, decay: float) -> np.ndarray:
    """How far one unit of a parameter moves its wave, `(H, W, 1)`."""
    k, m = np.mgrid[:height, :width]
    half_periods = np.hypot(k / height, m / width) * max(height, width)
    waves = np.sqrt(height * width) / 2 / np.maximum(half_periods, 1.0) ** decay
    return waves[..., None].astype("float32")


def _phases(x: np.ndarray) -> np.ndarray:
    return np.angle(np.fft.fft2(x, axes=(0, 1))).astype("float32")


@lru_cache(maxsize=8)
def _strengths(height: int, width: int) -> np.ndarray:
    """Strengths of Fourier waves, `(H, W)`, whose sum has mean 0 and deviation 1."""
    y, x = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    frequency = np.hypot(y, x)
    frequency[0, 0] = np.inf
    strength = frequency**SLOPE * np.exp(AXES * np.cos(4 * np.arctan2(y, x)))
    return (strength * height * width / np.sqrt(np.square(strength).sum())).astype("float32")


def _grids(size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Sizes of a pyramid's pictures, the coarsest first."""
    sides = (2**k for k in range(int(np.ceil(np.log2(max(size))))))
    return (*((min(side, size[0]), min(side, size[1])) for side in sides), size)


def _resized(picture: Any, size: tuple[int, int], to: tuple[int, int]) -> Any:
    rows, columns = (resampling(n, m, n, 0.0) for n, m in zip(size, to, strict=True))
    return ops.einsum("wj,hjc->hwc", columns, ops.einsum("hi,ijc->hjc", rows, picture))
