"""The second runner: the same tasks, computed by a service on other machines.

Set `IDEAL_CAT_CLUSTER` to its address, like `ws://gpu.school:8502`; without it, runs are computed
in this process. A run has one connection. When that breaks, the run continues on another one, from
its last checkpoint; where nobody answers, it continues here.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from engine import config, images, transfer
from engine.backbones import Backbone, digest, packed
from engine.cluster.connection import Connections, Unreachable
from engine.cluster.protocol import WINDOW, Reply, Start, Update, pack, pieces, unpack
from engine.errors import WorkerLost
from engine.runs import (
    Compressed,
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
from engine.types import SCRATCH

AT_ONCE = 16  # tasks of one run


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Whether the service answers, and how many runs of this app it computes."""

    address: str
    answers: bool
    running: int
    waiting: int


class _Lost(Exception):
    """The connection of a run has broken."""


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
        self._connections, self._here = connections, here
        self._waiting: dict[int, None] = {}  # runs without a first frame, in order
        self._running: dict[object, int] = {}  # connections, and which run's they are

    def key(self, task: Task) -> Hashable:
        return self._here.key(task)

    def position(self, run: Run) -> int:
        waiting = list(self._waiting)
        return waiting.index(id(run)) + 1 if id(run) in waiting else self._here.position(run)

    def steps(self, run: Run) -> Iterator[Any]:
        task = run.task
        if not task.backbones:
            return self._here.steps(run)
        if isinstance(task, Training):
            return self._training(run, task)
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
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="spread") as pool:
            try:
                for task in tasks:
                    coming.append(pool.submit(last, task))
                    if len(coming) > AT_ONCE:
                        yield _result(coming.popleft(), run)
                while coming:
                    yield _result(coming.popleft(), run)
            finally:
                for future in coming:
                    future.cancel()

    def status(self) -> Status:
        """Whether it answers now, and how much it computes for this app."""
        return Status(
            address=self._connections.address,
            answers=self._connections.answers(),
            running=len(set(self._running.values())),
            waiting=len(self._waiting),
        )

    def _training(self, run: Run, task: Training) -> Iterator[Any]:
        """The steps of a training: features by many machines, all else by one."""
        features, seconds = None, 0.0
        if task.plan.how != SCRATCH:
            far = partial(self._vectors, run, task.backbones[0])
            net = self._here.store.get(task.backbones[0])
            for step in transfer.read(net, task.plan, far):  # in no turn: it waits for others
                features, seconds = step.trained.features, step.seconds
                yield step
        plan = transfer.portable(task.plan, features)
        if plan is None:
            run.note = "These photos are too many to send to the cluster. This run continues here."
            plan = replace(task.plan, source=replace(task.plan.source, features=features))
            run.task = replace(task, plan=plan)
            yield from transfer.whole(self._here.steps(run), features, seconds)
            return
        run.task = replace(task, plan=plan)
        try:
            yield from transfer.whole(self._steps(run, run.task), features, seconds)
        finally:
            run.task = task  # without the photos

    def _taught(self, task: Task) -> dict[str, Backbone]:
        """The task's networks that people have trained."""
        names = {one for name in task.backbones for one in registry.members(name)}
        found = {name: self._here.store.taught(name) for name in names}
        return {name: net for name, net in found.items() if net is not None}

    def _vectors(
        self, run: Run, backbone: str, views: int, batches: Iterable[Sequence[bytes]]
    ) -> Iterator[Any]:
        """Features of photos, by other machines."""
        each = (Vectors(backbone=backbone, photos=tuple(some), views=views) for some in batches)
        return self.spread(each, run)

    def _steps(self, run: Run, task: Task) -> Iterator[Any]:
        """The frames of a task, those made again after a break left out.

        A run continues from its last checkpoint, with the same live numbers at the same steps, so
        that the result is the same. Without a checkpoint it starts again.

        Raises:
            ClusterRefused: it does not take the token, or is of another version.
            WorkerLost: the run lost its machine twice without a new frame in between.
            EngineError: what the task raises.
        """
        continuation, made, lost_at = run.continuation, 0, -1
        mine = task is run.task  # not one of several tasks of the run
        away = False
        while True:
            frames = (self._locally if away else self._frames)(run, task, continuation)
            try:
                for number, frame in enumerate(frames):
                    if number >= made or _step(frame) is not None:  # by step, the run itself knows
                        yield frame
                    made = max(made, number + 1)
                return
            except (_Lost, Unreachable) as error:
                reached = len(run.frames) if mine else made
                if isinstance(error, _Lost) and lost_at == reached:
                    raise WorkerLost(
                        "The machines computing this run stopped twice at the same step. Start it "
                        "again; if that happens again, check the cluster's memory."
                    ) from error
                lost_at, away = reached, isinstance(error, Unreachable)
                if mine and hasattr(task, "live"):
                    continuation, made = run.so_far(tuple(run.frames)), 0
                step = continuation.resume and continuation.resume.step
                where = f"continues from step {step}" if step else "starts again"
                run.note = (
                    f"The cluster does not answer. This run {where if reached else 'goes on'} here."
                    if away
                    else f"A cluster machine has stopped. This run {where} on another one."
                )
            finally:
                frames.close()

    def _locally(self, run: Run, task: Task, continuation: Continuation) -> Iterator[Any]:
        """The frames of a task, computed in this process."""
        if task is run.task:
            run.continuation, one = continuation, run
        else:
            one = Run(task, self._here)
            one.check = run.check  # type: ignore[method-assign] -- it is watched through the run
        yield from self._here.steps(one)

    def _frames(self, run: Run, task: Task, continuation: Continuation) -> Iterator[Any]:
        """The frames that the service sends; changes of the run's live numbers are sent to it."""
        live: Any = run.live if task is run.task else None
        taught = self._taught(task)
        start = Start(
            task=task,
            live=live,
            taught={name: digest(net) for name, net in taught.items()},
            continuation=replace(continuation, frames=(), stills=(), pictures={}),
        )
        socket = None
        if not run.frames:
            self._waiting[id(run)] = None
        try:
            with self._connections.open(task.backbones, run.check) as socket:
                self._running[socket] = id(run)
                for piece in pieces(pack(start)):
                    socket.send(piece)
                if taught:
                    _send_missing(socket, run, taught.values())
                received, sent = 0, Update(wanted=0, live=live)
                while True:
                    live = run.live if task is run.task else None
                    update = Update(wanted=received + WINDOW, live=live)
                    if update != sent:
                        socket.send(pack(update))
                        sent = update
                    reply = _heard(socket, run)
                    if reply is None:
                        continue
                    if reply.last:
                        if reply.error is not None:
                            raise reply.error
                        return
                    received += 1
                    self._waiting.pop(id(run), None)
                    yield _received(reply.frame)
        except ConnectionClosed as error:
            raise _Lost from error
        finally:
            self._waiting.pop(id(run), None)
            self._running.pop(socket, None)


