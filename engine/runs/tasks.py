"""What a job computes, in plain values: it can be sent to another machine and begun there.

A task names its backbones; whoever runs it, a thread of this process (`Threads`) or a machine of a
cluster (`engine.cluster`), brings them loaded.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from engine import attacks, synthesis, transfer
from engine.attacks import Bounded, robustness, transferability
from engine.backbones import Backbone
from engine.runs.jobs import Admission
from engine.synthesis import Algebra, Checkpoint, Controls, Settings


class Task(Protocol):
    """Plain values, and the generator that they describe."""

    @property
    def backbones(self) -> tuple[str, ...]:
        """Names of the networks it needs."""
        ...

    def steps(
        self,
        nets: Sequence[Backbone],
        controls: Controls | None = None,
        resume: Checkpoint | None = None,
    ) -> Iterator[Any]:
        """Computes it with these networks; only what is steered takes the other two."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IdealImage:
    """An ideal image; see `synthesis.ideal_image`."""

    backbone: str
    target: int | Algebra
    settings: Settings
    start: np.ndarray | None = None

    @property
    def backbones(self) -> tuple[str, ...]:
        return (self.backbone,)

    def steps(
        self,
        nets: Sequence[Backbone],
        controls: Controls | None = None,
        resume: Checkpoint | None = None,
    ) -> Iterator[synthesis.Frame]:
        return synthesis.ideal_image(
            nets[0], self.target, self.settings, controls, self.start, resume
        )


class _Unsteered:
    """A task that takes no controls and is begun from the start where it was cut off."""

    __slots__ = ()

    def made(self, nets: Sequence[Backbone]) -> Iterator[Any]:
        """Computes it with these networks."""
        raise NotImplementedError

    def steps(
        self,
        nets: Sequence[Backbone],
        controls: Controls | None = None,
        resume: Checkpoint | None = None,
    ) -> Iterator[Any]:
        return self.made(nets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack(_Unsteered):
    """An attack; see `attacks.run`."""

    backbones: tuple[str, ...]
    picture: np.ndarray
    goal: attacks.Targeted | attacks.Untargeted
    how: attacks.Attack
    seed: int

    def made(self, nets: Sequence[Backbone]) -> Iterator[attacks.Frame]:
        return attacks.run(nets, self.picture, self.goal, self.how, seed=self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpsilonSweep(_Unsteered):
    """The same attack with one epsilon after the other; see `robustness.epsilon_sweep`."""

    backbones: tuple[str, ...]
    picture: np.ndarray
    goal: attacks.Targeted | attacks.Untargeted
    how: Bounded
    epsilons: tuple[float, ...]
    seed: int

    def made(self, nets: Sequence[Backbone]) -> Iterator[robustness.SweepPoint]:
        return robustness.epsilon_sweep(
            nets, self.picture[None], self.goal, self.how, self.epsilons, self.seed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow(_Unsteered):
    """A row of the transfer matrix: one network or several attacked, all tested."""

    backbones: tuple[str, ...]
    attacked: tuple[str, ...]
    pictures: tuple[np.ndarray, ...]
    wanted: str | None
    how: attacks.Attack
    seed: int

    def made(self, nets: Sequence[Backbone]) -> Iterator[transferability.TransferRow]:
        group = [net for net in nets if net.name in self.attacked]
        yield transferability.transfer_row(
            nets, group, self.pictures, self.wanted, self.how, seed=self.seed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors(_Unsteered):
    """Features of some photos, as files; see `transfer.look`."""

    backbone: str
    photos: tuple[bytes, ...]
    views: int

    @property
    def backbones(self) -> tuple[str, ...]:
        return (self.backbone,)

    def made(self, nets: Sequence[Backbone]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield transfer.look(nets[0], self.photos, self.views)


class Runner(Protocol):
    """Where tasks are computed."""

    def line(self, nets: Sequence[Backbone]) -> Admission:
        """Where a step of a task with these networks waits for its turn in this process."""
        ...

    def steps(
        self,
        task: Task,
        nets: Sequence[Backbone],
        controls: Controls | None = None,
        resume: Checkpoint | None = None,
    ) -> Generator[Any, None, None]:
        """The steps of a task."""
        ...

    def spreads(self, nets: Sequence[Backbone]) -> bool:
        """Whether `spread` computes several tasks with these networks at once."""
        ...

    def spread(self, tasks: Iterable[Task], nets: Sequence[Backbone]) -> Iterator[Any]:
        """The last step of each task, in order; several are computed at once where there is room.

        Each value is to be asked for within a turn of `line(nets)`.
        """
        ...


class Threads:
    """Computes tasks in the thread that asks, within this process.

    Args:
        line: of all sessions.
    """

    def __init__(self, line: Admission) -> None:
        self._line = line

    def line(self, nets: Sequence[Backbone]) -> Admission:
        return self._line

    def steps(
        self,
        task: Task,
        nets: Sequence[Backbone],
        controls: Controls | None = None,
        resume: Checkpoint | None = None,
    ) -> Generator[Any, None, None]:
        yield from task.steps(nets, controls, resume)

    def spreads(self, nets: Sequence[Backbone]) -> bool:
        return False

    def spread(self, tasks: Iterable[Task], nets: Sequence[Backbone]) -> Iterator[Any]:
        for task in tasks:
            *_, last = task.steps(nets)
            yield last
