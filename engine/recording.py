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
    """Follows a run: `points`, every frame without its picture; `pictures`,
    `{step: (H, W, 3) uint8}` of some; `latest`, the whole last one.
    """

    def __init__(self) -> None:
        self.points: list[F] = []
        self.pictures: dict[int, np.ndarray] = {}
        self.latest: F | None = None
        self._every = 1

    def follow(self, frames: Iterator[F]) -> Iterator[F]:
        """Passes frames on and keeps what is to stay of them."""
        for frame in frames:
            self.points.append(replace(frame, picture=_NOTHING))
            self.latest = frame
            if frame.last or frame.step % self._every == 0:
                self._keep(frame)
            yield frame

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
