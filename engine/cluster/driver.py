"""Starts runs on the actors of a Ray cluster, collects their frames, steers and stops them.

It lives in a process of its own (`engine.cluster.driver_process`): Ray ends the process of a driver
whose machine's raylet is gone, and the app has to go on.
"""

import contextlib
import threading
import uuid
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.cluster.pool import Actor, Pool, Status
from engine.errors import EngineError
from engine.runs import Continuation, Task
from engine.synthesis import Live

PATIENCE = 0.3  # seconds a question waits for its answer before it says that there is none yet


class Lost(Exception):
    """A run has lost its actor, or the actor's results."""


class Nothing(Enum):
    """Why there is no next packet: not yet, or never."""

    YET = 1
    MORE = 2


@dataclass(eq=False)
class _Run:
    actor: Actor
    arguments: tuple
    stream: Any = None
    lost: bool = False


class Driver:
    """The runs of one app on a cluster.

    Args:
        pool: the actors.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()

    def start(self, task: Task, live: Live | None, continuation: Continuation) -> str:
        """Begins a run, see `Worker.run`; gives its key.

        Raises:
            ClusterGone: the cluster does not answer.
            WeightsUnavailable: weights are not on this machine either.
        """
        actor, key = self.pool.place(task.backbones), uuid.uuid4().hex
        try:
            files = self.pool.references(task.backbones)
        except BaseException:
            self.pool.release(actor)
            raise
        self._runs[key] = _Run(actor, (key, task, files, _fetch, live, continuation))
        return key

    def next(self, key: str) -> Any:
        """The next frame of a run, or why there is none.

        Raises:
            Lost: its actor is gone.
            EngineError: what the task raises.
        """
        import ray

        run = self._runs[key]
        try:
            if run.stream is None:
                if not ray.wait([run.actor.answer], timeout=PATIENCE)[0]:
                    return Nothing.YET
                begin = run.actor.handle.run.options(
                    concurrency_group="runs",
                    num_returns="streaming",
                    _generator_backpressure_num_objects=1,
                )
                run.stream = begin.remote(*run.arguments)
            if not ray.wait([run.stream], timeout=PATIENCE)[0]:
                return Nothing.YET
            return ray.get(next(run.stream))
        except StopIteration:
            return Nothing.MORE
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, EngineError) else RuntimeError(str(error)) from None
        except ray.exceptions.RayError as error:
            run.lost = True
            raise Lost(str(error)) from None

    def steer(self, key: str, live: Live) -> None:
        """Changes the live numbers of a run."""
        steer = self._runs[key].actor.handle.steer.options(concurrency_group="words")
        steer.remote(key, live)

    def stop(self, key: str) -> None:
        """Stops a run if it has not ended, and forgets it."""
        with self._lock:
            run = self._runs.pop(key, None)
        if run is None:
            return
        self.pool.release(run.actor, lost=run.lost)
        if run.stream is not None and not run.lost:
            import ray

            # Ray can cancel a run that has not begun or is waiting for its step to be taken; one in
            # the middle of a step has to be told.
            run.actor.handle.stop.options(concurrency_group="words").remote(key)
            with contextlib.suppress(ray.exceptions.RayError):
                ray.cancel(run.stream)

    def size(self) -> int:
        """How many actors there are."""
        return self.pool.size

    def status(self) -> Status:
        """What the cluster is made of now, and how many runs there are."""
        return self.pool.status(running=len(self._runs))


def _fetch(reference: Any) -> bytes:
    """The content of an object reference; called in the worker's process."""
    import ray

    found: Any = ray.get(reference)
    return found
