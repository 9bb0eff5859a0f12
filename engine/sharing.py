"""Compute a seeded run once for all who ask for the same.

A `Stream` is a generator with a memory. Whoever is first to want its next step computes it, in a
turn of the line; the others find it made. While nobody wants more, nothing is computed. A run that
somebody steers is that person's own from there on (`steered`).
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine import attacks, extraction, images, jobs, synthesis, tasks, transferability
from engine.backbones import Backbone
from engine.datasets import Data
from engine.extraction import Extracted
from engine.objectives import Algebra
from engine.recipes import Settings
from engine.recording import Recording
from engine.transferability import TransferRow

PACE = 0.02  # seconds a step is looked at by those who come later: a run is there to be watched
_END = object()


class Stream:
    """A generator that many follow and that is computed once.

    Args:
        make: makes the generator.
        memory: keeps its steps, a list or a `Recording`.
        line: a step is computed in a turn of it.
        handle: what those who follow may need beside the steps.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[Any]],
        memory: Any,
        line: jobs.Admission,
        handle: Any = None,
    ) -> None:
        self.memory, self.handle = memory, handle
        self.error: Exception | None = None
        self.note = ""  # what has happened to it, for all who follow
        self._make: Callable[[], Iterator[Any]] | None = make
        self._source: Iterator[Any] | None = None
        self._line = line
        self._worker: jobs.Job | None = None
        self._busy = False
        self._share = jobs.Share()
        self._changed = threading.Condition()

    def follow(self) -> Iterator[int]:
        """Yields how many steps there are, from 1 to the end, making those that are missing.

        Raises:
            Exception: what ended the generator.
        """
        count = 0
        while self._reach(count + 1):
            count += 1
            if self.note:
                jobs.say(self.note)
            yield count
            if count < len(self.memory):
                time.sleep(PACE)
        if self.error is not None:
            raise self.error

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Holds the stream between two steps for the block."""
        with self._changed:
            while self._busy:
                self._changed.wait(0.5)
                jobs.check()
            self._busy, self._worker = True, jobs.current()
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _reach(self, count: int) -> bool:
        """Makes step number `count`, or waits until it is made; False where there is none."""
        me = jobs.current()
        with self._changed:
            while self._busy and len(self.memory) < count:
                if me is not None and self._worker is not None:
                    me.waits_for = self._worker.waits_for
                self._changed.wait(0.5)
                jobs.check()
            if len(self.memory) >= count or self._make is None:
                return len(self.memory) >= count
            self._busy, self._worker = True, me
        try:
            with self._line.turn(self._share):
                self._advance()
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        return len(self.memory) >= count

    def _advance(self) -> None:
        try:
            if self._source is None and self._make is not None:
                self._source = self._make()
            step = next(self._source, _END) if self._source is not None else _END
        except Exception as error:  # everybody who follows is told
            self.error, step = error, _END
        job = jobs.current()
        self.note = self.note if job is None else job.note or self.note
        if step is _END:
            self._make = self._source = None  # and with them the backbone they hold
        else:
            self.memory.append(step)


class Streams:
    """The streams of all sessions by what they compute; the least recently used go first.

    One that goes is still there for those who follow it.
    """

    def __init__(self, keep: int = 24) -> None:
        self._keep = keep
        self._streams: OrderedDict[Hashable, Stream] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Stream]) -> Stream:
        """The stream of that key, made by `make()` where there is none or an error ended it."""
        with self._lock:
            found = self._streams.get(key)
            if found is None or found.error is not None:
                found = self._streams[key] = make()
            self._streams.move_to_end(key)
            while len(self._streams) > self._keep:
                self._streams.popitem(last=False)
            return found


def identity(net: Backbone) -> object:
    """What tells one loaded backbone from another, also after it is gone."""
    return net.kept("identity", object)


def steered(
    streams: Streams,
    runner: tasks.Runner,
    net: Backbone,
    target: int | Algebra,
    settings: Settings,
    controls: synthesis.Controls,
    start: np.ndarray | None,
    record: Recording[synthesis.Frame],
) -> Iterator[Recording[synthesis.Frame]]:
    """An ideal image, computed once for all who ask for the same until this one is steered.

    Args:
        streams, runner: of all sessions.
        net, target, settings, start: as in `synthesis.ideal_image`.
        controls: this person's; once one of its numbers changes, the run goes on from where it is
            as this person's own.
        record: what this person sees of the run.

    Yields:
        The record, after each step.
    """
    begun = controls.given(settings)
    key = ("ideal", identity(net), target, begun, None if start is None else images.digest(start))

    task = tasks.IdealImage(backbone=net.name, target=target, settings=begun, start=start)
    line = runner.line([net])

    def make() -> Stream:
        led = synthesis.Controls(begun)
        return Stream(partial(runner.steps, task, [net], led), Recording(), line, led)

    stream, at = streams.get(key, make), 0
    for at in stream.follow():
        record.show(stream.memory, at)
        yield record
        if controls.given(settings) != begun:
            break
    else:
        return
    seen = record.points[-1]
    if seen.last:
        return

    def own() -> Iterator[synthesis.Frame]:
        with stream.standing():  # where the stream is, unless the others are ahead
            resume = stream.handle.checkpoint() if len(stream.memory) == at else None
        if resume is None:
            again = synthesis.Controls(begun)
            frames = runner.steps(task, [net], again)
            next(frame for frame in frames if frame.step == seen.step)
            resume = again.checkpoint()
        for frame in runner.steps(task, [net], controls, resume):
            if frame.step > seen.step:
                yield frame

    yield from record.follow(line.turns(own))


def attack(
    streams: Streams,
    runner: tasks.Runner,
    nets: Sequence[Backbone],
    picture: np.ndarray,
    goal: attacks.Targeted | attacks.Untargeted,
    how: attacks.Attack,
    seed: int,
    record: Recording[attacks.Frame],
) -> Iterator[Recording[attacks.Frame]]:
    """An attack, computed once for all who ask for the same; arguments as in `attacks.run`.

    Yields:
        The record, after each step.
    """
    key = ("attack", *map(identity, nets), images.digest(picture), goal, how, seed)
    names = tuple(net.name for net in nets)
    task = tasks.Attack(backbones=names, picture=picture, goal=goal, how=how, seed=seed)
    frames = partial(runner.steps, task, nets)
    stream = streams.get(key, lambda: Stream(frames, Recording(), runner.line(nets)))
    for count in stream.follow():
        record.show(stream.memory, count)
        yield record


def extract(
    streams: Streams, runner: tasks.Runner, net: Backbone, data: Data, folder: Path, views: int
) -> Iterator[Extracted]:
    """Features of photos, computed once for all who ask for the same; see `extraction.extract`."""
    key = ("features", identity(net), data.digest, folder, views)
    steps = partial(extracted, runner, net, data, folder, views)
    stream = streams.get(key, lambda: Stream(steps, [], runner.line([net])))
    for count in stream.follow():
        yield stream.memory[count - 1]


def extracted(
    runner: tasks.Runner, net: Backbone, data: Data, folder: Path, views: int
) -> Iterator[Extracted]:
    """Features of photos; on a cluster its machines look at them side by side."""

    def elsewhere(batches: Iterable[Sequence[bytes]]) -> Iterator[Any]:
        each = (
            tasks.Vectors(backbone=net.name, photos=tuple(photos), views=views)
            for photos in batches
        )
        return runner.spread(each, [net])

    return extraction.extract(
        net, data, folder, views, elsewhere if runner.spreads([net]) else None
    )


def transfer_matrix(
    runner: tasks.Runner,
    nets: Sequence[Backbone],
    pictures: Sequence[np.ndarray],
    wanted: str | None,
    attack: attacks.Attack,
    *,
    ensemble: bool = False,
    seed: int = 0,
) -> Iterator[TransferRow]:
    """Who fools whom, a row after the other; see `transferability.transfer_matrix`."""
    names = tuple(net.name for net in nets)
    rows = [
        tasks.TransferRow(
            backbones=names, attacked=tuple(net.name for net in group), pictures=tuple(pictures),
            wanted=wanted, how=attack, seed=seed,
        )
        for group in transferability.transfer_groups(nets, wanted, ensemble=ensemble)
    ]  # fmt: skip
    return runner.line(nets).turns(lambda: runner.spread(rows, nets))
