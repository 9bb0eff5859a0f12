"""Random transformations before the network: what survives them is a shape, not a trick."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from engine.core.errors import BadSettings

ops: Any = keras.ops  # its type stubs allow None for every result


@dataclass(frozen=True)
class Transformations:
    """Random transformations before each forward pass.

    `jitter` in px, `scale` as a share (0.1: from 90 to 110 %), `rotation` in degrees, `blur` from
    0 to 1, `flip` for a mirror image every other time. With `crop`, views are parts of at least
    that share of each side, anywhere in the picture; `jitter`, `scale` and `rotation` do not act
    then. Outside the picture is its mirror image or, with `pad`, mid-grey. `noise` is the deviation
    of uniform noise on each view, in grey levels; it grows to that over the first `noise_ramp`
    steps. The network sees `views` such pictures in each step, and its outputs are averaged
    (Athalye et al., 2018, arXiv:1707.07397: expectation over transformation).

    Noise drowns fine texture that excites a network and means nothing to a person; what remains of
    the gradient follows shapes (Kaur, Cohen and Lipton, 2019, arXiv:1910.08640).
    """

    jitter: float = 0.0
    scale: float = 0.0
    rotation: float = 0.0
    blur: float = 0.0
    flip: bool = False
    views: int = 1
    crop: float = 0.0
    pad: bool = False
    noise: float = 0.0
    noise_ramp: int = 0

    def check(self) -> None:
        """Raises `BadSettings` if an amount is out of range."""
        allowed = {
            "jitter": (self.jitter >= 0, "0 or above"),
            "scale": (0 <= self.scale < 1, "0 to below 1"),
            "rotation": (0 <= self.rotation <= 180, "0 to 180"),
            "blur": (0 <= self.blur <= 1, "0 to 1"),
            "views": (1 <= self.views <= 64, "1 to 64"),
            "crop": (0 <= self.crop <= 1, "0 to 1"),
            "noise": (self.noise >= 0, "0 or above"),
            "noise_ramp": (self.noise_ramp >= 0, "0 or above"),
        }
        for name, (right, expected) in allowed.items():
            if not right:
                received = getattr(self, name)
                raise BadSettings(f"Invalid {name}: expected {expected}, received {received}.")

    @property
    def structure(self) -> tuple:
        """What needs a new compilation when it changes; the amounts of movement do not."""
        return self.blur, self.moves, self.views, bool(self.crop), self.pad, bool(self.noise)

    @property
    def moves(self) -> bool:
        return bool(self.jitter or self.scale or self.rotation or self.flip)

    def draw(
        self,
        generator: np.random.Generator,
        size: tuple[int, int],
        to: tuple[int, int] | None = None,
        step: int = 0,
    ) -> dict[str, np.ndarray]:
        """Draws the random transformations of a step's views, for `apply`.

        Args:
            generator: the source of randomness.
            size: `(height, width)` of the picture, in px.
            to: `(height, width)` of the views; None for the picture's size.
            step: the step's number, from 0.

        Returns:
            "moves": affine maps of the views `(views, 8)`, as `keras.ops.image.affine_transform`
            reads them; for crops, matrices `(views, 2, n, m)` that shrink the picture's rows and
            columns. With noise, "noise": `(views, *to, 3)`.
        """
        to = to or size
        alike = not (self.moves or self.crop or self.noise)
        views = range(1 if alike else self.views)
        if self.crop:
            moves = [self._crop(generator, size, to) for _ in views]
        else:
            moves = [self._draw(generator, *to, to[0] / size[0]) for _ in views]
        drawn = {"moves": np.stack(moves)}
        if self.noise:
            grown = min(1.0, (step + 1) / self.noise_ramp) if self.noise_ramp else 1.0
            noise = generator.random((len(views), *to, 3), dtype="float32") - 0.5
            noise *= np.sqrt(12.0) * grown * self.noise / 255  # numbers from 0 to 1: variance 1/12
            drawn["noise"] = noise
        return drawn

    def _crop(
        self, generator: np.random.Generator, size: tuple[int, int], to: tuple[int, int]
    ) -> np.ndarray:
        share = generator.uniform(self.crop, 1.0)
        rows, columns = (
            resampling(n, m, share * n, generator.uniform(0, (1 - share) * n))
            for n, m in zip(size, to, strict=True)
        )
        mirrored = self.flip and generator.random() < 0.5
        return np.stack([rows, columns[::-1] if mirrored else columns])

    def _draw(
        self, generator: np.random.Generator, height: int, width: int, shrunk: float
    ) -> np.ndarray:
        zoom = 1.0 / (1.0 + generator.uniform(-self.scale, self.scale))
        angle = np.deg2rad(generator.uniform(-self.rotation, self.rotation))
        a, b = zoom * np.cos(angle), zoom * np.sin(angle)
        dx, dy = shrunk * generator.uniform(-self.jitter, self.jitter, 2)
        m = -1.0 if self.flip and generator.random() < 0.5 else 1.0
        x, y = (width - 1) / 2, (height - 1) / 2  # turn and zoom about the middle
        return np.array(
            [m * a, -b, x - m * a * x + b * y + dx, m * b, a, y - m * b * x - a * y + dy, 0, 0]
        )

    def apply(self, picture: Any, drawn: dict[str, Any], to: tuple[int, int] | None = None) -> Any:
        """Returns the views of a picture.

        Args:
            picture: `(1, H, W, 3)`.
            drawn: what `draw` returned, as tensors.
            to: as for `draw`.

        Returns:
            `(views, *to, 3)`.
        """
        views = self._moved(picture, drawn["moves"], to)
        return views + drawn["noise"] if self.noise else views

    def _moved(self, picture: Any, moves: Any, to: tuple[int, int] | None) -> Any:
        if self.blur:
            smooth = ops.average_pool(picture, 3, 1, padding="same")
            picture = (1 - self.blur) * picture + self.blur * smooth
        if self.crop:
            return _shrunk(picture[0], moves[:, 0], moves[:, 1])
        size = picture.shape[1:3]
        if to not in (None, size):
            rows, columns = (resampling(n, m, n, 0.0) for n, m in zip(size, to, strict=True))
            picture = _shrunk(picture[0], rows[None], columns[None])
        if self.moves:
            picture = ops.image.affine_transform(
                ops.repeat(picture, moves.shape[0], axis=0),
                moves,
                interpolation="bilinear",
                fill_mode="constant" if self.pad else "reflect",
                fill_value=0.5,
            )
        return picture


def _shrunk(picture: Any, rows: Any, columns: Any) -> Any:
    return ops.einsum("vjw,viwc->vijc", columns, ops.einsum("vih,hwc->viwc", rows, picture))


def resampling(n: int, to: int, length: float, start: float) -> np.ndarray:
    """Returns the matrix `(to, n)` that shows `length` of n values, from `start`, as `to` values.

    A triangular filter as wide as the values it stands for: nothing is left out, no grid appears.
    """
    scale = length / to
    centre = start + (np.arange(to)[:, None] + 0.5) * scale - 0.5
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(n) - centre) / max(scale, 1.0))
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")
