"""An experiment on the screen: its plans, the views of their runs, and the live sliders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components.shell import cache, class_link, last_result, linked, sessions
from components.widgets import gallery, run_panel
from engine import images
from engine.storage import registry

if TYPE_CHECKING:
    from engine.backbones import Backbone
    from engine.runs import View
    from engine.runs.tasks import IdealImage
    from engine.synthesis import Live, Settings

KEY = "ideal"
LEAST = "least "  # before the name of what is minimised
MODES = ("one picture", "three variation losses", "two backbones")
REFERENCE = 1e-6  # weight of the variation loss where a preset has none
# Of a preset's own variation loss: beyond ten times nothing but bright and dark areas is left.
FACTORS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
NORMS = {"l1": "L1", "l2": "L2", "linf": "L-infinity"}
SLIDERS = ("variation", "naturalness", "rate", *NORMS)  # by the names of the link's parameters
DIFFERENCE = 5.0  # weight of a further picture's difference from those before it
PENALTY_WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # of the distances from grey
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliders:
    """What may be moved while it runs: factors of each preset's own numbers.

    `penalties` are weights by name; a name that is not there leaves each preset its own.
    """

    variation: float
    rate: float
    natural: float = 1.0
    penalties: tuple[tuple[str, float], ...] = ()

    def live(self, own: "Live") -> "Live":
        """A preset's live numbers, moved."""
        return replace(
            own,
            variation=variation_unit(own) * self.variation,
            natural=own.natural * self.natural,
            learning_rate=own.learning_rate * self.rate,
            **dict(self.penalties),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One picture to make: by which backbone, of what, how, from where, and its caption.

    `target` is a class index or an objective, `subject` what to call it, `words` what tells the
    picture from those beside it, `start` a picture at the network's size or None.
    """

    backbone: str
    target: Any
    settings: "Settings"
    subject: str
    words: str
    start: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        net: "Backbone",
        target: Any,
        settings: "Settings",
        subject: str,
        start: np.ndarray | None,
        words: str = "",
    ) -> "Plan":
        """A plan that starts from noise or from a photo of any size."""
        return cls(
            backbone=net.name,
            target=target,
            settings=settings,
            subject=subject,
            words=words or subject,
            start=None if start is None else images.fit(start, settings.size(net)),
        )

    def task(self, live: "Live") -> "IdealImage":
        """What is to be run, with the sliders as they are."""
        from engine.runs.tasks import IdealImage

        settings = replace(self.settings, live=live)
        return IdealImage(
            backbone=self.backbone, target=self.target, settings=settings, start=self.start
        )

    @property
    def identity(self) -> tuple:
        """What tells it from another, sliders that act at once aside."""
        from engine.synthesis import Live

        start = None if self.start is None else images.digest(self.start)
        return self.backbone, self.target, replace(self.settings, live=Live()), start


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Everything a person sets before the start: `preset` and the backbone name the sliders."""

    plans: Sequence[Plan]
    mode: str
    preset: str

    @property
    def sliders_of(self) -> tuple[str, str]:
        """Which preset and backbone the sliders are for."""
        return self.preset, self.plans[0].backbone

    def experiment(self, sliders: Sliders) -> "Experiment":
        """What a start would make, with the sliders as they are."""
        lives = [sliders.live(plan.settings.live) for plan in self.plans]
        if self.mode != MODES[1]:
            return Experiment(self.plans, lives, self.sliders_of)
        plan, live = self.plans[0], lives[0]
        some = live.variation or variation_unit(plan.settings.live)
        weights = {"none": 0.0, "some": some, "strong": 15 * some}
        return Experiment(
            [replace(plan, words=words) for words in weights],
            [replace(live, variation=weight) for weight in weights.values()],
            self.sliders_of,
        )


class Experiment:
    """One start of the screen: its plans, their live numbers at first, a view of each one's run."""

    def __init__(
        self, plans: Sequence[Plan], lives: "Sequence[Live]", sliders_of: tuple[str, str]
    ) -> None:
        self.plans, self.lives, self.sliders_of = plans, lives, sliders_of
        self.views: list[View] = []
        self.address: dict[str, str] = {}  # parameters of the page's link, as it was set

    def begin(self) -> None:
        """Starts the runs, all of them in turns."""
        tasks = [plan.task(live) for plan, live in zip(self.plans, self.lives, strict=True)]
        self.views = run_panel.start(KEY, tasks)
        self.address = class_link.as_set(link(self.plans[0], self.sliders_of[0]))
        st.session_state[f"{KEY}_run"] = self
        last_result.keep(KEY, self)

    def go_on(self) -> None:
        """Makes as many steps again, after all that were made."""
        (view,) = self.views
        task, more = view.run.task, self.plans[0].settings.steps
        settings = replace(task.settings, steps=task.settings.steps + more)
        view.extend(replace(task, settings=settings))
        sessions.watch_only(self.views)
        self.address = self.address | {"steps": str(min(settings.steps, 1000))}  # a link's most

    def opposite(self) -> "Experiment":
        """The same with the target minimised, or maximised where it was minimised."""

        def turned(plan: Plan) -> Plan:
            least = plan.subject.startswith(LEAST)
            subject = plan.subject.removeprefix(LEAST) if least else LEAST + plan.subject
            settings = replace(plan.settings, target_weight=-plan.settings.target_weight)
            return replace(plan, settings=settings, subject=subject, words=subject)

        lives = [view.live for view in self.views] or self.lives
        return Experiment([turned(plan) for plan in self.plans], lives, self.sliders_of)

    def another(self) -> None:
        """Adds a picture of the same thing that differs from those that are there."""
        from engine.synthesis import Unlike

        first, count = self.plans[0], len(self.plans)
        net = cache.backbone(first.backbone)
        also = DIFFERENCE * Unlike.of(net, [view.latest.picture for view in self.views])
        settings = replace(first.settings, also=also, seed=first.settings.seed + count)
        plan = replace(first, settings=settings, words=f"{first.words}, {count + 1}")
        self.plans, self.lives = [*self.plans, plan], [*self.lives, self.views[0].live]
        self.views = run_panel.add(KEY, plan.task(self.lives[-1]))

    @property
    def alternatives(self) -> bool:
        """Whether its pictures are of one thing, each unlike those before it."""
        return self.plans[-1].settings.also is not None

    def steer(self, sliders: Sliders) -> None:
        """Applies the sliders; three pictures that differ in their weights keep their own."""
        if len(self.plans) < 3 or self.alternatives:
            for plan, view in zip(self.plans, self.views, strict=True):
                view.steer(sliders.live(plan.settings.live))
            now = class_link.as_set({})
            self.address = {n: v for n, v in self.address.items() if n not in SLIDERS}
            self.address |= {name: now[name] for name in SLIDERS if name in now}

    def start_picture(self, k: int) -> np.ndarray:
        """The noise, or the photo, that a picture begins with."""
        return _start_picture(self.plans[k])

    @property
    def words(self) -> str:
        """What it is of, and how."""
        plan = self.plans[0]
        return f"{plan.subject} by {plan.backbone}, preset “{self.sliders_of[0]}”"

    def same(self, other: "Experiment") -> bool:
        """Whether another would make the same pictures; sliders that act at once aside."""
        mine, theirs = (
            (one.sliders_of, [p.identity for p in one.plans if p.settings.also is None])
            for one in (self, other)
        )
        return mine == theirs

    @property
    def steps(self) -> int:
        """How many steps the longest of them has."""
        if self.views:
            return max(view.run.task.settings.steps for view in self.views)
        return max(plan.settings.steps for plan in self.plans)


def _start_picture(plan: Plan) -> np.ndarray:
    if plan.start is not None:
        return plan.start
    settings = plan.settings
    size = settings.size(cache.backbone(plan.backbone))
    return _noise(settings.parametrization, size, settings.seed)


@lru_cache(maxsize=16)
def _noise(parametrization: Any, size: tuple[int, int], seed: int) -> np.ndarray:
    parameters = parametrization.start(size, seed)
    return gallery.stretched(np.asarray(parametrization.picture(parameters, size)))


def variation_unit(live: "Live") -> float:
    """The weight of the variation loss that a factor of 1 stands for."""
    return live.variation or REFERENCE


def other_plan(
    name: str, label: str, settings_of: Callable[[str], "Settings"], start: np.ndarray | None
) -> list[Plan]:
    """The same class by another backbone that a person chooses; none where there is none."""
    able = [n for n in cache.ready() if n != name and label in cache.class_names(n)]
    if not able:
        st.caption("No other backbone on this machine knows this class.")
        return []
    usual = "Pocket Robust" if "Pocket Robust" in able and name == "Pocket" else able[0]
    other = linked.selectbox(
        "The other backbone", able, usual, name="other", key=f"ideal_other_{name}"
    )
    net = cache.backbone(other)
    target = net.class_names.index(label)
    return [Plan.of(net, target, settings_of(other), label, start, other)]


def number(value: float) -> str:
    """A number for a person: no 1e-06."""
    if value == 0 or 0.001 <= value < 10_000:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def link(plan: Plan, preset: str) -> dict[str, str]:
    """What a link says of a picture whose usual values depend on the machine."""
    found = {"backbone": registry.members(plan.backbone)[0], "preset": preset}
    if isinstance(plan.target, int):
        found["class"] = cache.backbone(plan.backbone).class_names[plan.target]
    elif (layer := getattr(plan.target, "layer", None)) is not None:
        found |= {"of_layer": layer, "of_channel": str(plan.target.index)}
    return found


def summary(chosen: Choices) -> list[str]:
    """What is set, in a few words each."""
    plan = chosen.plans[0]
    parts = [f"**{plan.subject}**", plan.backbone, f"preset {chosen.preset}"]
    parts += [chosen.mode] if chosen.mode == MODES[1] or len(chosen.plans) > 1 else []
    parts += [f"seed {plan.settings.seed}"] if plan.settings.seed else []
    return parts
