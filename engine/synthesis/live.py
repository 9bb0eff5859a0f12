"""What another thread may do to an ideal image while it is made, and where the run stands."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.synthesis.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a run is before a step: enough to go on from there, bit for bit.

    `parameters` are the picture's, `memory` the optimizer's, `random` the state of the generator
    that draws transformations.
    """

    step: int
    parameters: np.ndarray
    memory: tuple[np.ndarray, ...]
    random: Mapping[str, Any]


class Controls:
    """The few numbers another thread may change while a run goes on."""

    def __init__(self, settings: Settings) -> None:
        self.take(settings)
        self._where: Callable[[], Checkpoint | None] | None = None
        self._rewind: np.ndarray | None = None
        self._lock = threading.Lock()

    def take(self, settings: Settings) -> None:
        """Takes these numbers from settings; all else of them does not matter."""
        self.variation_weight = settings.variation_weight
        self.l1_weight = settings.l1_weight
        self.l2_weight = settings.l2_weight
        self.learning_rate = settings.learning_rate

    @property
    def numbers(self) -> tuple[float, ...]:
        """All of them, to be sent elsewhere."""
        return (self.variation_weight, self.l1_weight, self.l2_weight, self.learning_rate)

    @numbers.setter
    def numbers(self, values: tuple[float, ...]) -> None:
        self.variation_weight, self.l1_weight, self.l2_weight, self.learning_rate = values

    def given(self, settings: Settings) -> Settings:
        """Settings with these numbers."""
        return replace(
            settings,
            variation_weight=self.variation_weight,
            l1_weight=self.l1_weight,
            l2_weight=self.l2_weight,
            learning_rate=self.learning_rate,
        )

    @contextmanager
    def standing_at(self, where: Callable[[], Checkpoint | None]) -> Iterator[None]:
        """Where the run stands as long as the block lasts; None where that is not known."""
        self._where = where
        try:
            yield
        finally:
            self._where = None

    def checkpoint(self) -> Checkpoint | None:
        """Where the run stands; None while it computes, and before and after."""
        return self._where() if self._where else None

    def rewind(self, picture: np.ndarray) -> None:
        """Goes on from a picture `(H, W, 3)` in 0..1 instead of the latest one."""
        with self._lock:
            self._rewind = picture

    def take_rewind(self) -> np.ndarray | None:
        """The picture to go on from, once; None where nobody asked."""
        with self._lock:
            picture, self._rewind = self._rewind, None
            return picture
