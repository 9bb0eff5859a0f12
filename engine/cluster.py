"""The second runner: the same tasks on the machines of a Ray cluster.

Set `IDEAL_CAT_RAY` to `auto` or to the address of a cluster; without it, jobs are computed in this
process. What Ray has is left to Ray: a run is a streaming generator of an actor, which waits while
nobody takes its next step (a paused job is at most one step ahead), is cancelled by Ray, and whose
actor Ray restarts on another machine. Here is only what is ours: which actor a run goes to, how
many there are (`engine.pool`), and from where a run goes on that has lost its actor.
"""

import contextlib
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.managers import BaseManager
from typing import Any, Protocol

from engine import jobs, registry
from engine.backbones import Backbone
from engine.controls import Checkpoint, Controls
from engine.driver import Driver, Lost, Nothing
from engine.errors import WorkerLost
from engine.pool import FULL, Bounds, Pool, Status
from engine.tasks import Runner, Task, Threads
from engine.worker import Numbers, Packet

_ENDED = (EOFError, ConnectionError)  # what a question gets whose driver's process ends


def runner(line: jobs.Admission) -> Runner:
    """The runner this process is to use.

    Raises:
        BadSettings: the variables of the environment make no sense.
    """
    address = os.environ.get("IDEAL_CAT_RAY")
    return Cluster(Office(address, Bounds.of_environment()), line) if address else Threads(line)


class Drivers(Protocol):
    """Where a driver is found."""

    def driver(self) -> Driver:
        """The driver as it is now, or one that stands for it."""
        ...

    def drop(self, driver: Driver) -> None:
        """Tells that it has ended; the next question gets another."""
        ...


class Office:
    """A driver in a process of its own; another one where that has ended.

    Args:
        address: `auto`, or `host:port` of the cluster's head.
        bounds: how many actors there may be.
    """

    def __init__(self, address: str, bounds: Bounds) -> None:
        self.address = address
        self._bounds = bounds
        self._manager: _Manager | None = None
        self._driver: Any = None
        self._lock = threading.Lock()
        threading.Thread(target=self.driver, name="cluster", daemon=True).start()

    def driver(self) -> Driver:
        with self._lock:
            if self._driver is None:
                self._manager = _Manager(ctx=multiprocessing.get_context("spawn"))
                self._manager.start(_end_with_parent)
                self._driver = self._manager.driver(self.address, self._bounds)
            return self._driver

    @property
    def open(self) -> bool:
        """Whether there is a driver to be asked at once."""
        return self._driver is not None

    def drop(self, driver: Driver) -> None:
        with self._lock:
            if driver is self._driver:
                self._driver = None
                self._end()

    def close(self) -> None:
        """Leaves the cluster; its actors end."""
        with self._lock:
            self._driver = None
            self._end()

    def _end(self) -> None:
        if self._manager is not None:
            with contextlib.suppress(*_ENDED):
                self._manager.shutdown()
            self._manager = None


