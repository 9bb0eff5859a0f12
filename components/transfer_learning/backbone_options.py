"""The options of a backbone's training, each with a sentence: what it does, what to expect."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components import shell
from components.shell import linked
from components.transfer_learning import texts
from components.widgets import gallery
from engine import images
from engine.core.types import FROZEN, TUNED

if TYPE_CHECKING:
    from engine.storage import Data
    from engine.transfer import Tuning


def choose(tuning: "Tuning", how: str, data: "Data | None") -> "Tuning":
    """Lets a person change how the backbone is trained; nothing where it is frozen."""
    if how == FROZEN:
        return tuning
    st.markdown("**The backbone**")
    epochs = linked.slider(
        "Backbone epochs",
        1,
        100,
        tuning.epochs,
        1,
        name="tuned",
        key=f"b_epochs_{how}",
        help="After those of the head. From scratch it ends once all training photos are right.",
    )
    rates = (1e-5, 2e-5, 5e-5, 1e-4, 3e-4, 1e-3, 3e-3)
    rate = linked.select_slider(
        "Backbone learning rate",
        rates,
        tuning.learning_rate,
        name="tuned_rate",
        key=f"b_rate_{how}",
        help="Low for pretrained weights: large steps would forget what they know.",
    )
    tuning = _unfrozen(tuning) if how == TUNED else _initial(tuning)
    augment = linked.toggle(
        "Augment: flip, crop and brighten or darken photos at random",
        tuning.augment,
        name="augment",
        key=f"b_augment_{how}",
        help="No photo looks the same twice: less overfitting with few photos, slower learning.",
    )
    if augment and data is not None:
        _preview(data)
    return replace(_steps(tuning, how), epochs=epochs, learning_rate=rate, augment=augment)


def _unfrozen(tuning: "Tuning") -> "Tuning":
    """Which of the backbone's layers learn."""
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    with left:
        unit = linked.selectbox(
            "Unfreeze, from the end",
            ("stages", "layers"),
            "stages",
            name="unfreeze",
            help="A stage is all layers whose maps have the same size. The last ones know the most "
            "about what the network was trained on, and change first.",
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
            help="With 0, only the head learns, but from photos that pass the whole network in "
            "each epoch.",
        )
    return replace(tuning, layers=layers)


def _initial(tuning: "Tuning") -> "Tuning":
    """What all layers begin with."""
    from engine import transfer

    starts = (transfer.OWN, *transfer.INITIALIZERS)
    start = linked.selectbox(
        "Initial weights of all layers",
        starts,
        tuning.initializer,
        name="tuned_initializer",
        help=texts.INITIAL,
    )
    return replace(tuning, initializer=start)


def _steps(tuning: "Tuning", how: str) -> "Tuning":
    """How the backbone's weights take their steps."""
    from engine import transfer

    def choose(widget: Any, label: str, options: Any, field: str, name: str, help: str) -> Any:
        usual, key = getattr(tuning, field), f"b_{name}_{how}"
        return widget(label, options, usual, name=f"tuned_{name}", key=key, help=help)

    box, line = linked.selectbox, linked.select_slider
    left, right = st.columns(2, gap="medium")
    with left:
        names = list(transfer.OPTIMIZERS)
        optimizer = choose(
            box, "Backbone optimizer", names, "optimizer", "optimizer", texts.OPTIMIZER
        )
        names = list(transfer.SCHEDULES)
        schedule = choose(
            box, "Backbone learning rate schedule", names, "schedule", "schedule", texts.SCHEDULE
        )
        batch = choose(line, "Backbone batch", (4, 8, 16, 32), "batch", "batch", texts.BATCH)
        average = how == TUNED and linked.toggle(
            "Average backbone weights",
            tuning.average,
            name="tuned_average",
            key=f"b_average_{how}",
            help=texts.AVERAGE,
        )
    with right:
        decay = choose(
            line, "Backbone weight decay", texts.DECAYS, "weight_decay", "decay", texts.DECAY
        )
        clip = choose(line, "Backbone gradient clipping", texts.CLIPS, "clip", "clip", texts.CLIP)
        smooth = linked.slider(
            "Backbone label smoothing",
            0.0,
            0.3,
            tuning.label_smoothing,
            0.05,
            name="tuned_smoothing",
            key=f"b_smoothing_{how}",
            help=texts.SMOOTHING,
        )
    return replace(
        tuning,
        optimizer=optimizer,
        schedule=schedule,
        batch=batch,
        average=average,
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
