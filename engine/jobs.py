"""Run a generator of snapshots in a worker thread: watched, paused, stepped, stopped, queued.

A page starts a job, asks it now and then what its latest snapshot is, and draws that. The worker
knows nothing of the page. A job whose page asks no more ends by itself when its lease runs out, and
an `Admission` lets only so many jobs compute at once, in the order they came.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal


class Admission:
    """Lets `limit` jobs compute at once; the others wait in line. A paused job holds no place."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line: deque[Job] = deque()
        self._inside: set[Job] = set()
        self._changed = threading.Condition()

    def enter(self, job: "Job") -> bool:
        """Waits for a place; False when the job was cancelled meanwhile."""
        with self._changed:
            self._line.append(job)
            while not job.cancelled:
                if self._line[0] is job and len(self._inside) < self._limit:
                    self._line.popleft()
                    self._inside.add(job)
                    self._changed.notify_all()
                    return True
                self._changed.wait(0.2)  # a lease may run out while nobody leaves
            self._line.remove(job)
            self._changed.notify_all()
            return False

    def leave(self, job: "Job") -> None:
        """Gives the place to the next in line."""
        with self._changed:
            self._inside.discard(job)
            self._changed.notify_all()

    def position(self, job: "Job") -> int:
        """How many jobs wait before this one, counting itself; 0 when it does not wait."""
        with self._changed:
            return self._line.index(job) + 1 if job in self._line else 0


class Job:
    """One generator in one thread.

    `snapshot` is the latest value the generator gave, None before the first; `error` the exception
    that ended it, None if none did; `done` whether it has ended.

    Args:
        make: makes the generator, in the worker.
        name: of the thread.
        admission: the line to wait in before computing.
        lease: seconds after which a job that nobody looks at ends; None for never.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[Any]],
        name: str = "job",
        *,
        admission: Admission | None = None,
        lease: float | None = None,
    ) -> None:
        self.snapshot: Any = None
        self.error: BaseException | None = None
        self._make = make
        self._admission = admission
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
        """Its place in the line, from 1; 0 when it does not wait."""
        return self._admission.position(self) if self._admission else 0

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
        if not self._enter():
            self._cut = True
            return
        snapshots: Any = None
        try:
            snapshots = self._make()
            for snapshot in snapshots:
                self.snapshot = snapshot
                if self.cancelled or not self._may_go_on():
                    self._cut = True
                    break
        except Exception as error:  # kept for the page to show; a worker has nobody to tell
            self.error = error
        finally:
            close = getattr(snapshots, "close", None)
            if close is not None:
                close()
            self._leave()

    def _may_go_on(self) -> bool:
        """Waits out a pause, its place given to others; False when the job is to end."""
        if not self._paused:
            return True
        self._leave()
        with self._changed:
            while self._paused and not self._allowed and not self.cancelled:
                self._changed.wait(0.2)
            self._allowed = max(self._allowed - 1, 0)
        return not self.cancelled and self._enter()

    def _enter(self) -> bool:
        return self._admission.enter(self) if self._admission else not self.cancelled

    def _leave(self) -> None:
        if self._admission:
            self._admission.leave(self)
