"""Compute a seeded run once for all who ask for the same (`engine.streams`).

A run that somebody steers is that person's own from there on (`steered`).
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine import attacks, images, synthesis, transfer
from engine.attacks import TransferRow, transferability
from engine.backbones import Backbone
from engine.runs import tasks
from engine.runs.recording import Recording
from engine.runs.streams import Stream, Streams
from engine.storage import Data
from engine.synthesis import Algebra, Settings
from engine.transfer import Extracted


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
        steps = partial(runner.steps, task, [net], led)
        return Stream(steps, Recording(), line, led, held=runner.spreads([net]))

    stream, at = streams.get(key, make), 0
    following = stream.follow()  # until it is known where to go on alone
    for at in following:
        record.show(stream.memory, at)
        yield record
        if controls.given(settings) != begun:
            break
    else:
        return
    seen = record.points[-1]
    if seen.last:
        following.close()
        return

    def own() -> Iterator[synthesis.Frame]:
        with stream.standing():  # where the stream is, unless the others are ahead
            resume = stream.handle.checkpoint() if len(stream.memory) == at else None
        following.close()
        if resume is None:
            again = synthesis.Controls(begun)
            frames = runner.steps(task, [net], again)
            next(frame for frame in frames if frame.step == seen.step)
            resume = again.checkpoint()
            frames.close()
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
    line, held = runner.line(nets), runner.spreads(nets)
    stream = streams.get(key, lambda: Stream(frames, Recording(), line, held=held))
    for count in stream.follow():
        record.show(stream.memory, count)
        yield record


def extract(
    streams: Streams, runner: tasks.Runner, net: Backbone, data: Data, folder: Path, views: int
) -> Iterator[Extracted]:
    """Features of photos, computed once for all who ask for the same; see `transfer.extract`."""
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

    return transfer.extract(net, data, folder, views, elsewhere if runner.spreads([net]) else None)


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
            backbones=names,
            attacked=tuple(net.name for net in group),
            pictures=tuple(pictures),
            wanted=wanted,
            how=attack,
            seed=seed,
        )
        for group in transferability.transfer_groups(nets, wanted, ensemble=ensemble)
    ]
    return runner.line(nets).turns(lambda: runner.spread(rows, nets))
