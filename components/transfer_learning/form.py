"""How to train: what is trained, on how many photos, with which options; or a saved project."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import shell
from components.shell import cache, linked
from components.transfer_learning.experiment import KEY, Experiment, usual_tuning
from components.widgets import gallery, run_panel
from engine import images
from engine.errors import ProjectDamaged
from engine.types import FROZEN, SCRATCH, TUNED, How

if TYPE_CHECKING:
    from engine.storage import Data
    from engine.transfer import PhotoSource, Recipe, TrainingPlan, Tuning

HOWS: tuple[How, ...] = (FROZEN, TUNED, SCRATCH)


def how_and_photos(source: "PhotoSource") -> tuple[How, int | None]:
    """Lets a person choose what is trained, and on how many photos of each class."""
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
        amounts = (1, 2, 3, 4, 5, 10, 20, 50, "all")
        photos = st.select_slider(
            "Training photos per class", amounts, "all", key="photos", bind="query-params"
        )
    return how, None if photos == "all" else int(photos)


def plan_of(name: str, source: "PhotoSource", how: How, photos: int | None) -> "TrainingPlan":
    """Lets a person change the training options."""
    from engine import transfer

    with st.expander("Training options", icon=":material/tune:"):
        recipe = transfer.Recipe(photos=photos)
        seed = linked.number_input("Seed", 0, 9999, 0, name="seed")
        recipe = replace(recipe, seed=seed)
        if how != SCRATCH:  # from scratch there is no head on frozen features
            recipe = _head(recipe)
        tuning = replace(usual_tuning(how), photos=photos, seed=seed)
        tuning = _tuning(tuning, how, source.data)
    return transfer.TrainingPlan(
        backbone=name, source=source, how=how, recipe=recipe, tuning=tuning
    )


def _head(recipe: "Recipe") -> "Recipe":
    from engine import transfer

    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**The head**")
        epochs = linked.slider("Epochs", 5, 200, recipe.epochs, 5, name="epochs")
        batch = linked.select_slider("Batch", (8, 16, 32, 64, 128), recipe.batch, name="batch")
        sizes = (0, 32, 64, 128, 256, 512)
        hidden = linked.select_slider("Hidden neurons", sizes, 0, name="hidden")
        dropout = linked.slider("Dropout", 0.0, 0.8, recipe.dropout, 0.1, name="dropout")
        norm = linked.toggle("Batch normalization", recipe.batch_norm, name="batch_norm")
        starts = list(transfer.INITIALIZERS)
        start = linked.selectbox("Initial weights", starts, starts[0], name="initializer")
    with right:
        st.markdown("**The training**")
        optimizers = list(transfer.OPTIMIZERS)
        optimizer = linked.selectbox("Optimizer", optimizers, "Adam", name="optimizer")
        rates = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
        rate = linked.select_slider("Learning rate", rates, 1e-3, name="learning_rate")
        schedules = list(transfer.SCHEDULES)
        schedule = linked.selectbox(
            "Learning rate schedule", schedules, schedules[1], name="schedule"
        )
        decays = (0.0, 1e-4, 1e-3, 0.01, 0.1)
        decay = linked.select_slider("Weight decay", decays, 0.01, name="weight_decay")
        bounds = (0.0, 0.1, 1.0, 10.0)
        clip = linked.select_slider("Gradient clipping", bounds, 0.0, name="clip")
        smooth = linked.slider("Label smoothing", 0.0, 0.3, 0.0, 0.05, name="label_smoothing")
        patience = linked.slider(
            "Early stopping patience, in epochs",
            0,
            20,
            0,
            1,
            name="patience",
            help="0 for never. It keeps a fifth of the training photos aside for validation.",
        )
    return replace(
        recipe,
        epochs=epochs,
        batch=batch,
        hidden=hidden,
        dropout=dropout,
        batch_norm=norm,
        initializer=start,
        optimizer=optimizer,
        learning_rate=rate,
        schedule=schedule,
        weight_decay=decay,
        clip=clip,
        label_smoothing=smooth,
        patience=patience,
    )


def _tuning(tuning: "Tuning", how: str, data: "Data | None") -> "Tuning":
    if how == FROZEN:
        return tuning
    st.markdown("**The backbone**")
    epochs = linked.slider(
        "Backbone epochs", 1, 100, tuning.epochs, 1, name="tuned", key=f"b_epochs_{how}"
    )
    rates = (1e-5, 2e-5, 5e-5, 1e-4, 3e-4, 1e-3, 3e-3)
    rate = linked.select_slider(
        "Backbone learning rate",
        rates,
        tuning.learning_rate,
        name="tuned_rate",
        key=f"b_rate_{how}",
    )
    if how == TUNED:
        tuning = _unfrozen(tuning)
    augment = linked.toggle(
        "Augment: flip, crop and brighten or darken photos at random",
        tuning.augment,
        name="augment",
        key=f"b_augment_{how}",
    )
    if augment and data is not None:
        _preview(data)
    return replace(_optimizer(tuning, how), epochs=epochs, learning_rate=rate, augment=augment)


def _unfrozen(tuning: "Tuning") -> "Tuning":
    """Which of the backbone's layers learn."""
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    with left:
        unit = linked.selectbox(
            "Unfreeze, from the end",
            ("stages", "layers"),
            "stages",
            name="unfreeze",
            help="A stage is all layers whose maps have the same size.",
        )
    with right:
        if unit == "stages":
            return replace(tuning, stages=linked.slider("Stages", 1, 5, 1, 1, name="stages"))
        layers = linked.slider(
            "Layers",
            0,
            50,
            4,
            1,
            name="layers",
            help="With 0, only the head learns, but from augmented photos that pass the whole "
            "network in each epoch.",
        )
    return replace(tuning, layers=layers)


