"""Where runs are computed: the protocol, and the runner of one machine."""

from collections.abc import Hashable, Iterator
from copy import copy
from typing import Any, Protocol

from engine.backbones import Store
from engine.runs.run import Run
from engine.runs.schedule import Schedule

_END = object()


class Runner(Protocol):
    """Where runs are computed."""

    def steps(self, run: Run) -> Iterator[Any]:
        """The frames of a run's task; calls `run.check` while it waits."""
        ...

    def position(self, run: Run) -> int:
        """Where a run stands in the queue, from 1; 0 where it does not wait."""
        ...

    def key(self, task: Any) -> Hashable:
        """A key shared by equal tasks with the same networks; None if the run is never shared."""
        ...


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

    def steps(self, run: Run) -> Iterator[Any]:
        if getattr(run.task, "alone", False):
            return self._alone(run)
        return self._turns(run)

    def position(self, run: Run) -> int:
        return self._memory.position(run.alone) or self.schedule.position(run.share)

    def key(self, task: Any) -> Hashable:
        if task.key is None:
            return None
        return task.key, *map(self.store.version, task.backbones)

    def _turns(self, run: Run) -> Iterator[Any]:
        frames: Any = None
        try:
            while True:
                with self.schedule.turn(run.share, run.check):
                    if frames is None:
                        nets = [self.store.get(name) for name in run.task.backbones]
                        frames = run.task.steps(nets, run.live_at, run.continuation.resume)
                    frame = next(frames, _END)
                if frame is _END:
                    return
                yield frame
        finally:
            getattr(frames, "close", lambda: None)()

    def _alone(self, run: Run) -> Iterator[Any]:
        with self._memory.turn(run.alone, run.check):
            yield from self._turns(run)
