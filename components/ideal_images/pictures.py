"""What an ideal image looks like: its pictures, its loss in words, its timeline, its files."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.ideal_images.experiment import Experiment, Plan, link, number
from components.shell import cache, class_link
from components.widgets import gallery
from engine import images

if TYPE_CHECKING:
    from engine.runs import View
    from engine.synthesis import Frame

_PENALTIES = {"variation": "total variation", "l1": "L1", "l2": "L2"}


def nothing_yet(plan: Plan) -> None:
    """The noise, or the photo, that everything will begin with."""
    settings, size, picture = plan.settings, cache.backbone(plan.backbone).input_size, plan.start
    if picture is None:
        parameters = settings.parametrization.start(size, settings.seed)
        picture = np.asarray(settings.parametrization.picture(parameters, 1.0))
        shown = gallery.enlarged(gallery.stretched(picture), 448)
        gallery.show_live(shown, "Noise", "Noise, to begin with")
    else:
        shown = gallery.enlarged(picture, 448)
        gallery.show_live(shown, "A photo", "The photo, to begin with")


def pictures(run: Experiment) -> None:
    """The latest pictures side by side, each with what the network predicts."""
    from engine.synthesis import Pixels

    faint = any(isinstance(plan.settings.parametrization, Pixels) for plan in run.plans)
    stretch = faint and st.toggle("Stretch the contrast, to see faint patterns", True, key="faint")
    columns = st.columns(len(run.plans), gap="medium")
    for column, plan, view in zip(columns, run.plans, run.views, strict=True):
        with column:
            frame = view.latest
            if frame is None:
                gallery.show_live(np.full((1, 1, 3), 0.5, "float32"), "Nothing yet", plan.words)
                continue
            shown = gallery.stretched(frame.picture) if stretch else frame.picture
            gallery.show_live(
                gallery.enlarged(shown, 448),
                f"{plan.words}, step {frame.step}",
                f"{plan.words}: {predicted(frame)}",
            )


def predicted(frame: "Frame") -> str:
    """What the network predicts, in a line."""
    top = frame.predictions[0]
    return f"{top.label} {100 * top.probability:.1f} %"


def formula(plan: Plan, view: "View", name: str) -> None:
    """The loss in words and in the current numbers; `name` tells it from others."""
    from engine.synthesis import PENALTIES

    net, frame = cache.backbone(plan.backbone), view.latest
    live = view.run.live if frame is None else frame.live
    weights = {part.words(net): -w for w, part in plan.settings.objective(plan.target).terms}
    weights |= dict(zip(PENALTIES, live.penalties, strict=True))
    words, numbers = [], []
    for part, weight in weights.items():
        if not weight and part in ("l1", "l2"):
            continue
        sign = "−" if weight < 0 else "+"
        words.append(f"{sign} {number(abs(weight))} · {_PENALTIES.get(part, part)}")
        if frame is not None:
            term = frame.terms[part]
            numbers.append(f"{'−' if term < 0 else '+'} {abs(term):.4g}")
    line = f"{name}**loss** = {' '.join(words).removeprefix('+ ')}"
    if frame is not None:
        total = f"{frame.loss:.4g}".replace("-", "−")
        line += f"  \n**{total}** = {' '.join(numbers).removeprefix('+ ')}"
    st.markdown(line)


def timeline(run: Experiment) -> None:
    """A slider through the kept pictures of a run, and a way to start again from one of them."""
    view, plan = run.views[0], run.plans[0]
    kept = view.pictures
    if len(kept) < 2:
        return
    left, right = st.columns([1.25, 1], gap="large", vertical_alignment="center")
    step = left.select_slider("Timeline", list(kept), value=max(kept), key="ideal_timeline")
    if step == max(kept):
        return
    picture = images.from_uint8(kept[step])
    with left:
        gallery.show(gallery.enlarged(picture, 448), f"Step {step}", f"step {step}")
    again = Experiment([replace(plan, start=picture)], [view.run.live], run.sliders_of)
    right.button(f"Start again from step {step}", icon=":material/replay:", on_click=again.begin)


def downloads(run: Experiment) -> None:
    """Every picture of the run, its animation, and a link that repeats the first one."""
    several = len(run.plans) > 1
    with st.container(horizontal=True):
        for plan, view in zip(run.plans, run.views, strict=True):
            frame = view.latest
            if frame is None:
                continue
            stem = f"ideal-{plan.words}-{plan.backbone}".replace(" ", "-").replace("/", "-")
            of = f": {plan.words}" if several else ""
            gallery.download(
                f"Picture{of} (PNG)", partial(images.png, frame.picture), f"{stem}.png", "image"
            )
            gallery.download(
                f"Run{of} (WebP animation)",
                partial(images.animation, list(view.pictures.values())),
                f"{stem}.webp",
                "movie",
            )
        with st.popover("Link to this preset", icon=":material/link:"):
            class_link.address(link(run.plans[0], run.sliders_of[0]))
