"""What stays of a run of ideal images: its curves, some of its pictures, an animation."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from PIL import Image

from engine import images
from engine.synthesis import Frame

KEPT = 48  # pictures kept of a run; of a longer one every second, fourth ... step


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One step's numbers."""

    step: int
    probability: float
    loss: float
    variation: float
    logit: float


class Recording:
    """Follows a run: `points` of every step, `pictures` as `{step: (H, W, 3) uint8}` of some."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.pictures: dict[int, np.ndarray] = {}
        self.latest: Frame | None = None
        self._every = 1

    def follow(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Passes frames on and keeps what is to stay of them."""
        for frame in frames:
            point = Point(
                step=frame.step,
                probability=frame.probability,
                loss=frame.loss,
                variation=frame.variation,
                logit=frame.logit,
            )
            self.points.append(point)
            self.latest = frame
            if frame.last or frame.step % self._every == 0:
                self._keep(frame)
            yield frame

    def _keep(self, frame: Frame) -> None:
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


def together(runs: list[Iterator[Frame]]) -> Iterator[tuple[Frame | None, ...]]:
    """Takes the steps of several runs in turns, so that they can be watched side by side.

    Yields:
        Each run's latest frame, after every round of steps.
    """
    latest: tuple[Frame | None, ...] = (None,) * len(runs)
    try:
        for round_of_steps in zip_longest(*runs):
            latest = tuple(new or old for new, old in zip(round_of_steps, latest, strict=True))
            yield latest
    finally:
        for run in runs:
            getattr(run, "close", lambda: None)()
