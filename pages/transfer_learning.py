"""Transfer learning: a frozen network learns breeds, or whatever one teaches it, in seconds."""

import streamlit as st

from components import shell
from components.shell import class_link, downloads, last_result
from components.transfer_learning import curves, form, report, sources, training
from components.widgets import pickers, run_panel

shell.page(
    "Transfer learning",
    "A network trained on other photos learns to tell yours apart in seconds: only one new layer "
    "at its end is trained.",
)
shell.lesson_card(
    "How many photos of each breed does it need to tell 37 breeds of cats and dogs apart? Does it "
    "help to let the whole network learn along?",
    "Four photos of each are enough for about four in five right, with a backbone trained on "
    "ImageNet, which had cats and dogs in it. With so few photos, letting the backbone learn along "
    "does not help: it learns them by heart. From scratch it learns nothing worth mentioning.",
    (
        "The gap between photos it learns from and photos it has not seen.",
        "*How few photos?*: where does the curve flatten?",
        "Which breeds it confuses, and whether you would.",
        "Your own classes: two mugs, three faces you make, left hand and right hand.",
    ),
)


def choices() -> training.Plan | None:
    """What to learn from, by which backbone, how; None while something is missing."""
    left, right = st.columns([1, 1.4], gap="large")
    with left:
        name = pickers.backbone(taught=False)
    if (net := downloads.loaded(name)) is None:
        return None
    with right:
        source = sources.choose(net.name)
    return None if source is None else form.plan_of(net.name, source)


def live(plan: training.Plan) -> None:
    """The one big button, and the curves."""
    run = st.session_state.get("training_run")
    shown = run or training.Run(plan)

    def begin() -> None:
        st.session_state.training_run = training.Run(plan)
        st.session_state.training_run.begin()

    if st.session_state.pop("train_at_once", False):
        begin()
        st.rerun()

    run_panel.panel(training.KEY, begin, "Train", shown.fraction, 1.0, shown.said or "beginning")
    if run is None or not (run.points or run.usable):
        if not run_panel.active(training.KEY):
            if run is not None:
                st.info("It was stopped before anything was learnt.", icon=":material/info:")
            st.caption("Press Train: the photos are looked at once, then it learns.")
            report.some_photos(plan.source.data)
        return
    if run.points and run.plan.words != plan.words:
        shell.stale(f"the training before: {run.plan.words}", "Train")
    if not run_panel.active(training.KEY):
        report.headline(run)
    if run.points:
        curves.curves(run)


def afterwards() -> None:
    """What there is to ask of a classifier."""
    run = st.session_state.get("training_run")
    if run is None or not run.usable or run_panel.active(training.KEY):
        return
    with shell.errors():
        runs = [r for r in st.session_state.get("training_runs", []) if r.points]
        if len(runs) > 1:
            st.header("All runs of this session", anchor=False)
            curves.together(runs)
        report.sections(run)


with class_link.choices():
    plan = choices()
if plan is not None:
    last_result.offer(training.KEY)
    class_link.link("training options", backbone=plan.backbone)
    run_panel.watch(training.KEY, shell.told(lambda: live(plan)))
    afterwards()
