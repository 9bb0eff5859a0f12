"""One start of the attack screen: what it is to make, and the view of its run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components.adversarial_attacks.form import Form
from components.shell import cache, last_result
from components.widgets import run_panel

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

    def same(self, other: "Plan") -> bool:
        """Whether another plan would make the same attack."""
        mine, theirs = (
            (plan.backbones, plan.goal, plan.attack, plan.seed) for plan in (self, other)
        )
        return mine == theirs and np.array_equal(self.picture, other.picture)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Everything a person sets before the start, but for the number that stands on the stage."""

    form: Form
    picture: np.ndarray
    called: str
    goal: int | None
    reached: bool

    def plan(self, strength: dict[str, Any]) -> Plan:
        """The attack, with that number."""
        return Plan(
            backbones=self.form.backbones,
            picture=self.picture,
            called=self.called,
            goal=self.goal,
            attack=self.form.attack(strength),
            kind=self.form.kind,
            seed=self.form.seed,
            reached=self.reached,
        )


class Experiment:
    """One start of the screen: its plan, and a view of its run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.views: list[View] = []
        self.scored = False

    @property
    def frames(self) -> "list[Frame]":
        """The frames this person has seen, without their pictures."""
        return self.views[0].frames if self.views else []

    @property
    def latest(self) -> "Frame | None":
        """The last frame, with its picture."""
        return self.views[0].latest if self.views else None

    @property
    def ended(self) -> bool:
        """Whether there is a result."""
        return bool(self.views) and self.views[0].ended and self.latest is not None

    def begin(self) -> None:
        """Starts the run."""
        from engine.runs import Attack

        plan = self.plan
        task = Attack(
            backbones=plan.backbones,
            picture=plan.picture,
            goal=plan.aim,
            attack=plan.attack,
            seed=plan.seed,
        )
        self.views = run_panel.start(KEY, [task])
        st.session_state[f"{KEY}_run"] = self
        last_result.keep(KEY, self)


def link(plan: Plan) -> dict[str, str]:
    """What a link to this attack says of it, beside the page's own parameters."""
    found = {"backbone": plan.backbones[0], "attack": plan.kind, "attack_seed": str(plan.seed)}
    return found if plan.goal is None else found | {"class": plan.wanted}


def summary(plan: Plan) -> list[str]:
    """What is set, in a few words each."""
    parts = [f"**{plan.called} → {plan.wanted}**", " + ".join(plan.backbones), plan.kind]
    return [*parts, *([f"seed {plan.seed}"] if plan.seed else [])]
