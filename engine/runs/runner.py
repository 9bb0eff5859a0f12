"""The runner of this machine: runs are computed in this process, in turns."""

from collections.abc import Generator, Hashable
from contextlib import closing
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
        if getattr(run.task, "alone", False):
            return self._alone(run)
        return self._turns(run)

    def position(self, run: Run) -> int:
        return self._memory.position(run.alone) or self.schedule.position(run.share)

    def key(self, task: Any) -> Hashable:
        if task.key is None:
            return None
        return task.key, *map(self.store.version, task.backbones)

    def _turns(self, run: Run) -> Generator[Any]:
        with closing(self._frames(run)) as frames:
            while True:
                with self.schedule.turn(run.share, run.check):
                    frame = next(frames, _END)
                if frame is _END:
                    return
                yield frame

    def _frames(self, run: Run) -> Generator[Any]:
        """The frames; the networks are loaded for the first of them, in its turn."""
        nets = [self.store.get(name) for name in run.task.backbones]
        yield from run.task.steps(nets, run.live_at, run.continuation.resume)

    def _alone(self, run: Run) -> Generator[Any]:
        with self._memory.turn(run.alone, run.check):
            yield from self._turns(run)
