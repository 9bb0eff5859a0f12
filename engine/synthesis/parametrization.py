"""How a picture is stored while it is optimised, and how it is transformed before the network.

Gradient descent moves along whatever the picture is made of. Stored as pixels it finds noise, as
every pixel moves for itself; stored as waves, each with a step in proportion to its length, it
finds shapes (Olah, Mordvintsev and Schubert, "Feature Visualization", Distill, 2017). The waves
here are cosines (the DCT, as in JPEG): two matrix products instead of a Fourier transform, and no
seam between opposite edges.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import keras
import numpy as np
from scipy.fft import dct

ops: Any = keras.ops  # its type stubs allow None for every result

# Square root of the covariance of colours over Tiny ImageNet's training photos, before the sigmoid,
# its longest row made 1: photos vary in brightness far more than in colour.
COLOURS = np.array([[0.773, 0.433, 0.319], [0.433, 0.661, 0.456], [0.319, 0.456, 0.831]], "float32")


class Parametrization(Protocol):
    """Parameters of a picture: an array of the picture's own shape, `(H, W, 3)`."""

    def start(self, size: tuple[int, int], seed: int) -> np.ndarray:
        """Random parameters: the noise everything begins with."""
        ...

    def of(self, picture: np.ndarray) -> np.ndarray:
        """The parameters of a given picture `(H, W, 3)` in 0..1."""
        ...

    def picture(self, parameters: Any, sharpness: Any) -> Any:
        """The picture as a tensor in 0..1; `sharpness` in 0..1 is the share of waves it may use."""
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

    def picture(self, parameters: Any, sharpness: Any) -> Any:
        return ops.relu6(3.0 + parameters * (6 / 255)) / 6  # a clip to 0..1 of a fast gradient