class Cluster:
    """Computes tasks on a Ray cluster.

    Args:
        office: where its driver is.
        line: for what stays in this process: networks that were trained here.
    """

    def __init__(self, office: Drivers, line: jobs.Admission) -> None:
        self.office = office
        self._here = Threads(line)
        self._open = jobs.Admission(100_000)  # the actors have lines of their own
        self._waiting: set[str] = set()  # runs without a first step

    def line(self, nets: Sequence[Backbone]) -> jobs.Admission:
        return self._open if self.spreads(nets) else self._here.line(nets)

    def spreads(self, nets: Sequence[Backbone]) -> bool:
        """Whether the cluster can load these networks: all but those that were trained here."""
        return all(net.name in registry.specs() for net in nets)

    def spread(self, tasks: Iterable[Task], nets: Sequence[Backbone]) -> Iterator[Any]:
        if not self.spreads(nets):
            yield from self._here.spread(tasks, nets)
            return

        def last(task: Task) -> Any:
            *_, value = self.steps(task, nets)
            return value

        coming: deque[Future] = deque()
        with ThreadPoolExecutor(64, thread_name_prefix="spread") as pool:
            try:
                for task in tasks:
                    coming.append(pool.submit(last, task))
                    if len(coming) > FULL * max(self.office.driver().size(), 1):
                        yield coming.popleft().result()
                while coming:
                    yield coming.popleft().result()
            finally:
                for future in coming:
                    future.cancel()

    def steps(
        self,
        task: Task,
        nets: Sequence[Backbone],
        controls: Controls | None = None,
        resume: Checkpoint | None = None,
    ) -> Iterator[Any]:
        """The steps of a task, computed by an actor.

        Where that is lost, the run goes on from its last checkpoint on another one, with the same
        controls in the same steps, so that its end is the same; or it begins again.

        Raises:
            ClusterGone: the cluster does not answer.
            WorkerLost: the run lost its actor twice without a new step in between.
            EngineError: what the task raises.
        """
        if not self.spreads(nets):
            yield from self._here.steps(task, nets, controls, resume)
            return
        script: dict[int, Numbers] = {}
        wanted, lost_at = resume.step if resume else 0, None
        while True:
            driver = self.office.driver()
            try:
                for packet in self._packets(driver, task, controls, resume, script, wanted):
                    script |= {wanted: packet.numbers} if packet.numbers else {}
                    resume = packet.checkpoint or resume
                    wanted += 1
                    yield packet.value
                return
            except (Lost, *_ENDED) as error:
                if not isinstance(error, Lost):
                    self.office.drop(driver)
                if lost_at == wanted:
                    raise WorkerLost(
                        "The machines that computed this have ended twice at the same step. Start "
                        "it again; if that happens again, look at the cluster's memory."
                    ) from error
                lost_at = wanted
                where = f"goes on from step {resume.step}" if resume else "begins again"
                jobs.say(f"A machine of the cluster has ended. This run {where} on another one.")

    def status(self) -> Status:
        """What the cluster is made of now, and how busy it is."""
        if isinstance(self.office, Office) and not self.office.open:
            return Status(address=self.office.address)
        driver = self.office.driver()
        try:
            return driver.status()
        except _ENDED as error:
            self.office.drop(driver)
            return Status(address="", error=f"The way to the cluster has ended: {error}.")

    def _packets(
        self, driver: Driver, task: Task, controls: Controls | None, resume: Checkpoint | None,
        script: dict[int, Numbers], wanted: int,
    ) -> Iterator[Packet]:  # fmt: skip
        """The packets of an actor from step `wanted` on; those before it are made again."""
        job, step = jobs.current(), resume.step if resume else 0
        again = {n: numbers for n, numbers in script.items() if step <= n < wanted}
        sent = controls.numbers if controls else None
        key = driver.start(task, sent, resume, again)
        try:
            self._waiting.add(key)
            while (packet := driver.next(key)) is not Nothing.MORE:
                if not isinstance(packet, Packet):
                    jobs.check()
                    if job is not None:
                        job.waits_for = lambda: len(self._waiting)
                    continue
                self._waiting.discard(key)
                if step >= wanted:
                    with _standing(driver, controls, packet, key, step):
                        yield packet
                step += 1
                if controls is not None and controls.numbers != sent:
                    sent = controls.numbers
                    driver.steer(key, sent)
        finally:
            self._waiting.discard(key)
            with contextlib.suppress(*_ENDED):  # what it had is at its end with it
                driver.stop(key)


def _standing(
    driver: Driver, controls: Controls | None, packet: Packet, key: str, step: int
) -> Any:
    """Lets the controls tell where the run stands; its actor is asked if the packet does not."""
    if controls is None:
        return contextlib.nullcontext()

    def where() -> Checkpoint | None:
        if packet.checkpoint is not None:
            return packet.checkpoint
        with contextlib.suppress(*_ENDED):
            return driver.checkpoint(key, step)
        return None  # whoever asks makes the steps again

    return controls.standing_at(where)


class _Manager(BaseManager):
    """The driver's process."""

    driver: Any


def _drive(address: str, bounds: Bounds) -> Driver:
    return Driver(Pool(address, bounds))


_Manager.register(
    "driver", _drive, exposed=("start", "next", "steer", "checkpoint", "stop", "status", "size")
)


def _end_with_parent() -> None:
    """Ends this process when the app's has ended, however that came."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
