"""Limits on how often something may be tried, kept in memory."""

import threading
import time
from collections import deque
from collections.abc import Hashable

from cachetools import TTLCache

from engine.core.errors import TooOften


class Limit:
    """At most `times` within `seconds`, for each person.

    The clock is one that never jumps.
    """

    def __init__(self, times: int, seconds: float) -> None:
        self.times, self.seconds = times, seconds
        self._made: TTLCache[Hashable, deque[float]] = TTLCache(10_000, seconds)
        self._lock = threading.Lock()

    def check(self, who: Hashable) -> None:
        """Raises `TooOften` if no more is allowed now."""
        with self._lock:
            made = self._recent(who)
            if len(made) >= self.times:
                wait = max(1, round(self.seconds - (time.monotonic() - made[0])))
                raise TooOften(f"Too many attempts. Try again in {wait} s.")

    def made(self, who: Hashable) -> int:
        """How many were counted within the last so many seconds."""
        with self._lock:
            return len(self._recent(who))

    def note(self, who: Hashable) -> None:
        """Counts one more time."""
        with self._lock:
            self._made[who] = deque([*self._recent(who), time.monotonic()])

    def count(self, who: Hashable) -> None:
        """Counts one more time; raises `TooOften` instead if no more is allowed."""
        self.check(who)
        self.note(who)

    def _recent(self, who: Hashable) -> deque[float]:
        since = time.monotonic() - self.seconds
        return deque(at for at in self._made.get(who, ()) if at > since)