def _heard(socket: ClientConnection, run: Run) -> Reply | None:
    """What the service says, soon; None where it says nothing, and somebody still wants the run."""
    try:
        return unpack(socket.recv(timeout=0.1, decode=False))
    except TimeoutError:
        run.check()
        return None


def _send_missing(socket: ClientConnection, run: Run, taught: Iterable[Backbone]) -> None:
    """Sends the trained networks that the service has not."""
    while (reply := _heard(socket, run)) is None:
        pass
    if reply.error is not None:
        raise reply.error
    if reply.missing:
        wanted = {digest(net): net for net in taught}
        for piece in pieces(pack({one: packed(wanted[one]) for one in reply.missing})):
            socket.send(piece)


def _received(frame: Any) -> Any:
    """A frame as runs take it: its exact picture in 0..1 again."""
    if not isinstance(frame, Compressed):
        return frame
    whole = replace(frame.frame, picture=images.from_uint8(frame.frame.picture))
    return replace(frame, frame=whole)


def _step(frame: Any) -> int | None:
    return getattr(getattr(frame, "frame", frame), "step", None)


def _result(future: Future, run: Run) -> Any:
    """A future's result, waited for as long as somebody wants the run."""
    while True:
        try:
            return future.result(timeout=0.3)
        except NotYet:
            if future.done():  # since then
                return future.result()
            run.check()