def _optimizer(tuning: "Tuning", how: str) -> "Tuning":
    """How the backbone's weights take their steps."""
    from engine import transfer

    left, right = st.columns(2, gap="medium")
    optimizers, schedules = list(transfer.OPTIMIZERS), list(transfer.SCHEDULES)
    with left:
        optimizer = linked.selectbox(
            "Backbone optimizer",
            optimizers,
            tuning.optimizer,
            name="tuned_optimizer",
            key=f"b_optimizer_{how}",
        )
        schedule = linked.selectbox(
            "Backbone learning rate schedule",
            schedules,
            tuning.schedule,
            name="tuned_schedule",
            key=f"b_schedule_{how}",
        )
    with right:
        decay = linked.select_slider(
            "Backbone weight decay",
            (0.0, 1e-4, 1e-3, 0.01, 0.1),
            tuning.weight_decay,
            name="tuned_decay",
            key=f"b_decay_{how}",
        )
        clip = linked.select_slider(
            "Backbone gradient clipping",
            (0.0, 0.1, 1.0, 10.0),
            tuning.clip,
            name="tuned_clip",
            key=f"b_clip_{how}",
        )
        smooth = linked.slider(
            "Backbone label smoothing",
            0.0,
            0.3,
            tuning.label_smoothing,
            0.05,
            name="tuned_smoothing",
            key=f"b_smoothing_{how}",
        )
    return replace(
        tuning,
        optimizer=optimizer,
        schedule=schedule,
        weight_decay=decay,
        clip=clip,
        label_smoothing=smooth,
    )


def _preview(data: "Data") -> None:
    """A photo as it is, and five times as the backbone gets it."""
    from engine import transfer

    first = data.paths[int(np.flatnonzero(data.train)[0])]
    with shell.errors():
        photo = images.fit(images.load(first), (112, 112))
        varied = transfer.augmented(np.repeat(photo[None], 5, axis=0), np.random.default_rng(0))
        row = np.concatenate([photo, *varied], axis=1)
        gallery.show(row, "A training photo, unchanged and with five random augmentations")


def open_project() -> None:
    """Lets a person open a saved project, once for each file, in place of the run there is."""
    from engine import transfer

    with st.expander("Open a project", icon=":material/folder_open:"):
        file = st.file_uploader(
            "A project saved here (.idealcat)",
            type=["idealcat"],
            max_upload_size=100,
            key="project_file",
        )
        if file is None or st.session_state.get("project_id") == file.file_id:
            return
        st.session_state.project_id = file.file_id
        with shell.errors():
            project = transfer.load(file.getvalue())
            net = cache.backbone(project.backbone)
            if project.head.input_shape[-1] != transfer.width(net):
                raise ProjectDamaged(f"Expected a head for {net.name}; this one is for another.")
            run_panel.forget(KEY)
            st.session_state.training_run = Experiment.opened(project)
