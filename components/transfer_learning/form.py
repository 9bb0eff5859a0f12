"""How to train: what is trained, on how many photos, with which options; or a saved project."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from components import shell
from components.shell import cache, linked
from components.transfer_learning import backbone_options, head_options
from components.transfer_learning.experiment import KEY, Experiment, usual_tuning
from components.widgets import run_panel
from engine.core.types import FROZEN, SCRATCH, TUNED, How

if TYPE_CHECKING:
    from engine.transfer import PhotoSource, TrainingPlan

HOWS: tuple[How, ...] = (FROZEN, TUNED, SCRATCH)


def how_and_photos(source: "PhotoSource") -> tuple[How, dict[str, int | None]]:
    """Lets a person choose what is trained, on how many photos of each class, tested on how many.

    The latter two under the names that a recipe has for them.
    """
    middle, right = st.columns(2, gap="large")
    with middle:
        hows = HOWS if source.data else (FROZEN,)
        shell.check_link("how", hows, "the training")
        if st.session_state.get("how") not in hows:
            st.session_state.how = FROZEN
        how = st.segmented_control(
            "Training",
            hows,
            required=True,
            key="how",
            bind="query-params",
            help="frozen: only a new head on the backbone's features is trained. fine-tuned: "
            "then the backbone's last layers, too. from scratch: all layers, from random weights.",
        )
        if not source.data:
            st.caption("Fine-tuning and training from scratch need the photos themselves.")
    with right:
        amounts = (1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500, 1600, "all")
        photos = st.select_slider(
            "Training photos per class", amounts, "all", key="photos", bind="query-params"
        )
        tested = "all"
        if source.data:
            tested = linked.select_slider(
                "Test photos per class",
                (10, 20, 50, 100, "all"),
                "all",
                name="tested",
                help="Fewer take less time to read, and make the accuracy less certain.",
            )
    numbers = {"photos": photos, "tested": tested}
    return how, {name: None if n == "all" else int(n) for name, n in numbers.items()}


def plan_of(
    name: str, source: "PhotoSource", how: How, photos: dict[str, int | None]
) -> "TrainingPlan":
    """Lets a person change the training options."""
    from engine import transfer

    with st.expander("Training options", icon=":material/tune:"):
        recipe = transfer.Recipe(**photos)
        seed = linked.number_input("Seed", 0, 9999, 0, name="seed")
        recipe = replace(recipe, seed=seed)
        if how != SCRATCH:  # from scratch there is no head on frozen features
            recipe = head_options.choose(recipe)
        tuning = replace(usual_tuning(how), **photos, seed=seed)
        tuning = backbone_options.choose(tuning, how, source.data)
    return transfer.TrainingPlan(
        backbone=name, source=source, how=how, recipe=recipe, tuning=tuning
    )


def open_project() -> None:
    """Lets a person open a saved project, once for each file, in place of the run there is."""
    from engine import transfer

    with st.expander("Open a project", icon=":material/folder_open:"):
        file = st.file_uploader(
            "A project saved here (.idealcat)",
            type=["idealcat"],
            max_upload_size=250,
            key="project_file",
        )
        if file is None or st.session_state.get("project_id") == file.file_id:
            return
        st.session_state.project_id = file.file_id
        with shell.errors():
            project = transfer.load(file.getvalue())
            model = transfer.model_of(cache.backbone(project.backbone), project)
            run_panel.forget(KEY)
            st.session_state.training_run = Experiment.opened(project, model)
