"""Transfer learning: a frozen network learns breeds, or whatever one teaches it, in seconds."""

from typing import TYPE_CHECKING

import streamlit as st

from components import shell
from components.shell import class_link, downloads, last_result, lesson_figures
from components.transfer_learning import (
    comparison,
    curves,
    entry,
    form,
    own_photos,
    report,
    sources,
)
from components.transfer_learning.experiment import KEY, Experiment, summary, words
from components.widgets import pickers, run_panel

if TYPE_CHECKING:
    from engine.transfer import TrainingPlan

LESSON = shell.Lesson(
    guess="Guess: how many photos of each class will do?",
    guesses=("1", "4", "20", "100"),
    question=(
        "How many photos of each breed does it need to tell 37 breeds of cats and dogs apart? "
        "Does it help to train the whole network?"
    ),
    answer=(
        "Four photos of each are enough for about four in five right, with a backbone trained "
        "on ImageNet, which had cats and dogs in it. With so few photos, fine-tuning the "
        "backbone does not help: it overfits. From scratch it stays at chance."
    ),
    look_for=(
        "The gap between training photos and photos it has not seen.",
        "*How few photos?*: where does the curve flatten?",
        "Which breeds it confuses, and whether you would.",
        "Your own classes: two mugs, three faces you make, left hand and right hand.",
    ),
)

shell.page(
    "Transfer learning",
    "A network trained on other photos learns to tell yours apart in seconds.",
    LESSON,
)


def controls(plan: "TrainingPlan") -> Experiment:
    """Draws the Train button; returns the experiment that it would start.

    Once trained on photos in the boxes, it trains again when a photo is added or a class renamed.
    """
    planned, run = Experiment(plan), st.session_state.get(f"{KEY}_run")
    if st.session_state.pop("train_at_once", False) or (
        run and own_photos.should_train_again(run.plan, plan)
    ):
        planned.begin()
    run_panel.panel(KEY, planned.begin, "Train")
    return planned


def live(planned: Experiment) -> None:
    """How far it is, and the curves; before it begins, some of the photos."""
    run, plan = st.session_state.get(f"{KEY}_run"), planned.plan
    active = run_panel.active(KEY)
    last = run.last if run else None
    if last is not None:
        run_panel.progress(KEY, last.fraction, last.message)
    elif run is not None:
        run_panel.progress(KEY, 0.0, "starting")
    run_panel.notices(KEY)
    if run is None or not (active or run.points or run.trained.usable):
        if run is not None:
            st.info("There is no classifier yet. Train again.", icon=":material/info:")
        st.caption("Press Train: the photos are read once, then a classifier is trained.")
        report.some_photos(plan.source.data)
        return
    if run.points or active:
        curves.watch(run)
    if run.points and (words(run.plan), run.photos) != (words(plan), planned.photos):
        shell.stale(f"the previous training: {words(run.plan)}", "Train")
    if not active:
        report.headline(run)


def afterwards() -> None:
    """Draws what is shown only for a trained classifier."""
    run = st.session_state.get(f"{KEY}_run")
    if run is None or not run.trained.usable or run_panel.active(KEY):
        return
    shell.guess.repeat(LESSON)
    with shell.errors():
        if (measured := run.report()) is not None:
            accuracy = f"{100 * measured.accuracy:.1f} %"
            lesson_figures.compare("transfer learning", accuracy, run.address)
        entry.offer(run)
        runs = [r for r in st.session_state.get("training_runs", []) if r.points]
        if len(runs) > 1:
            st.header("All runs of this session", anchor=False)
            comparison.together(runs)
            if st.toggle("Compare two of them, photo by photo", key="compare_runs"):
                comparison.difference(runs)
        report.sections(run)


def experiment(plan: "TrainingPlan") -> None:
    """Everything below the choices."""
    set_up.say(*summary(plan))
    run_panel.watch(KEY, shell.told(live), shell.told(lambda: controls(plan)))
    class_link.link(backbone=plan.backbone)
    with run_panel.below():
        last_result.offer(KEY)
        afterwards()


set_up = class_link.set_up("Photos, backbone, options")
with set_up.guess:
    shell.guess.ask(LESSON)
with set_up.controls:
    name = pickers.backbone(taught=False)
    kind = sources.kind()
if (net := downloads.loaded(name)) is not None:
    shell.link_notices()
    if (source := sources.photos(kind, net.name)) is not None:
        how, photos = form.how_and_photos(source)
        with set_up.controls:
            plan = form.plan_of(net.name, source, how, photos)
            form.open_project()
        experiment(plan)
