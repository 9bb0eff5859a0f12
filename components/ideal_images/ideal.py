"""The ideal images screen's parts: pictures, curves, the formula, the verdict of others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components.shell import cache, class_link, last_result
from components.widgets import gallery, run_panel
from engine import images

if TYPE_CHECKING:
    from engine.backbones import Backbone
    from engine.synthesis import Controls, Frame, Settings

KEY = "ideal"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
REFERENCE = 1e-6  # weight of the variation loss where a recipe has none
FACTORS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
PENALTY_WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # of the distances from grey


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """What may change while it runs.

    Variation loss and learning rate are factors of each recipe's own, `l1` and `l2` the weights of
    the distances from grey; None leaves each recipe its own.
    """

    variation: float
    rate: float
    l1: float | None
    l2: float | None

    def settings(self, own: "Settings") -> "Settings":
        """A recipe with these numbers."""
        return replace(
            own,
            variation_weight=variation_unit(own) * self.variation,
            learning_rate=own.learning_rate * self.rate,
            l1_weight=own.l1_weight if self.l1 is None else self.l1,
            l2_weight=own.l2_weight if self.l2 is None else self.l2,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One picture to make: by which backbone, of what, how, from where, and its caption.

    `target` is a class index or an objective, `start` a picture at the network's size or None.
    """

    backbone: str
    target: Any
    settings: "Settings"
    words: str
    start: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        net: "Backbone",
        target: Any,
        settings: "Settings",
        words: str,
        start: np.ndarray | None,
    ) -> "Plan":
        """A plan that starts from noise or from a photo of any size."""
        start = None if start is None else images.fit(start, net.input_size)
        return cls(backbone=net.name, target=target, settings=settings, words=words, start=start)


def variation_unit(settings: "Settings") -> float:
    """The weight of the variation loss that a factor of 1 stands for."""
    return settings.variation_weight or REFERENCE


def planned(chosen: dict[str, Any], steering: Steering) -> "Run":
    """What a start would make, by what is to be shown and by the sliders."""
    plans, recipe = chosen["plans"], chosen["recipe"]
    if chosen["mode"] != "three variation losses":
        run = Run(plans, recipe)
        run.steer(steering)
        return run
    plan = plans[0]
    steered = steering.settings(plan.settings)
    some = steered.variation_weight or variation_unit(plan.settings)
    weighted = {"none": 0.0, "some": some, "strong": 30 * some}
    return Run(
        [
            replace(plan, words=words, settings=replace(steered, variation_weight=weight))
            for words, weight in weighted.items()
        ],
        recipe,
    )


def other_plan(
    name: str, label: str, settings_of: Callable[[str], "Settings"], start: np.ndarray | None
) -> list[Plan]:
    """The same class by another backbone that a person chooses; none where there is none."""
    able = [n for n in cache.ready() if n != name and label in cache.class_names(n)]
    if not able:
        st.caption("No other backbone on this machine knows this class.")
        return []
    other = st.selectbox("The other backbone", able, key="ideal_other")
    net = cache.backbone(other)
    target = net.class_names.index(label)
    return [Plan.of(net, target, settings_of(other), other, start)]


class Run:
    """What one start of the screen makes: controls and recordings, one for each picture."""

    def __init__(self, plans: Sequence[Plan], recipe: tuple[str, str]) -> None:
        from engine.runs import Recording
        from engine.synthesis import Controls

        self.plans = plans
        self.recipe = recipe  # preset and backbone: the sliders of another are not for this run
        self.controls: list[Controls] = [Controls(plan.settings) for plan in plans]
        self.recordings: list[Recording] = [Recording() for _ in plans]

    def steer(self, steering: Steering) -> None:
        """Sets weights and rate of each picture.

        Three pictures that differ in these very weights keep theirs.
        """
        if len(self.plans) > 2:
            return
        for plan, controls in zip(self.plans, self.controls, strict=True):
            controls.take(steering.settings(plan.settings))

    @property
    def words(self) -> str:
        """What it is of, and how."""
        return f"{self.plans[0].words} by {self.plans[0].backbone}, recipe “{self.recipe[0]}”"

    def same(self, other: "Run") -> bool:
        """Whether another run would make the same pictures; sliders that act at once aside."""
        mine, theirs = (
            (
                run.recipe,
                [(p.backbone, p.target, _fixed(p.settings)) for p in run.plans],
                [None if p.start is None else images.digest(p.start) for p in run.plans],
            )
            for run in (self, other)
        )
        return mine == theirs

    @property
    def step(self) -> int:
        """How far the furthest of them is."""
        return max((r.points[-1].step for r in self.recordings if r.points), default=0)

    @property
    def steps(self) -> int:
        """How many steps the longest of them has."""
        return max(plan.settings.steps for plan in self.plans)

    def begin(self) -> None:
        """Starts the job that makes the pictures, all of them in turns."""
        from engine.runs import recording, sharing

        def frames() -> Any:
            streams, runner = cache.streams(), cache.runner()
            runs = [
                sharing.steered(
                    streams,
                    runner,
                    cache.backbone(plan.backbone),
                    plan.target,
                    plan.settings,
                    controls,
                    plan.start,
                    record,
                )
                for plan, controls, record in zip(
                    self.plans, self.controls, self.recordings, strict=True
                )
            ]
            return recording.together(runs)

        st.session_state.ideal_run = self
        run_panel.start(KEY, frames)
        last_result.keep(KEY, self)


