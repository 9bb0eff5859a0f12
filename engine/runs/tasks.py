"""What can be run, as frozen plain values: equal tasks are computed once, on any machine.

A task names its backbones; the runner loads them.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np

from engine import attacks, synthesis, transfer
from engine.attacks import robustness, transferability
from engine.backbones import Backbone, Store
from engine.core import images
from engine.core.types import FROZEN
from engine.synthesis import Checkpoint, Live, Settings

LiveAt = Callable[[int], Live]  # the live numbers of a step


class Task(Protocol):
    """Plain values, and the frames that they describe."""

    @property
    def backbones(self) -> tuple[str, ...]:
        """Names of the networks it needs."""
        ...

    @property
    def key(self) -> Hashable:
        """A key shared by equal tasks; None for a task whose run is never shared."""
        ...

    def steps(self, nets: Sequence[Backbone]) -> Iterator[Any]:
        """Computes it with these networks.

        One that has `live` numbers also takes those of each step, and a checkpoint to resume from.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """A task of plain values and pictures: where all of them are equal, so are the tasks."""

    @property
    def key(self) -> Hashable:
        return type(self).__name__, *(_plain(getattr(self, one.name)) for one in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneBackbone(_Shared):
    """A task with one backbone."""

    backbone: str

    @property
    def backbones(self) -> tuple[str, ...]:
        return (self.backbone,)


def _plain(value: Any) -> Hashable:
    if isinstance(value, np.ndarray):
        return images.digest(value)
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class IdealImage(_OneBackbone):
    """An ideal image; see `synthesis.ideal_image`."""

    target: int | synthesis.Algebra
    settings: Settings
    start: np.ndarray | None = None

    @property
    def live(self) -> Live:
        """The numbers that may change, as they are at first."""
        return self.settings.live

    def steps(
        self, nets: Sequence[Backbone], live: LiveAt | None = None, resume: Checkpoint | None = None
    ) -> Iterator[synthesis.Frame]:
        return synthesis.ideal_image(nets[0], self.target, self.settings, live, self.start, resume)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack(_Shared):
    """An attack on one picture; see `attacks.run`."""

    backbones: tuple[str, ...]
    picture: np.ndarray
    goal: attacks.Targeted | attacks.Untargeted
    attack: attacks.Attack
    seed: int

    def steps(self, nets: Sequence[Backbone]) -> Iterator[attacks.Frame]:
        return attacks.run(nets, self.picture, self.goal, self.attack, seed=self.seed)

    def shown(self, frame: attacks.Frame) -> tuple[np.ndarray, ...]:
        """The attacked picture, and the change magnified."""
        return frame.picture, robustness.magnified(self.picture, frame.picture)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpsilonSweep(_Shared):
    """The same attack with one epsilon after the other; see `robustness.epsilon_sweep`.

    The pictures are `(H, W, 3)` in 0..1 at the network's input size.
    """

    backbones: tuple[str, ...]
    pictures: tuple[np.ndarray, ...]
    goal: attacks.Targeted | attacks.Untargeted
    attack: attacks.Bounded
    epsilons: tuple[float, ...]
    seed: int

    def steps(self, nets: Sequence[Backbone]) -> Iterator[robustness.SweepPoint]:
        return robustness.epsilon_sweep(
            nets, np.stack(self.pictures), self.goal, self.attack, self.epsilons, self.seed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge(_OneBackbone):
    """Every attack of the judge on one picture; see `robustness.judged`."""

    picture: np.ndarray
    epsilon: float
    seed: int

    def steps(self, nets: Sequence[Backbone]) -> Iterator[robustness.Trial]:
        return robustness.judged(nets[0], self.picture, self.epsilon, seed=self.seed)

    def shown(self, trial: robustness.Trial) -> tuple[np.ndarray, ...]:
        """The attacked picture, and the change magnified."""
        return trial.picture, robustness.magnified(self.picture, trial.picture)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMatrix(_Shared):
    """Who fools whom, a row after the other; see `transferability.transfer_matrix`.

    `attacked` names the networks of the only row to compute; () for all rows.
    """

    backbones: tuple[str, ...]
    pictures: tuple[np.ndarray, ...]
    wanted: str | None
    attack: attacks.Attack
    seed: int
    ensemble: bool = False
    attacked: tuple[str, ...] = ()

    def rows(self, store: Store) -> "list[TransferMatrix]":
        """A task for each row, where several machines can share them."""
        nets = [store.get(name) for name in self.backbones]
        groups = transferability.transfer_groups(nets, self.wanted, ensemble=self.ensemble)
        return [replace(self, attacked=tuple(net.name for net in group)) for group in groups]

    def steps(self, nets: Sequence[Backbone]) -> Iterator[attacks.TransferRow]:
        groups = transferability.transfer_groups(nets, self.wanted, ensemble=self.ensemble)
        if self.attacked:
            groups = [[net for net in nets if net.name in self.attacked]]
        for group in groups:
            yield transferability.transfer_row(
                nets, group, self.pictures, self.wanted, self.attack, seed=self.seed
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors(_OneBackbone):
    """Features of some photos, as files; see `transfer.look`."""

    photos: tuple[bytes, ...]
    views: int

    def steps(self, nets: Sequence[Backbone]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield transfer.look(nets[0], self.photos, self.views)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A classifier on a backbone; see `transfer.train`."""

    plan: transfer.TrainingPlan

    @property
    def backbones(self) -> tuple[str, ...]:
        return (self.plan.backbone,)

    @property
    def key(self) -> Hashable:
        own = self.plan.source.holder is not None  # a person's photos go with their session
        return None if self.alone or own else ("training", self.plan.key)

    @property
    def alone(self) -> bool:
        """Whether it takes so much memory that only a few may run at once, and none is kept."""
        return self.plan.how != FROZEN

    def steps(self, nets: Sequence[Backbone]) -> Iterator[transfer.TrainingStep]:
        return transfer.train(nets[0], self.plan)

    def sent(self, step: transfer.TrainingStep) -> transfer.TrainingStep:
        """A step as it travels to the app."""
        return transfer.slim(step)
