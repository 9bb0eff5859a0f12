"""The second runner: the same tasks, computed by a service on other machines.

Set `IDEAL_CAT_CLUSTER` to its address, like `ws://gpu.school:8502`; without it, runs are computed
in this process. A run has one connection. When that breaks, the run continues on another one, from
its last checkpoint; where nobody answers, it continues here.
"""

from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from engine import transfer
from engine.backbones import Backbone, digest, packed
from engine.cluster.connection import Connections, Unreachable
from engine.cluster.protocol import WINDOW, Reply, Start, Update, pack, pieces, unpack
from engine.core import config, images
from engine.core.errors import ClusterRefused, WorkerLost
from engine.core.types import SCRATCH
from engine.runs import Compressed, LocalRunner, Run, Runner, tasks
from engine.storage import registry

AT_ONCE = 16  # tasks of one run


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Whether the service answers, and how many runs of this app it computes."""

    address: str
    answers: bool
    running: int
    waiting: int


def runner(here: LocalRunner) -> Runner:
    """The runner this process is to use: `here`, or the service that is configured.

    Raises:
        BadSettings: the address is not one of a service.
    """
    address = config.cluster_address()
    return Cluster(Connections(address, config.cluster_token()), here) if address else here


class Cluster:
    """Computes runs with a service.

    Args:
        connections: to the service.
        here: computes in this process while nobody answers.
    """

    def __init__(self, connections: Connections, here: LocalRunner) -> None:
        self._connections, self._here, self.store = connections, here, here.store
        self._waiting: dict[int, None] = {}  # runs without a first frame, in order
        self._running: dict[object, int] = {}  # connections, and which run's they are

    def position(self, run: Run) -> int:
        waiting = list(self._waiting)
        return waiting.index(id(run)) + 1 if id(run) in waiting else self._here.position(run)

    def steps(self, run: Run) -> Generator[Any]:
        task = run.task
        if not task.backbones:
            return self._here.steps(run)
        if isinstance(task, tasks.Training):
            return self._training(run, task)
        rows = task.rows(self.store) if isinstance(task, tasks.TransferMatrix) else []
        return self.spread(rows, run) if len(rows) > 1 else self._steps(run, run)

    def spread(self, several: Iterable[tasks.Task], run: Run) -> Generator[Any]:
        """The last frame of each task, in order; several are computed at once.

        Each ends by itself when nobody wants the run any more.
        """

        def last(task: tasks.Task) -> Any:
            part = Run(task, self)
            part.check = run.check  # type: ignore[method-assign] -- it is watched through the run
            try:
                *_, frame = self._steps(part, run)
                return frame
            finally:
                part.task = None  # a thread that never starts keeps the part, but not its photos

        rest = iter(several)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="spread") as pool:
            try:
                coming = deque(pool.submit(last, task) for task in islice(rest, AT_ONCE + 1))
                while coming:
                    yield coming.popleft().result()
                    coming.extend(pool.submit(last, task) for task in islice(rest, 1))
            finally:
                pool.shutdown(cancel_futures=True)

    def status(self) -> Status:
        """Whether it answers now, and how much it computes for this app."""
        return Status(
            address=self._connections.address,
            answers=self._connections.answers(),
            running=len(set(self._running.values())),
            waiting=len(self._waiting),
        )

    def _training(self, run: Run, task: tasks.Training) -> Generator[Any]:
        """The steps of a training: features by many machines, all else by one."""
        features, seconds = None, 0.0
        if task.plan.how != SCRATCH:
            name = task.backbones[0]

            def far(views: int, batches: Iterable[Sequence[bytes]]) -> Generator[Any]:
                each = (tasks.Vectors(backbone=name, photos=tuple(b), views=views) for b in batches)
                return self.spread(each, run)

            # in no turn: it waits for others
            for step in transfer.read(self.store.get(name), task.plan, far):
                features, seconds = step.trained.features, step.seconds
                yield step
        if (plan := transfer.portable(task.plan, features)) is None:
            run.note = "These photos are too many to send to the cluster. This run continues here."
            source = replace(task.plan.source, features=features)
            run.task = replace(task, plan=replace(task.plan, source=source))
            steps = self._here.steps(run)
        else:
            run.task = replace(task, plan=plan)
            steps = self._steps(run, run)
        try:
            yield from transfer.whole(steps, features, seconds)
        finally:
            run.task = task  # without the photos

    def _taught(self, task: tasks.Task) -> dict[str, Backbone]:
        """The task's networks that people have trained, by digest."""
        names = {one for name in task.backbones for one in registry.members(name)}
        found = map(self.store.taught, sorted(names))
        return {digest(net): net for net in found if net is not None}

    def _steps(self, run: Run, whole: Run) -> Generator[Any]:
        """The frames of a run, or of a part of the `whole`, those made again left out.

        It continues from its last checkpoint, with the same live numbers at the same steps, so
        that the result is the same. Without a checkpoint it starts again.

        Raises:
            ClusterRefused: it does not take the token, or is of another version.
            WorkerLost: the run lost its machine twice without a new frame in between.
            EngineError: what the task raises.
        """
        made, lost_at, away = len(run.continuation.live), -1, False
        while True:
            frames = self._here.steps(run) if away else self._frames(run, whole)
            first = run.continuation.resume.step if run.continuation.resume else 0
            try:
                for number, frame in enumerate(frames, first):  # an ideal image has one a step
                    if number >= made:
                        made = number + 1
                        yield frame
                return
            except (ConnectionClosed, Unreachable) as error:
                away = isinstance(error, Unreachable)
                if not away and lost_at == made:
                    raise WorkerLost(
                        "The machines computing this run stopped twice at the same step. Start it "
                        "again; if that happens again, check the cluster's memory."
                    ) from error
                lost_at = made
                if hasattr(run.task, "live"):
                    run.continuation = run.so_far(len(run.frames))
                step = run.continuation.resume and run.continuation.resume.step
                where = f"continues from step {step}" if step else "starts again"
                whole.note = (
                    f"The cluster does not answer. This run {where if made else 'goes on'} here."
                    if away
                    else f"A cluster machine has stopped. This run {where} on another one."
                )
            finally:
                frames.close()

    def _frames(self, run: Run, whole: Run) -> Generator[Any]:
        """The frames that the service sends; changes of the run's live numbers are sent to it."""
        taught, socket = self._taught(run.task), None
        start = Start(task=run.task, taught=tuple(taught), continuation=run.continuation)
        if not whole.frames:
            self._waiting[id(whole)] = None
        try:
            with self._connections.open(run.task.backbones, run.check) as socket:
                self._running[socket] = id(whole)
                for piece in pieces(pack(start)):
                    socket.send(piece)
                if taught:
                    _send_missing(socket, run, taught)
                received, sent = 0, None
                while True:
                    update = Update(wanted=received + WINDOW, live=run.live)
                    if update != sent:
                        socket.send(pack(update))
                        sent = update
                    reply = _heard(socket, run)
                    if reply is None:
                        continue
                    if reply.last:
                        return
                    received += 1
                    self._waiting.pop(id(whole), None)
                    yield _received(reply.frame)
        finally:
            self._waiting.pop(id(whole), None)
            self._running.pop(socket, None)


def _heard(socket: ClientConnection, run: Run) -> Reply | None:
    """What the service says, soon; None where it says nothing, and somebody still wants the run.

    Raises what the service says has ended the run.
    """
    try:
        message = socket.recv(timeout=0.1, decode=False)
    except TimeoutError:
        run.check()
        return None
    try:
        reply: Reply = unpack(message)
    except Exception as error:  # whatever a class of another version raises
        raise ClusterRefused("The cluster runs another version of the app. Update both.") from error
    if reply.error is not None:
        raise reply.error
    return reply


def _send_missing(socket: ClientConnection, run: Run, taught: Mapping[str, Backbone]) -> None:
    """Sends the trained networks that the service has not."""
    while (reply := _heard(socket, run)) is None:
        pass
    if reply.missing:
        for piece in pieces(pack({one: packed(taught[one]) for one in reply.missing})):
            socket.send(piece)


def _received(frame: Any) -> Any:
    """A frame as runs take it: its exact picture in 0..1 again."""
    if not isinstance(frame, Compressed):
        return frame
    whole = replace(frame.frame, picture=images.from_uint8(frame.frame.picture))
    return replace(frame, frame=whole)
