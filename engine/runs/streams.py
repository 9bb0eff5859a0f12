"""Generators with a memory, which many follow.

Whoever is first to want the next step of a `Stream` computes it, in a turn of the line; the others
find it made. While nobody wants more, nothing is computed.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from engine.runs import context, jobs

PACE = 0.02  # seconds a step is looked at by those who come later: a run is there to be watched
_END = object()


class Stream:
    """A generator that many follow and that is computed once.

    Args:
        make: makes the generator.
        memory: keeps its steps, a list or a `Recording`.
        line: a step is computed in a turn of it.
        handle: what those who follow may need beside the steps.
        held: whether a generator that stands still holds something of others: it is then closed
            when nobody follows, and what was made is made again for who comes later.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[Any]],
        memory: Any,
        line: jobs.Admission,
        handle: Any = None,
        held: bool = False,
    ) -> None:
        self._held, self._followers = held, 0
        self.memory, self.handle = memory, handle
        self.error: Exception | None = None
        self.note = ""  # what has happened to it, for all who follow
        self._make: Callable[[], Iterator[Any]] | None = make
        self._source: Generator[Any, None, None] | None = None
        self._line = line
        self._worker: jobs.Job | None = None
        self._busy = False
        self._share = jobs.Share()
        self._changed = threading.Condition()

    def follow(self) -> Generator[int, None, None]:
        """Yields how many steps there are, from 1 to the end, making those that are missing.

        Raises:
            Exception: what ended the generator.
        """
        count = 0
        with self._following():
            while self._reach(count + 1):
                count += 1
                if self.note:
                    context.say(self.note)
                yield count
                if count < len(self.memory):
                    time.sleep(PACE)
        if self.error is not None:
            raise self.error

    @contextmanager
    def _following(self) -> Iterator[None]:
        with self._changed:
            self._followers += 1
        try:
            yield
        finally:
            with self._changed:
                self._followers -= 1
                left = self._held and not self._followers and self._source is not None
            if left:
                with context.on_behalf_of(None), self.standing():  # whose job may have to end
                    self._begin_again()

    def _begin_again(self) -> None:
        """Lets go of the generator; another one makes again, when it is asked, what was made."""
        source, make = self._source, self._make
        if source is not None and make is not None:
            made = len(self.memory)
            self._source = (step for step in islice(_lazily(make), made, None))
            source.close()

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Holds the stream between two steps for the block."""
        with self._changed:
            while self._busy:
                self._changed.wait(0.5)
                context.check()
            self._busy, self._worker = True, context.current()
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _reach(self, count: int) -> bool:
        """Makes step number `count`, or waits until it is made; False where there is none."""
        me = context.current()
        with self._changed:
            while self._busy and len(self.memory) < count:
                if me is not None and self._worker is not None:
                    me.waits_for = self._worker.waits_for
                self._changed.wait(0.5)
                context.check()
            if len(self.memory) >= count or self._make is None:
                return len(self.memory) >= count
            self._busy, self._worker = True, me
        try:
            with self._line.turn(self._share):
                self._advance()
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        return len(self.memory) >= count

    def _advance(self) -> None:
        try:
            if self._source is None and self._make is not None:
                self._source = _lazily(self._make)
            step = next(self._source, _END) if self._source is not None else _END
        except context.Cancelled:  # who has asked for the step wants it no more; others may
            self._begin_again()
            raise
        except Exception as error:  # everybody who follows is told
            self.error, step = error, _END
        job = context.current()
        self.note = self.note if job is None else job.note or self.note
        if step is _END:
            self._make = self._source = None  # and with them the backbone they hold
        else:
            self.memory.append(step)


def _lazily(make: Callable[[], Iterator[Any]]) -> Generator[Any, None, None]:
    """What `make()` gives; it is called when the first value is asked for."""
    yield from make()


class Streams:
    """The streams of all sessions by what they compute; the least recently used go first.

    One that goes is still there for those who follow it.
    """

    def __init__(self, keep: int = 24) -> None:
        self._keep = keep
        self._streams: OrderedDict[Hashable, Stream] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Stream]) -> Stream:
        """The stream of that key, made by `make()` where there is none or an error ended it."""
        with self._lock:
            found = self._streams.get(key)
            if found is None or found.error is not None:
                found = self._streams[key] = make()
            self._streams.move_to_end(key)
            gone = []
            while len(self._streams) > self._keep:
                gone.append(self._streams.popitem(last=False))
        del gone  # outside the lock: a run may have to be ended with it
        return found
