"""Transfer learning: a frozen network learns breeds, or whatever one teaches it, in seconds."""

from typing import TYPE_CHECKING

import streamlit as st

from components import shell
from components.shell import class_link, downloads, last_result
from components.transfer_learning import curves, form, report, sources
from components.transfer_learning.experiment import KEY, Experiment, words
from components.widgets import pickers, run_panel

if TYPE_CHECKING:
    from engine.transfer import TrainingPlan

shell.page(
    "Transfer learning",
    "A network trained on other photos learns to tell yours apart in seconds: only one new layer "
    "at its end is trained.",
)
shell.lesson_card(
    "How many photos of each breed does it need to tell 37 breeds of cats and dogs apart? Does it "
    "help to train the whole network?",
    "Four photos of each are enough for about four in five right, with a backbone trained on "
    "ImageNet, which had cats and dogs in it. With so few photos, fine-tuning the backbone "
    "does not help: it overfits. From scratch it stays at chance.",
    (
        "The gap between training photos and photos it has not seen.",
        "*How few photos?*: where does the curve flatten?",
        "Which breeds it confuses, and whether you would.",
        "Your own classes: two mugs, three faces you make, left hand and right hand.",
    ),
)


def choices() -> "TrainingPlan | None":
    """What to learn from, by which backbone, how; None while something is missing."""
    left, right = st.columns([1, 1.4], gap="large")
    with left:
        name = pickers.backbone(taught=False)
    if (net := downloads.loaded(name)) is None:
        return None
    with right:
        source = sources.choose(net.name)
    return None if source is None else form.plan_of(net.name, source)


def live(plan: "TrainingPlan") -> None:
    """The one big button, and the curves."""
    run = st.session_state.get(f"{KEY}_run")
    planned = Experiment(plan)
    if st.session_state.pop("train_at_once", False):
        planned.begin()
        st.rerun()
    last = run.last if run else None
    fraction, message = (last.fraction, last.message) if last else (0.0, "")
    run_panel.panel(KEY, planned.begin, "Train", fraction, 1.0, message or "starting")
    if run is None or not (run.points or run.trained.usable):
        if not run_panel.active(KEY):
            if run is not None:
                st.info(
                    "There is no classifier yet. Resume or train again.", icon=":material/info:"
                )
            st.caption("Press Train: the photos are read once, then a classifier is trained.")
            report.some_photos(plan.source.data)
        return
    if run.points and words(run.plan) != words(plan):
        shell.stale(f"the previous training: {words(run.plan)}", "Train")
    if not run_panel.active(KEY):
        report.headline(run)
    if run.points:
        curves.curves(run)


def afterwards() -> None:
    """What there is to ask of a classifier."""
    run = st.session_state.get(f"{KEY}_run")
    if run is None or not run.trained.usable or run_panel.active(KEY):
        return
    with shell.errors():
        runs = [r for r in st.session_state.get("training_runs", []) if r.points]
        if len(runs) > 1:
            st.header("All runs of this session", anchor=False)
            curves.together(runs)
        report.sections(run)


set_up = class_link.choices()
with set_up:
    plan = choices()
if plan is not None:
    last_result.offer(KEY)
    class_link.link(set_up, "training options", backbone=plan.backbone)
    run_panel.watch(KEY, shell.told(lambda: live(plan)))
    afterwards()
