"""The second runner: the same tasks on the machines of a Ray cluster.

Set `IDEAL_CAT_RAY` to `auto` or to the address of a cluster; without it, jobs are computed in this
process. What Ray has is left to Ray: a run is a streaming generator of an actor, which waits while
nobody takes its next step (a paused job is at most one step ahead), and whose actor Ray restarts on
another machine. Here is only what is ours: which actor a run goes to, how
many there are (`engine.pool`), and from where a run goes on that has lost its actor.
"""

import contextlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from typing import Any, Protocol

from engine import config
from engine.backbones import Backbone
from engine.cluster.driver import Driver, Lost, Nothing
from engine.cluster.driver_process import ENDED, Office
from engine.cluster.pool import FULL, Bounds, Status
from engine.cluster.worker import Numbers, Packet
from engine.errors import WorkerLost
from engine.runs import Runner, Task, Threads, context, jobs
from engine.storage import registry
from engine.synthesis import Checkpoint, Controls


def runner(line: jobs.Admission) -> Runner:
    """The runner this process is to use.

    Raises:
        BadSettings: the variables of the environment make no sense.
    """
    address = config.cluster_address()
    return Cluster(Office(address, Bounds.of_environment()), line) if address else Threads(line)


class Drivers(Protocol):
    """Where a driver is found."""

    address: str

    def driver(self, *, wait: bool = True) -> Any:
        """The driver as it is now, or what stands for it; None where there is none yet.

        Args:
            wait: until there is one.
        """
        ...

    def drop(self, driver: Driver) -> None:
        """Tells that it has ended; the next question gets another."""
        ...


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
        self._waiting: dict[str, None] = {}  # runs without a first step, in order

    def line(self, nets: Sequence[Backbone]) -> jobs.Admission:
        return self._open if self.spreads(nets) else self._here.line(nets)

    def spreads(self, nets: Sequence[Backbone]) -> bool:
        """Whether the cluster can load these networks: all but those that were trained here."""
        return all(net.name in registry.specs() for net in nets)

    def spread(self, tasks: Iterable[Task], nets: Sequence[Backbone]) -> Iterator[Any]:
        if not self.spreads(nets):
            yield from self._here.spread(tasks, nets)
            return

        job = context.current()

        def last(task: Task) -> Any:
            with context.on_behalf_of(job):
                *_, value = self.steps(task, nets)
            return value

        coming: deque[Future] = deque()
        with ThreadPoolExecutor(64, thread_name_prefix="spread") as pool:
            try:
                for task in tasks:
                    coming.append(pool.submit(last, task))
                    if len(coming) > FULL * self._size():
                        yield _result(coming.popleft())
                while coming:
                    yield _result(coming.popleft())
            finally:
                for future in coming:
                    future.cancel()

    def _size(self) -> int:
        """How many actors there are, at least one."""
        with contextlib.suppress(*ENDED):
            return max(self.office.driver().size(), 1)
        return 1

    def steps(
        self,
        task: Task,
        nets: Sequence[Backbone],
        controls: Controls | None = None,
        resume: Checkpoint | None = None,
    ) -> Generator[Any, None, None]:
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
            context.check()
            driver: Any = None
            try:
                driver = self.office.driver()
                for packet in self._packets(driver, task, controls, resume, script, wanted):
                    script |= {wanted: packet.numbers} if packet.numbers else {}
                    resume = packet.checkpoint or resume
                    wanted += 1
                    yield packet.value
                return
            except (Lost, *ENDED) as error:
                if not isinstance(error, Lost):
                    self.office.drop(driver)
                if lost_at == wanted:
                    raise WorkerLost(
                        "The machines that computed this have ended twice at the same step. Start "
                        "it again; if that happens again, look at the cluster's memory."
                    ) from error
                lost_at = wanted
                where = f"goes on from step {resume.step}" if resume else "begins again"
                context.say(f"A machine of the cluster has ended. This run {where} on another one.")

    def status(self) -> Status:
        """What the cluster is made of now, and how busy it is; waits for nobody."""
        driver = self.office.driver(wait=False)
        if driver is None:
            return Status(address=self.office.address)
        try:
            return replace(driver.status(), waiting=len(self._waiting))
        except ENDED:
            self.office.drop(driver)
            return Status(address=self.office.address)

    def _ahead(self, key: str) -> int:
        """How many runs without a first step came before this one."""
        waiting = list(self._waiting)
        return waiting.index(key) if key in waiting else 0

    def _packets(
        self,
        driver: Driver,
        task: Task,
        controls: Controls | None,
        resume: Checkpoint | None,
        script: dict[int, Numbers],
        wanted: int,
    ) -> Iterator[Packet]:
        """The packets of an actor from step `wanted` on; those before it are made again."""
        job, step = context.current(), resume.step if resume else 0
        again = {n: numbers for n, numbers in script.items() if step <= n < wanted}
        sent = controls.numbers if controls else None
        key = driver.start(task, sent, resume, again)
        try:
            self._waiting[key] = None
            while (packet := driver.next(key)) is not Nothing.MORE:
                if not isinstance(packet, Packet):
                    context.check()
                    if job is not None:
                        job.waits_for = lambda: self._ahead(key)
                    continue
                self._waiting.pop(key, None)
                if step >= wanted:
                    with _standing(driver, controls, packet, key, step):
                        yield packet
                step += 1
                if controls is not None and controls.numbers != sent:
                    sent = controls.numbers
                    driver.steer(key, sent)
        finally:
            self._waiting.pop(key, None)
            with contextlib.suppress(*ENDED):  # what it had is at its end with it
                driver.stop(key)


def _result(future: Future) -> Any:
    """A future's result, waited for as long as the job of this thread goes on."""
    while True:
        try:
            return future.result(timeout=0.3)
        except NotYet:
            if future.done():
                raise
            context.check()


def _standing(
    driver: Driver, controls: Controls | None, packet: Packet, key: str, step: int
) -> Any:
    """Lets the controls tell where the run stands; its actor is asked if the packet does not."""
    if controls is None:
        return contextlib.nullcontext()

    def where() -> Checkpoint | None:
        if packet.checkpoint is not None:
            return packet.checkpoint
        with contextlib.suppress(*ENDED):
            return driver.checkpoint(key, step)
        return None  # whoever asks makes the steps again

    return controls.standing_at(where)
