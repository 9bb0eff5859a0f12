"""Run a generator of snapshots in a worker thread and keep its latest snapshot.

A page starts a job, asks it now and then what its latest snapshot is, and draws that. The worker
knows nothing of the page.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any


class Job:
    """One generator in one thread.

    `snapshot` is the latest value the generator gave, None before the first; `error` the exception
    that ended it, None if none did; `done` whether it has ended.
    """

    def __init__(self, make: Callable[[], Iterator[Any]], name: str = "job") -> None:
        self.snapshot: Any = None
        self.error: BaseException | None = None
        self._make = make
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> "Job":
        """Starts the worker and returns the job itself."""
        self._thread.start()
        return self

    @property
    def done(self) -> bool:
        return self._thread.ident is not None and not self._thread.is_alive()

    def cancel(self) -> None:
        """Ends the job after the snapshot it is working on; what it has given is kept."""
        self._cancelled.set()

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
        snapshots = self._make()
        try:
            for snapshot in snapshots:
                self.snapshot = snapshot
                if self._cancelled.is_set():
                    break
        except Exception as error:  # kept for the page to show; a worker has nobody to tell
            self.error = error
        finally:
            close = getattr(snapshots, "close", None)
            if close is not None:
                close()
