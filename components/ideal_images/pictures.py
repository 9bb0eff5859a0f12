"""What an ideal image looks like: its pictures live, its loss in words, its files."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from components.ideal_images.experiment import KEY, NORMS, Experiment, Plan, number
from components.shell import cache, class_link
from components.widgets import gallery, lab_sheet, live_view, onward
from components.widgets.live_view import Curve, Pane, Verdict
from engine import images
from engine.storage import registry

if TYPE_CHECKING:
    from engine.runs import View
    from engine.synthesis import Frame

MOST = 5000  # steps of one picture, however often it goes on
GREY = 0.02  # deviation of a picture's values, in 0..1, below which it shows nothing
ALTERNATIVES = 4  # pictures of one thing, side by side
_PENALTIES = {
    "variation": "total variation",
    **NORMS,
    "natural": "distance from natural statistics",
}


def watch(run: Experiment) -> None:
    """The pictures of a run, live: what the network predicts, the loss and the probability."""
    from engine.synthesis import Pixels

    several = len(run.plans) > 1
    latest = run.views[0].latest if run.views else None
    ended = latest is not None and all(view.ended for view in run.views)
    verdict = Verdict()
    if ended and not several:
        verdict = _verdict(run.plans[0], latest)
    live_view.draw(
        KEY,
        [_track(run, k) for k in range(len(run.plans))],
        steps=run.steps,
        panes=[
            Pane(
                caption=plan.words if several else "predicted" if run.views else "",
                label=plan.words if run.views else "Noise" if plan.start is None else "A photo",
                track=k,
            )
            for k, plan in enumerate(run.plans)
        ],
        curves=_curves(run),
        verdict=verdict,
        bars=not several,
        faint=any(isinstance(plan.settings.parametrization, Pixels) for plan in run.plans),
        again=None if several or not ended else partial(start_again, run),
    )


def _track(run: Experiment, k: int) -> live_view.Track:
    return live_view.Track(
        view=run.views[k] if run.views else None,
        row=_row,
        start=lambda: [run.start_picture(k)],
        exact=lambda: [run.views[k].latest.picture],
    )


def _row(frame: "Frame") -> live_view.Row:
    from engine.synthesis import WEIGHTS

    target = sum(term for name, term in frame.terms.items() if name not in WEIGHTS)
    natural = frame.terms.get("natural")
    values = (frame.probability, frame.loss, target, frame.terms["variation"], natural)
    return live_view.Row(frame.step, values, frame.predictions)


def _curves(run: Experiment) -> list[Curve]:
    """Probability and loss by step; of one picture with the terms the loss is made of."""
    asked = all(isinstance(plan.target, int) for plan in run.plans)
    title = "probability of the target" if asked else "probability of the predicted class"
    if len(run.plans) > 1:
        words = [plan.words for plan in run.plans]
        return [
            Curve(title=title, share=True, lines=[(w, k, 0) for k, w in enumerate(words)]),
            Curve(title="loss", lines=[(w, k, 1) for k, w in enumerate(words)]),
        ]
    lines = [("sum", 0, 1), ("target", 0, 2), ("variation", 0, 3)]
    natural = run.plans[0].settings.natural
    return [
        Curve(title=title, share=True, lines=[("probability", 0, 0)]),
        Curve(title="loss", lines=[*lines, ("natural", 0, 4)] if natural else lines),
    ]


def _verdict(plan: Plan, frame: "Frame") -> Verdict:
    from engine.synthesis import Pixels

    top = frame.predictions[0]
    said = f"{plan.backbone} predicts “{top.label}”, {100 * top.probability:.1f} %"
    if not isinstance(plan.target, int):
        grey = frame.picture.std() < GREY and not isinstance(plan.settings.parametrization, Pixels)
        more = " The picture has stayed grey: try another channel, layer or seed." if grey else ""
        return Verdict(text=f"{said}.{more}")
    if top.class_index == plan.target:
        return Verdict(text=f"{said}: the target.", tone="good")
    return Verdict(text=f"{said}, not the target.")


def start_again(run: Experiment, step: int) -> None:
    """Starts again from the kept picture of a run that is nearest to a step."""
    view, plan = run.views[0], run.plans[0]
    nearest = min(view.pictures, key=lambda kept: abs(kept - step))
    start = images.from_uint8(view.pictures[nearest])
    made = Experiment([replace(plan, start=start)], [view.live], run.sliders_of)
    made.begin()
    made.address = run.address  # not of what the page may be set to by now


def formula(plan: Plan, view: "View", name: str) -> None:
    """The loss in words and in the current numbers; `name` tells it from others."""
    from engine.synthesis import WEIGHTS, part_names

    net, frame = cache.backbone(plan.backbone), view.latest
    live = view.run.live if frame is None else frame.live
    objective = plan.settings.objective(plan.target)
    parts = zip(part_names(net, objective), objective.weights, strict=True)
    weights = {part: -weight for part, weight in parts}
    penalties = {part: getattr(live, part) for part in WEIGHTS}
    if not plan.settings.natural:
        del penalties["natural"]
    weights |= {part: w for part, w in penalties.items() if w or part == "variation"}
    words, numbers = [], []
    for part, weight in weights.items():
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


def go_on(run: Experiment) -> None:
    """A button that makes as many steps again, of a single picture that is done."""
    if len(run.plans) == 1 and run.views[0].state == "done":
        more = run.plans[0].settings.steps
        st.button(
            f"{more} more steps",
            icon=":material/fast_forward:",
            on_click=run.go_on,
            disabled=run.steps + more > MOST,
            key="go_on",
        )


def another(run: Experiment) -> None:
    """A button that makes a further picture, unlike those that are there."""
    plan = run.plans[0]
    alone = len(registry.members(plan.backbone)) == 1
    if alone and (len(run.plans) == 1 or run.alternatives) and run.views[-1].state == "done":
        st.button(
            "Another, as different as possible",
            icon=":material/add_photo_alternate:",
            on_click=run.another,
            disabled=len(run.plans) == ALTERNATIVES,
            help="Makes another picture of the same target with a new seed, and penalises what it "
            "shares with the earlier ones.",
            key="another",
        )


def least(run: Experiment) -> None:
    """A button for the opposite of a single picture."""
    plan = run.plans[0]
    if len(run.plans) > 1:
        return
    minimised = plan.settings.target_weight < 0

    def begin() -> None:
        st.session_state.negative = not minimised  # the page is set to what it shows
        other = run.opposite()
        other.begin()
        other.address = run.address | {"negative": str(not minimised).lower()}

    st.button(
        "Maximise instead" if minimised else "Minimise instead",
        icon=":material/thumb_up:" if minimised else ":material/thumb_down:",
        on_click=begin,
        help="The same steps the other way: the least of the target, or the most again.",
        key="least",
    )


def downloads(run: Experiment) -> None:
    """Every picture of the run, its animation, and a link that repeats the first one."""
    several = len(run.plans) > 1
    with st.container(horizontal=True):
        plan, frame = run.plans[0], run.views[0].latest
        onward.open_on(
            frame.picture,
            f"ideal {plan.subject}",
            registry.members(plan.backbone)[0],
            "Feature maps",
            "Adversarial attacks",
        )
        with st.popover("Link to this preset", icon=":material/link:"):
            class_link.address(run.address)
        # Last, as the browser fetches download buttons' code when it meets the first one: anything
        # after them would move.
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
        lab_sheet.download(lambda: _sheet(run), f"lab-sheet-ideal-{run.plans[0].backbone}")


def _sheet(run: Experiment) -> lab_sheet.Sheet:
    """The lab sheet: every picture, and what was measured at each step."""
    plan, files, results = run.plans[0], {}, []
    for k, (one, view) in enumerate(zip(run.plans, run.views, strict=True), 1):
        frame = view.latest
        if frame is None:  # stopped before its turn came
            continue
        said = ", ".join(f"{p.label} {100 * p.probability:.1f} %" for p in frame.predictions[:3])
        results.append(f"{one.backbone}, {one.words}, seed {one.settings.seed}: {said}")
        files[f"picture-{k}.png"] = (images.png(frame.picture), f"{one.words}, step {frame.step}.")
        rows = [
            (f.step, f.loss, f.variation, f.predictions[0].label, f.predictions[0].probability)
            for f in view.frames
        ]
        names = ("step", "loss", "variation", "prediction", "probability")
        files[f"steps-{k}.csv"] = (lab_sheet.table(names, rows), "What was measured, a row a step.")
    facts = {"Backbone": plan.backbone, "Target": plan.subject, "Steps": str(run.steps)}
    return lab_sheet.Sheet(
        title="Ideal images",
        facts=facts | {"Link": urlencode(run.address)},
        results=results,
        files=files,
    )