def _fixed(settings: "Settings") -> "Settings":
    """A recipe without what may change while it runs."""
    return replace(settings, variation_weight=0.0, l1_weight=0.0, l2_weight=0.0, learning_rate=1.0)


def nothing_yet(plan: Plan) -> None:
    """The noise, or the photo, that everything will begin with."""
    settings, size, picture = plan.settings, cache.backbone(plan.backbone).input_size, plan.start
    if picture is None:
        parameters = settings.parametrization.start(size, settings.seed)
        picture = np.asarray(settings.parametrization.picture(parameters, 1.0))
        gallery.show(
            gallery.enlarged(gallery.stretched(picture), 448), "Noise", "Noise, to begin with"
        )
    else:
        gallery.show(gallery.enlarged(picture, 448), "A photo", "The photo, to begin with")


def pictures(run: Run) -> None:
    """The latest pictures side by side, each with what the network says of it."""
    from engine.synthesis import Pixels

    faint = any(isinstance(plan.settings.parametrization, Pixels) for plan in run.plans)
    stretch = faint and st.toggle("Stretch the contrast, to see faint patterns", True, key="faint")
    columns = st.columns(len(run.plans), gap="medium")
    for column, plan, record in zip(columns, run.plans, run.recordings, strict=True):
        with column:
            frame = record.latest
            if frame is None:
                gallery.show_live(np.full((1, 1, 3), 0.5, "float32"), "Nothing yet", plan.words)
                continue
            gallery.show_live(
                gallery.enlarged(
                    gallery.stretched(frame.picture) if stretch else frame.picture, 448
                ),
                f"{plan.words}, step {frame.step}",
                f"{plan.words}: {said(frame)}",
            )


def said(frame: "Frame") -> str:
    """What the network says, in a line."""
    top = frame.predictions[0]
    return f"{top.label} {100 * top.probability:.1f} %"


def formula(plan: Plan, controls: "Controls", frame: "Frame | None", name: str) -> None:
    """The loss in words and in the current numbers; `name` tells it from others."""
    net = cache.backbone(plan.backbone)
    objective = plan.settings.objective(plan.target)
    target = [(-weight, part.words(net)) for weight, part in objective.terms]
    penalties = [
        (controls.variation_weight, "total variation"),
        (controls.l1_weight, "L1"),
        (controls.l2_weight, "L2"),
    ]
    words, numbers = [], []
    for k, (weight, part) in enumerate([*target, *penalties]):
        if weight or k <= len(target):  # the variation loss is told even when it is zero
            words.append(f"{'−' if weight < 0 else '+'} {number(abs(weight))} · {part}")
            if frame is not None:
                numbers.append(f"{'−' if frame.terms[k] < 0 else '+'} {abs(frame.terms[k]):.4g}")
    line = f"{name}**loss** = {' '.join(words).removeprefix('+ ')}"
    if frame is not None:
        total = f"{frame.loss:.4g}".replace("-", "−")
        line += f"  \n**{total}** = {' '.join(numbers).removeprefix('+ ')}"
    st.markdown(line)


def number(value: float) -> str:
    """A number for a person: no 1e-06."""
    if value == 0 or 0.001 <= value < 10_000:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def timeline(run: Run) -> None:
    """A slider through the kept pictures of a run, and a way to start again from one of them."""
    record = run.recordings[0]
    kept = record.pictures
    if len(kept) < 2:
        return
    left, right = st.columns([1.25, 1], gap="large", vertical_alignment="center")
    step = left.select_slider("Timeline", list(kept), value=max(kept), key="ideal_timeline")
    if step == max(kept):
        return
    picture = images.from_uint8(kept[step])
    with left:
        gallery.show(gallery.enlarged(picture, 448), f"Step {step}", f"step {step}")
    again = Run([replace(run.plans[0], start=picture)], run.recipe)
    again.controls = run.controls[:1]
    right.button(f"Start again from step {step}", icon=":material/replay:", on_click=again.begin)


def link(plan: Plan, preset: str) -> dict[str, str]:
    """What a link to this picture says of it, beside the page's own parameters."""
    found = {"backbone": plan.backbone, "seed": str(plan.settings.seed), "preset": preset}
    found["steps"] = str(plan.settings.steps)
    if isinstance(plan.target, int):
        found["class"] = cache.backbone(plan.backbone).class_names[plan.target]
    elif (layer := getattr(plan.target, "layer", None)) is not None:
        found |= {"of_layer": layer, "of_channel": str(plan.target.index)}
    return found


def downloads(run: Run) -> None:
    """Every picture of the run, its animation, and a link that repeats the first one."""
    several = len(run.plans) > 1
    with st.container(horizontal=True):
        for plan, record in zip(run.plans, run.recordings, strict=True):
            frame = record.latest
            if frame is None:
                continue
            stem = f"ideal-{plan.words}-{plan.backbone}".replace(" ", "-").replace("/", "-")
            of = f": {plan.words}" if several else ""
            gallery.download(
                f"Picture{of} (PNG)", partial(images.png, frame.picture), f"{stem}.png", "image"
            )
            gallery.download(f"Run{of} (WebP animation)", record.animation, f"{stem}.webp", "movie")
        with st.popover("Link to this recipe", icon=":material/link:"):
            class_link.address(link(run.plans[0], run.recipe[0]))
