"""The second runner: the same tasks on the machines of a Ray cluster.

Set `IDEAL_CAT_RAY` to `auto` or to the address of a cluster; without it, runs are computed in this
process. Ray does what it can do: a run is a streaming generator of an actor; it waits until its
next step is taken (a paused run is at most one step ahead), and Ray restarts a lost actor on
another machine. This module decides which actor a run goes to and where a run that has lost its
actor continues; `engine.cluster.pool` decides how many actors there are.
"""

import contextlib
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from engine import config
from engine.cluster.driver import Driver, Lost, Nothing
from engine.cluster.driver_process import ENDED, DriverProcess
from engine.cluster.pool import FULL, Bounds, Status
from engine.errors import WorkerLost
from engine.runs import (
    Continuation,
    LocalRunner,
    Run,
    Runner,
    Task,
    Training,
    TransferMatrix,
    Vectors,
)
from engine.storage import registry


def runner(here: LocalRunner) -> Runner:
    """The runner this process is to use: `here`, or the cluster that is configured.

    Raises:
        BadSettings: the configuration is not what it may be.
    """
    address = config.cluster_address()
    return Cluster(DriverProcess(address, Bounds.of_environment()), here) if address else here


class Drivers(Protocol):
    """Where a driver is found."""

    address: str

    def driver(self, *, wait: bool = True) -> Any:
        """The current driver or a proxy of it; None if there is none yet.

        Args:
            wait: whether to wait until there is one.
        """
        ...

    def drop(self, driver: Driver) -> None:
        """Reports that a driver has ended; the next call of `driver` starts another."""
        ...


class Cluster:
    """Computes runs on a Ray cluster.

    Args:
        process: where its driver is.
        here: computes what stays in this process: networks and classifiers that were trained here.
    """

    def __init__(self, process: Drivers, here: LocalRunner) -> None:
        self.process, self._here = process, here
        self._waiting: dict[int, None] = {}  # runs without a first frame, in order

    def key(self, task: Task) -> Hashable:
        return self._here.key(task)

    def position(self, run: Run) -> int:
        waiting = list(self._waiting)
        return waiting.index(id(run)) if id(run) in waiting else self._here.position(run)

    def takes(self, task: Task) -> bool:
        """Whether the cluster can load the task's networks: all but those trained here."""
        known = registry.specs()
        return bool(task.backbones) and all(name in known for name in task.backbones)

    def steps(self, run: Run) -> Iterator[Any]:
        task = run.task
        if not self.takes(task):
            return self._here.steps(run)
        if isinstance(task, Training):  # its photos stay here; only their features are far away
            run.task = replace(task, elsewhere=partial(self._vectors, run, task.backbones[0]))
            return self._here.steps(run)
        rows = task.rows(self._here.store) if isinstance(task, TransferMatrix) else []
        if len(rows) > 1:
            return self.spread(rows, run)
        return self._steps(run, task)

    def spread(self, tasks: Iterable[Task], run: Run) -> Iterator[Any]:
        """The last frame of each task, in order; several are computed at once."""

        def last(task: Task) -> Any:
            *_, frame = self._steps(run, task)
            return frame

        coming: deque[Future] = deque()
        with ThreadPoolExecutor(64, thread_name_prefix="spread") as pool:
            try:
                for task in tasks:
                    coming.append(pool.submit(last, task))
                    if len(coming) > FULL * self._size():
                        yield _result(coming.popleft(), run)
                while coming:
                    yield _result(coming.popleft(), run)
            finally:
                for future in coming:
                    future.cancel()

    def status(self) -> Status:
        """What the cluster is made of now, and how busy it is; waits for nobody."""
        driver = self.process.driver(wait=False)
        if driver is None:
            return Status(address=self.process.address)
        try:
            return replace(driver.status(), waiting=len(self._waiting))
        except ENDED:
            self.process.drop(driver)
            return Status(address=self.process.address)

    def _vectors(
        self, run: Run, backbone: str, views: int, batches: Iterable[Sequence[bytes]]
    ) -> Iterator[Any]:
        """Features of photos, by the machines of the cluster."""
        each = (Vectors(backbone=backbone, photos=tuple(some), views=views) for some in batches)
        return self.spread(each, run)

    def _size(self) -> int:
        """How many actors there are, at least one."""
        with contextlib.suppress(*ENDED):
            return max(self.process.driver().size(), 1)
        return 1

    def _steps(self, run: Run, task: Task) -> Iterator[Any]:
        """The frames of a task, computed by an actor.

        If the actor is lost, the run continues on another one from its last checkpoint, with the
        same live numbers at the same steps, so that the result is the same. Without a checkpoint
        it starts again.

        Raises:
            ClusterGone: the cluster does not answer.
            WorkerLost: the run lost its actor twice without a new frame in between.
            EngineError: what the task raises.
        """
        continuation, made, lost_at = run.continuation, 0, -1
        mine = task is run.task  # not one of several tasks of the run
        while True:
            run.check()
            driver: Any = None
            try:
                driver = self.process.driver()
                for number, frame in enumerate(self._frames(driver, run, task, continuation)):
                    if number >= made or hasattr(frame, "step"):  # by step, the run itself knows
                        yield frame
                    made = max(made, number + 1)
                return
            except (Lost, *ENDED) as error:
                if not isinstance(error, Lost):
                    self.process.drop(driver)
                reached = len(run.frames) if mine else made
                if lost_at == reached:
                    raise WorkerLost(
                        "The machines computing this run stopped twice at the same step. Start it "
                        "again; if that happens again, check the cluster's memory."
                    ) from error
                lost_at = reached
                if mine and hasattr(task, "live"):
                    continuation, made = run.so_far(tuple(run.frames)), 0
                step = continuation.resume and continuation.resume.step
                where = f"continues from step {step}" if step else "starts again"
                run.note = f"A cluster machine has stopped. This run {where} on another one."

    def _frames(
        self, driver: Driver, run: Run, task: Task, continuation: Continuation
    ) -> Iterator[Any]:
        """The frames that an actor sends; changes of the run's live numbers are sent to it."""
        sent: Any = run.live if task is run.task else None
        key = driver.start(task, sent, replace(continuation, frames=(), stills=(), pictures={}))
        try:
            self._waiting[id(run)] = None
            while (frame := driver.next(key)) is not Nothing.MORE:
                if frame is Nothing.YET:
                    run.check()
                    continue
                self._waiting.pop(id(run), None)
                yield frame
                if sent is not None and run.live != sent:
                    sent = run.live
                    driver.steer(key, sent)
        finally:
            self._waiting.pop(id(run), None)
            with contextlib.suppress(*ENDED):  # a driver that has ended has ended its runs, too
                driver.stop(key)


def _result(future: Future, run: Run) -> Any:
    """A future's result, waited for as long as somebody wants the run."""
    while True:
        try:
            return future.result(timeout=0.3)
        except NotYet:
            if future.done():
                raise
            run.check()
