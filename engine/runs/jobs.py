"""Run a generator of snapshots in a worker thread: watched, paused, stepped, stopped, in turns.

A page starts a job, asks it now and then what its latest snapshot is, and draws that. The worker
knows nothing of the page. A job whose page asks no more ends by itself when its lease runs out. An
`Admission` lets only so many compute at once, each one step, then the next in line: thirty people
see thirty pictures grow slowly, and nobody waits for another's whole run.
"""

import atexit
import bisect
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Literal, TypeVar

from engine.runs.context import Cancelled, check, current, on_behalf_of

T = TypeVar("T")
SLICE = 0.1  # seconds a run may compute before it is the next one's turn


class Share:
    """What a run has had of its turn, in seconds; None before its first.

    Short steps go on until it is `SLICE`.
    """

    spent: float | None = None

    @property
    def rank(self) -> int:
        """Where it belongs in line: 0 in the middle of a turn, 1 where it had none yet, else 2."""
        if self.spent is None:
            return 1
        return 0 if self.spent < SLICE else 2


class Admission:
    """Lets `limit` threads compute at once; the others wait in line, first come, first served.

    Those who have had nothing yet come before those who want more: a first picture is waited for.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = self._first = 0
        self._line: list[tuple[int, threading.Event]] = []  # by rank
        self._looking = threading.BoundedSemaphore(limit)
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, share: Share | None = None) -> Iterator[None]:
        """Waits for a place and holds it for the block.

        Args:
            share: of a run of many blocks; by its rank it is let in before others.

        Raises:
            Cancelled: the job of this thread was told to end while it waited.
        """
        ticket, job, share = threading.Event(), current(), share or Share()
        rank, had = share.rank, share.spent or 0.0
        with self._lock:
            bisect.insort(self._line, (rank, ticket), key=itemgetter(0))
            self._let_in()
        try:
            if job is not None:
                job.waits_for = lambda: self._place(ticket)
            while not ticket.wait(0.2):
                check()
            begun = time.monotonic()
            yield
            share.spent = time.monotonic() - begun + (had if rank == 0 else 0.0)
        finally:
            with self._lock:
                if ticket.is_set():
                    self._inside -= 1
                else:
                    self._line.remove((rank, ticket))
                self._let_in()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Computes the block before those in line: somebody looks at a page and waits for it.

        Meanwhile there is a place less for those in line, but always one. Not within a turn.
        """
        with self._looking:
            with self._lock:
                self._first += 1
            try:
                yield
            finally:
                with self._lock:
                    self._first -= 1
                    self._let_in()

    def turns(self, make: Callable[[], Iterable[T]]) -> Iterator[T]:
        """The values of `make()`, each computed in a turn of its own."""
        values: Any = None
        share = Share()
        try:
            while True:
                with self.turn(share):
                    values = iter(make()) if values is None else values
                    try:
                        value = next(values)
                    except StopIteration:
                        return
                yield value
        finally:
            getattr(values, "close", lambda: None)()

    def whole(self, make: Callable[[], Iterable[T]]) -> Iterator[T]:
        """The values of `make()`, all in one turn: for work whose memory is what is short."""
        with self.turn():
            yield from make()

    def _let_in(self) -> None:
        places = max(self._limit - self._first, 1)
        while self._line and self._inside < places:
            self._inside += 1
            self._line.pop(0)[1].set()

    def _place(self, ticket: threading.Event) -> int:
        with self._lock:
            waiting = [one for _, one in self._line]
            return waiting.index(ticket) + 1 if ticket in waiting else 0


class Job:
    """One generator in one thread.

    `snapshot` is the latest value the generator gave, None before the first; `error` the exception
    that ended it, None if none did; `done` whether it has ended; `note` a sentence about what has
    happened to it, empty if nothing has.

    Args:
        make: makes the generator, in the worker.
        name: of the thread.
        lease: seconds after which a job that nobody looks at ends; None for never.
    """

    def __init__(
        self, make: Callable[[], Iterator[Any]], name: str = "job", *, lease: float | None = None
    ) -> None:
        self.snapshot: Any = None
        self.error: BaseException | None = None
        self.note = ""
        self.waits_for: Callable[[], int] = lambda: 0  # its place in line, as long as it waits
        self._make = make
        self._lease = lease
        self._seen = time.monotonic()
        self._cancelled = threading.Event()
        self._cut = False
        self._paused = False
        self._allowed = 0  # single steps asked for while paused
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> "Job":
        """Starts the worker and returns the job itself."""
        _alive.add(self)
        self._thread.start()
        return self

    @property
    def done(self) -> bool:
        return self._thread.ident is not None and not self._thread.is_alive()

    @property
    def paused(self) -> bool:
        return self._paused and not self.done

    @property
    def cancelled(self) -> bool:
        """Whether it was told to end, or nobody has looked for longer than its lease."""
        expired = self._lease is not None and time.monotonic() - self._seen > self._lease
        return self._cancelled.is_set() or expired

    @property
    def ending(self) -> Literal["done", "stopped", "left"]:
        """How it ended: by itself, because it was told to, or because nobody looked."""
        if not self._cut:
            return "done"
        return "stopped" if self._cancelled.is_set() else "left"

    @property
    def position(self) -> int:
        """Its place in line before its first step, from 1; 0 when it does not wait."""
        return self.waits_for() if self.snapshot is None and not self.done else 0

    def touch(self) -> None:
        """Renews the lease: a page calls this whenever it looks."""
        self._seen = time.monotonic()

    def expire_within(self, seconds: float) -> None:
        """Shortens the lease: the page seems to be gone."""
        self._lease = seconds if self._lease is None else min(self._lease, seconds)

    def pause(self) -> None:
        """Stops after the step it is working on."""
        with self._changed:
            self._paused, self._allowed = True, 0

    def step(self) -> None:
        """Makes one step, then pauses again."""
        with self._changed:
            self._paused, self._allowed = True, self._allowed + 1
            self._changed.notify_all()

    def resume(self) -> None:
        """Goes on after a pause."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def cancel(self) -> None:
        """Ends the job after the snapshot it is working on; what it has given is kept."""
        self._cancelled.set()
        with self._changed:
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the job has ended, at most `timeout` seconds."""
        self._thread.join(timeout)

    def result(self) -> Any:
        """Waits for the end and returns the last snapshot, or raises what ended the job."""
        self.wait()
        if self.error is not None:
            raise self.error
        return self.snapshot

    def _run(self) -> None:
        with on_behalf_of(self):
            self._take_steps()

    def _take_steps(self) -> None:
        snapshots: Any = None
        try:
            check()
            snapshots = self._make()
            for snapshot in snapshots:
                self.snapshot = snapshot
                self._wait_out_a_pause()
                check()
        except Cancelled:
            self._cut = True
        except Exception as error:  # kept for the page to show; a worker has nobody to tell
            self.error = error
        finally:
            getattr(snapshots, "close", lambda: None)()
            _alive.discard(self)

    def _wait_out_a_pause(self) -> None:
        with self._changed:
            while self._paused and not self._allowed and not self.cancelled:
                self._changed.wait(0.2)
            self._allowed = max(self._allowed - 1, 0)


_alive: set[Job] = set()


@atexit.register
def _end() -> None:
    """Ends what runs before the interpreter does: a thread inside TensorFlow would crash it."""
    for job in _alive.copy():
        job.cancel()
    for job in _alive.copy():
        if job._thread.ident is not None:
            job.wait(10)