@dataclass(frozen=True)
class Waves:
    """Cosine waves in decorrelated colours, squeezed into 0..1 by a sigmoid.

    A wave's step is proportional to its length to the power `decay`. `spread` is the deviation of
    the initial noise before the sigmoid. Without `decorrelated`, the colours are red, green and
    blue.
    """

    decay: float = 1.0
    spread: float = 0.3
    decorrelated: bool = True

    @property
    def _colours(self) -> np.ndarray:
        return COLOURS if self.decorrelated else np.eye(3, dtype="float32")

    def start(self, size: tuple[int, int], seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).standard_normal((*size, 3))
        unit = float(np.sqrt(np.square(_scale(*size, self.decay)).mean()))
        return (self.spread / unit * noise).astype("float32")

    def of(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        x = np.clip(picture, 0.01, 0.99).astype("float64")
        x = np.log(x / (1 - x)) @ np.linalg.inv(self._colours)
        waves = np.einsum("kh,hwc->kwc", _cosines(height), x)
        waves = np.einsum("lw,kwc->klc", _cosines(width), waves)
        return (waves / _scale(height, width, self.decay)).astype("float32")

    def picture(self, parameters: Any, sharpness: Any) -> Any:
        height, width, _ = parameters.shape
        kept = ops.cast(_length(height, width) <= sharpness, "float32")
        waves = parameters * _scale(height, width, self.decay) * kept
        x = ops.einsum("kh,klc->hlc", _cosines(height), waves)
        x = ops.einsum("lw,hlc->hwc", _cosines(width), x)
        return ops.sigmoid(ops.matmul(x, self._colours))


@lru_cache(maxsize=8)
def _cosines(n: int) -> np.ndarray:
    """The orthonormal DCT-II matrix `(n, n)`: row k is a wave of k half periods."""
    return dct(np.eye(n), axis=0, norm="ortho").astype("float32")


@lru_cache(maxsize=8)
def _length(height: int, width: int) -> np.ndarray:
    """Frequency of each wave as a share of the highest, `(H, W, 1)`."""
    k, m = np.mgrid[:height, :width]
    return np.sqrt(((k / height) ** 2 + (m / width) ** 2) / 2)[..., None].astype("float32")


@lru_cache(maxsize=8)
def _scale(height: int, width: int, decay: float) -> np.ndarray:
    """How far one unit of a parameter moves its wave, `(H, W, 1)`."""
    half_periods = _length(height, width) * np.sqrt(2) * max(height, width)
    waves = np.sqrt(height * width) / 2 / np.maximum(half_periods, 1.0) ** decay
    return waves.astype("float32")


@dataclass(frozen=True)
class Transformations:
    """Random transformations before each forward pass: what survives them is a shape, not a trick.

    `jitter` in px, `scale` as a share (0.1: from 90 to 110 %), `rotation` in degrees, `blur` from
    0 to 1, `flip` for a mirror image every other time. With `crop`, views are parts of at least
    that share of each side, anywhere in the picture; only `blur` and `flip` act beside. The network
    sees `views` such pictures in each step, and its outputs are averaged (Athalye et al., 2018,
    arXiv:1707.07397: expectation over transformation).
    """

    jitter: float = 0.0
    scale: float = 0.0
    rotation: float = 0.0
    blur: float = 0.0
    flip: bool = False
    views: int = 1
    crop: float = 0.0

    @property
    def structure(self) -> tuple:
        """What needs a new compilation when it changes; the amounts of movement do not."""
        return self.blur, self.moves, self.views, bool(self.crop)

    @property
    def moves(self) -> bool:
        return bool(self.jitter or self.scale or self.rotation or self.flip)

    def draw(
        self,
        generator: np.random.Generator,
        size: tuple[int, int],
        to: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Draws the random transformations of a step's views, for `apply`.

        Args:
            generator: the source of randomness.
            size: `(height, width)` of the picture, in px.
            to: `(height, width)` of the views; None for the picture's size.

        Returns:
            Affine maps `(views, 8)`, as `keras.ops.image.affine_transform` reads them; for crops,
            and for a picture of another size, matrices `(views, 2, n, m)` that shrink its rows and
            its columns.
        """
        if self.crop or to not in (None, size):
            views = self.views if self.crop else 1
            crops = [self._crop(generator, size, to or size) for _ in range(views)]
            return np.stack(crops)
        views = self.views if self.moves else 1  # without moves they would all be alike
        return np.stack([self._draw(generator, *size) for _ in range(views)])

    def _crop(
        self, generator: np.random.Generator, size: tuple[int, int], to: tuple[int, int]
    ) -> np.ndarray:
        share = generator.uniform(self.crop, 1.0) if self.crop else 1.0
        rows, columns = (
            _resampling(n, m, share * n, generator.uniform(0, (1 - share) * n))
            for n, m in zip(size, to, strict=True)
        )
        mirrored = self.flip and generator.random() < 0.5
        return np.stack([rows, columns[::-1] if mirrored else columns])

    def _draw(self, generator: np.random.Generator, height: int, width: int) -> np.ndarray:
        zoom = 1.0 / (1.0 + generator.uniform(-self.scale, self.scale))
        angle = np.deg2rad(generator.uniform(-self.rotation, self.rotation))
        a, b = zoom * np.cos(angle), zoom * np.sin(angle)
        dx, dy = generator.uniform(-self.jitter, self.jitter, 2)
        m = -1.0 if self.flip and generator.random() < 0.5 else 1.0
        x, y = (width - 1) / 2, (height - 1) / 2  # turn and zoom about the middle
        return np.array(
            [m * a, -b, x - m * a * x + b * y + dx, m * b, a, y - m * b * x - a * y + dy, 0, 0]
        )

    def apply(self, picture: Any, drawn: Any) -> Any:
        """The views `(views, h, w, 3)` of a picture `(1, H, W, 3)`, one for each that was drawn."""
        if self.blur:
            smooth = ops.average_pool(picture, 3, 1, padding="same")
            picture = (1 - self.blur) * picture + self.blur * smooth
        if len(drawn.shape) == 4:
            rows = ops.einsum("vih,hwc->viwc", drawn[:, 0], picture[0])
            return ops.einsum("vjw,viwc->vijc", drawn[:, 1], rows)
        if self.moves:
            picture = ops.repeat(picture, drawn.shape[0], axis=0)
            picture = keras.ops.image.affine_transform(
                picture, drawn, interpolation="bilinear", fill_mode="reflect"
            )
        return picture


def _resampling(n: int, to: int, length: float, start: float) -> np.ndarray:
    """The matrix `(to, n)` that shows `length` of n values, from `start` on, as `to` values.

    A triangular filter as wide as the values it stands for: nothing is left out, no grid appears.
    """
    scale = length / to
    centre = start + (np.arange(to)[:, None] + 0.5) * scale - 0.5
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(n) - centre) / max(scale, 1.0))
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")
