"""An experiment on the attack screen: its plans, and the views of their runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components.adversarial_attacks.form import Form
from components.shell import cache, class_link, last_result
from components.widgets import run_panel
from engine import images

if TYPE_CHECKING:
    from engine.attacks import Attack, Frame, Targeted, Untargeted
    from engine.runs import View

KEY = "attack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One attack to make, in plain values.

    `picture` is `(H, W, 3)` in 0..1 at the first backbone's size, `goal` the target class or None;
    `reached` where that is predicted already.
    """

    backbones: tuple[str, ...]
    picture: np.ndarray
    called: str
    goal: int | None
    attack: "Attack"
    kind: str
    seed: int
    reached: bool = False

    @property
    def aim(self) -> "Targeted | Untargeted":
        """The goal as the engine takes it."""
        from engine.attacks import Targeted, Untargeted

        return Untargeted() if self.goal is None else Targeted(self.goal)

    @property
    def wanted(self) -> str:
        """The target class, in words."""
        if self.goal is None:
            return "any other class"
        return cache.backbone(self.backbones[0]).class_names[self.goal]

    @property
    def identity(self) -> tuple:
        """What tells it from another attack."""
        return self.backbones, self.goal, self.attack, self.seed, images.digest(self.picture)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Everything that is set before the start, except the strength, which is set on the stage.

    `pictures` has the picture at the input size of each of the `networks`. The first network is
    attacked together with those of the form; the second one, if any, on its own.
    """

    form: Form
    networks: tuple[str, ...]
    pictures: tuple[np.ndarray, ...]
    goals: tuple[int | None, ...]
    called: str
    reached: bool

    def plans(self, strength: dict[str, Any]) -> "list[Plan]":
        """The attacks, with that number."""
        together = (self.form.backbones, *((name,) for name in self.networks[1:]))
        return [
            Plan(
                backbones=backbones,
                picture=picture,
                called=self.called,
                goal=goal,
                attack=self.form.attack(strength),
                kind=self.form.kind,
                seed=self.form.seed,
                reached=self.reached,
            )
            for backbones, picture, goal in zip(together, self.pictures, self.goals, strict=True)
        ]


class Experiment:
    """One start of the screen: a plan for each attacked network, and the views of their runs."""

    def __init__(self, plans: Sequence[Plan], views: "Sequence[View]" = ()) -> None:
        self.plans, self.views = list(plans), list(views)
        self.address: dict[str, str] = {}  # parameters of the page's link, as it was set
        self.scored: set[str] = set()  # networks whose attack is on the scoreboard

    @property
    def plan(self) -> Plan:
        """The first network's."""
        return self.plans[0]

    @property
    def each(self) -> "list[Experiment]":
        """The same, a network at a time."""
        views = self.views or [None] * len(self.plans)
        pairs = zip(self.plans, views, strict=True)
        return [Experiment([plan], [view] if view else []) for plan, view in pairs]

    @property
    def frames(self) -> "list[Frame]":
        """The frames this person has seen of the first network, without their pictures."""
        return self.views[0].frames if self.views else []

    @property
    def latest(self) -> "Frame | None":
        """The last of them, with its picture."""
        return self.views[0].latest if self.views else None

    @property
    def ended(self) -> bool:
        """Whether there is a result."""
        return bool(self.views) and all(v.ended and v.latest is not None for v in self.views)

    def same(self, other: "Experiment") -> bool:
        """Whether another would make the same attacks."""
        return [plan.identity for plan in self.plans] == [plan.identity for plan in other.plans]

    def begin(self) -> None:
        """Starts the runs, all of them in turns."""
        from engine.runs.tasks import Attack

        tasks = [
            Attack(
                backbones=plan.backbones,
                picture=plan.picture,
                goal=plan.aim,
                attack=plan.attack,
                seed=plan.seed,
            )
            for plan in self.plans
        ]
        self.views = run_panel.start(KEY, tasks)
        self.address = class_link.as_set(link(self.plan))
        st.session_state[f"{KEY}_run"] = self
        last_result.keep(KEY, self)


def link(plan: Plan) -> dict[str, str]:
    """What a link says of an attack whose usual values depend on the machine or the picture."""
    found = {"backbone": plan.backbones[0], "attack": plan.kind}
    return found if plan.goal is None else found | {"class": plan.wanted}


def summary(plans: Sequence[Plan]) -> list[str]:
    """What is set, in a few words each."""
    plan = plans[0]
    networks = " and ".join(" + ".join(one.backbones) for one in plans)
    parts = [f"**{plan.called} → {plan.wanted}**", networks, plan.kind]
    return [*parts, *([f"seed {plan.seed}"] if plan.seed else [])]
