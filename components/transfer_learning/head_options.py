"""The options of a head, each with a sentence: what it does, what to expect."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from components.shell import linked
from components.transfer_learning import texts

if TYPE_CHECKING:
    from engine.transfer import Recipe


def choose(recipe: "Recipe") -> "Recipe":
    """Lets a person change the head, and how it is trained."""
    from engine import transfer

    left, right = st.columns(2, gap="medium")
    optimizers, schedules = list(transfer.OPTIMIZERS), list(transfer.SCHEDULES)
    with left:
        st.markdown("**The head**")
        hidden = linked.select_slider(
            "Hidden neurons",
            (0, 32, 64, 128, 256, 512),
            0,
            name="hidden",
            help="A layer between features and classes; 0 for none. Good features need none.",
        )
        dropout = linked.slider(
            "Dropout",
            0.0,
            0.8,
            recipe.dropout,
            0.1,
            name="dropout",
            help="Share of the features left out at random in training: less overfitting, slower "
            "learning.",
        )
        standardize = linked.toggle(
            "Standardize features",
            recipe.standardize,
            name="standardize",
            help="Input scaling: every feature gets mean 0 and deviation 1. Without it, large "
            "features learn fast and small ones hardly.",
        )
        norm = linked.toggle(
            "Batch normalization",
            recipe.batch_norm,
            name="batch_norm",
            help="Scales the features anew by each batch. On standardized ones it changes little.",
        )
        starts = list(transfer.INITIALIZERS)
        start = linked.selectbox(
            "Initial weights", starts, starts[0], name="initializer", help=texts.INITIAL
        )
    with right:
        st.markdown("**Training of the head**")
        optimizer = linked.selectbox(
            "Optimizer", optimizers, "Adam", name="optimizer", help=texts.OPTIMIZER
        )
        rates = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
        rate = linked.select_slider(
            "Learning rate",
            rates,
            1e-3,
            name="learning_rate",
            help="Step size. Too small: training is not finished when it ends. Too large: the loss "
            "jumps.",
        )
        schedule = linked.selectbox(
            "Learning rate schedule", schedules, schedules[1], name="schedule", help=texts.SCHEDULE
        )
        epochs = linked.slider(
            "Epochs",
            1,
            200,
            recipe.epochs,
            1,
            name="epochs",
            help="How many times it sees each photo. With too many, it only memorises the "
            "training photos.",
        )
        batch = linked.select_slider(
            "Batch", (8, 16, 32, 64, 128), recipe.batch, name="batch", help=texts.BATCH
        )
        decay = linked.select_slider(
            "Weight decay", texts.DECAYS, 0.01, name="weight_decay", help=texts.DECAY
        )
        clip = linked.select_slider(
            "Gradient clipping", texts.CLIPS, 0.0, name="clip", help=texts.CLIP
        )
        smooth = linked.slider(
            "Label smoothing", 0.0, 0.3, 0.0, 0.05, name="label_smoothing", help=texts.SMOOTHING
        )
        patience = linked.slider(
            "Early stopping patience, in epochs",
            0,
            20,
            0,
            1,
            name="patience",
            help="Stops after so many epochs without a better validation loss; 0 for never. It "
            "keeps a fifth of the training photos aside for validation.",
        )
        average = linked.toggle(
            "Average weights", recipe.average, name="average", help=texts.AVERAGE
        )
    return replace(
        recipe,
        epochs=epochs,
        batch=batch,
        hidden=hidden,
        dropout=dropout,
        standardize=standardize,
        batch_norm=norm,
        initializer=start,
        optimizer=optimizer,
        learning_rate=rate,
        schedule=schedule,
        weight_decay=decay,
        clip=clip,
        label_smoothing=smooth,
        patience=patience,
        average=average,
    )
