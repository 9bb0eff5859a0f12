"""What stays of a run: its curves, some of its pictures, an animation."""

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Generic, TypeVar

import numpy as np
from PIL import Image

from engine import attacks, images, synthesis

F = TypeVar("F", synthesis.Frame, attacks.Frame)
_NOTHING = np.empty((0, 0, 3), "float32")
KEPT = 48  # pictures kept of a run; of a longer one every second, fourth ... step


class Recording(Generic[F]):
    """What is kept of a run: `points`, every frame without its picture, and `pictures`,
    `{step: (H, W, 3) uint8}`, of some.
    """

    def __init__(self) -> None:
        self.points: list[F] = []
        self.pictures: dict[int, np.ndarray] = {}
        self._whole: F | None = None
        self._every = 1

    def __len__(self) -> int:
        return len(self.points)

    @property
    def latest(self) -> F | None:
        """The last frame with its picture; the last one that has a picture, if others do not."""
        whole, points, pictures = self._whole, self.points, self.pictures
        if whole is not None or not points:
            return whole
        point = next(p for p in reversed(points) if p.step in pictures)
        return replace(point, picture=images.from_uint8(pictures[point.step]))

    def follow(self, frames: Iterator[F]) -> Iterator["Recording[F]"]:
        """Keeps the frames as they come; yields itself after each."""
        for frame in frames:
            self.append(frame)
            yield self

    def append(self, frame: F) -> None:
        """Keeps a frame, or what is to stay of it."""
        self._whole = frame
        if frame.last or frame.step % self._every == 0:
            self._keep(frame)
        self.points.append(replace(frame, picture=_NOTHING))

    def show(self, other: "Recording[F]", count: int) -> None:
        """Becomes what another recording was, or would have been, after `count` frames."""
        points, whole, pictures = other.points[:count], other._whole, other.pictures
        end = points[-1]
        if not end.last:
            pictures = {step: picture for step, picture in pictures.items() if step <= end.step}
        same = whole is not None and (whole.step, whole.last) == (end.step, end.last)
        self.points, self.pictures, self._every = points, pictures, other._every
        self._whole = whole if same else None

    def _keep(self, frame: F) -> None:
        pictures = self.pictures | {frame.step: images.to_uint8(frame.picture)}
        if len(pictures) > KEPT:
            self._every *= 2
            pictures = {
                step: picture
                for step, picture in pictures.items()
                if step % self._every == 0 or step == frame.step
            }
        self.pictures = pictures  # replaced, not changed: a page may be reading it

    def animation(self, milliseconds: int = 90) -> bytes:
        """The kept pictures as an animated WebP that ends on the last one for two seconds."""
        frames = [Image.fromarray(picture) for picture in self.pictures.values()]
        buffer = io.BytesIO()
        frames[0].save(
            buffer,
            "WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=[*[milliseconds] * (len(frames) - 1), 2000],
            loop=0,
            quality=85,
        )
        return buffer.getvalue()


def together(runs: list[Iterator[F]]) -> Iterator[tuple[F | None, ...]]:
    """Takes the steps of several runs in turns, so that they can be watched side by side.

    Yields:
        Each run's latest frame, after every round of steps.
    """
    latest: tuple[F | None, ...] = (None,) * len(runs)
    try:
        for round_of_steps in zip_longest(*runs):
            latest = tuple(new or old for new, old in zip(round_of_steps, latest, strict=True))
            yield latest
    finally:
        for run in runs:
            getattr(run, "close", lambda: None)()
