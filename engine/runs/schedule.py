"""Fair turns: only so many threads compute at once, each for a tenth of a second, then the next.

Thirty people see thirty pictures grow slowly, and nobody waits for another's whole run. What is
soon done, like an attack, need not wait for those pictures, nor what many wait for, like the
training of a class: the less a run has computed for each person who watches, the sooner it comes,
as in a multilevel feedback queue (Silberschatz, Galvin and Gagne, Operating System Concepts, 10th
edition, 5.3.6). Past the last level but one, the run that began first comes first: pictures are
finished one after the other, not all at the end; past the last, turns are equal. Every third turn
is for whoever has waited longest, so that each of them grows, however many others there are.
"""

import bisect
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import NamedTuple

SLICE = 0.1  # seconds a run may compute before it is the next one's turn
LEVELS = (0.5, 1.0, 2.0, 4.0, 8.0, 60.0)  # seconds computed for each person; past each, others pass
LONGEST_EVERY = 3  # turns, of which one is for whoever has waited longest


class Share:
    """What a run has used of its turn, None before its first, and of all turns, in seconds.

    `people` is how many watch it, `begun` the number of its first turn.
    """

    spent: float | None = None
    total = 0.0
    people = 1
    begun: int | None = None

    @property
    def rank(self) -> int:
        """Its priority in the queue: 0 comes first.

        0 in the middle of a turn, 1 before the first turn, as a first picture takes precedence over
        further pictures of other runs; from 2 on by what it has had.
        """
        if self.spent is None:
            return 1
        if self.spent < SLICE:
            return 0
        return 2 + bisect.bisect_right(LEVELS, self.total / self.people)


class _Entry(NamedTuple):
    """Who waits; `number` counts up. Within a rank, the smallest `place` comes first."""

    rank: int
    place: int
    number: int
    ticket: threading.Event
    share: Share


class Schedule:
    """Lets `places` threads compute at once; the others queue, by rank.

    Args:
        places: how many.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside = self._ahead = 0
        self._passed = [0, 0]  # turns since whoever had waited longest had one; among long runs
        self._queue: list[_Entry] = []  # by rank
        self._numbers = itertools.count()
        self._looking = threading.BoundedSemaphore(places)
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, share: Share, check: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Waits for a place and holds it for the block.

        Args:
            share: of a run of many blocks.
            check: called while waiting; what it raises ends the waiting.
        """
        number = next(self._numbers)
        if share.begun is None:
            share.begun = number
        rank = share.rank
        place = share.begun if rank == 1 + len(LEVELS) else number
        entry = _Entry(rank, place, number, threading.Event(), share)
        had = share.spent or 0.0
        with self._lock:
            bisect.insort(self._queue, entry, key=attrgetter("rank", "place"))
            self._let_in()
        try:
            while not entry.ticket.wait(0.2):
                check()
            begun = time.monotonic()
            yield
            used = time.monotonic() - begun
            share.spent = used + (had if entry.rank == 0 else 0.0)
            share.total += used
        finally:
            with self._lock:
                if entry.ticket.is_set():
                    self._inside -= 1
                else:
                    self._queue.remove(entry)
                self._let_in()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Runs the block ahead of the queue, for a computation that a page is waiting for.

        Meanwhile, the queue has one place fewer, but at least one. Do not use it within a turn.
        """
        with self._looking:
            with self._lock:
                self._ahead += 1
            try:
                yield
            finally:
                with self._lock:
                    self._ahead -= 1
                    self._let_in()

    def position(self, share: Share) -> int:
        """Where a run stands in the queue, from 1; 0 where it does not wait."""
        with self._lock:
            waiting = [entry.share for entry in self._queue]
            return waiting.index(share) + 1 if share in waiting else 0

    def _let_in(self) -> None:
        places = max(self._places - self._ahead, 1)
        while self._queue and self._inside < places:
            self._inside += 1
            self._queue.pop(self._next()).ticket.set()

    def _next(self) -> int:
        """Whose turn it is, as a place in the queue; nobody passes who is in the middle of one."""
        if self._queue[0].rank == 0:
            return 0
        longest = min(range(len(self._queue)), key=lambda k: self._queue[k].number)
        only_long = self._queue[0].rank > len(LEVELS)  # they do not use up the turns of short ones
        place = longest if self._passed[only_long] >= LONGEST_EVERY - 1 else 0
        self._passed[only_long] = 0 if place == longest else self._passed[only_long] + 1
        return place
