"""The runner of this machine: runs are computed in this process, in turns."""

from collections.abc import Generator
from contextlib import closing, nullcontext
from copy import copy
from typing import Any

from engine.backbones import Store
from engine.runs.run import Run
from engine.runs.schedule import Schedule

_END = object()


class LocalRunner:
    """Computes runs in this process, in turns.

    Args:
        schedule: of all sessions.
        store: the loaded backbones.
        alone: how many tasks that take much memory may run at once.
    """

    def __init__(self, schedule: Schedule, store: Store, alone: int = 2) -> None:
        self.schedule, self.store = schedule, store
        self._memory = Schedule(alone)

    def using(self, store: Store) -> "LocalRunner":
        """The same runner, the same turns, with another store."""
        other = copy(self)
        other.store = store
        return other

    def steps(self, run: Run) -> Generator[Any]:
        alone = getattr(run.task, "alone", False)
        memory = self._memory.turn(run.alone, run.check) if alone else nullcontext()
        with memory, closing(self._frames(run)) as frames:
            while True:
                with self.schedule.turn(run.share, run.check):
                    frame = next(frames, _END)
                if frame is _END:
                    return
                yield frame

    def position(self, run: Run) -> int:
        return self._memory.position(run.alone) or self.schedule.position(run.share)

    def _frames(self, run: Run) -> Generator[Any]:
        """The frames; the networks are loaded for the first of them, in its turn."""
        nets = [self.store.get(name) for name in run.task.backbones]
        how = (run.live_at, run.continuation.resume) if hasattr(run.task, "live") else ()
        yield from run.task.steps(nets, *how)
