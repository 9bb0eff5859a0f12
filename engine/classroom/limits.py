"""Limits on how often something may be tried, kept in memory."""

import threading
import time
from collections import deque
from collections.abc import Hashable

from cachetools import TTLCache

from engine.errors import TooOften


class Limit:
    """At most `times` within `seconds`, for each person.

    The clock is one that never jumps.
    """

    def __init__(self, times: int, seconds: float) -> None:
        self.times, self.seconds = times, seconds
        self._made: TTLCache[Hashable, deque[float]] = TTLCache(10_000, seconds)
        self._lock = threading.Lock()

    def count(self, who: Hashable) -> None:
        """Counts one more time.

        Raises:
            TooOften: it was too often; this time does not count.
        """
        now = time.monotonic()
        with self._lock:
            made = self._made.get(who, deque())
            while made and now - made[0] > self.seconds:
                made.popleft()
            if len(made) >= self.times:
                wait = max(1, round(self.seconds - (now - made[0])))
                raise TooOften(f"That was a little fast. Try again in {wait} s.")
            made.append(now)
            self._made[who] = made
