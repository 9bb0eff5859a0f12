"""A training trick tried with several values at once: what it does to learning, on one chart."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components import shell
from components.transfer_learning.experiment import Experiment
from components.widgets import charts, run_panel
from engine.runs import Private
from engine.storage import few_of

if TYPE_CHECKING:
    from engine.transfer import Features, Recipe

SEVERAL = "heads"  # no field of the recipe: so many heads, whose mean probabilities count

# Each trick: a field of the recipe, the values to try, and what to expect.
TRICKS: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "dropout": (
        "dropout",
        (0.0, 0.2, 0.5, 0.8),
        "With more of it, it learns more slowly and overfits less.",
    ),
    "initial weights": (
        "initializer",
        (
            "zeros",
            "uniform, -1 to 1",
            "normal, deviation 1",
            "normal, deviation 1/sqrt(n)",
            "Glorot (Xavier)",
            "He",
        ),
        "Large ones take epochs to undo.",
    ),
    "input scaling": ("standardize", (True, False), "Without it, learning is slower."),
    "batch normalization": ("batch_norm", (False, True), "On scaled features it changes little."),
    "optimizer": (
        "optimizer",
        ("SGD", "momentum", "Adagrad", "RMSprop", "Adam"),
        "All with the same learning rate: good for one is not good for another.",
    ),
    "learning rate": (
        "learning_rate",
        (1e-4, 1e-3, 1e-2, 0.1, 1.0),
        "Too small learns too slowly; too large never settles.",
    ),
    "schedule": (
        "schedule",
        ("constant", "cosine", "exponential", "falling to a tenth in three steps"),
        "A falling rate settles at the end.",
    ),
    "gradient clipping": ("clip", (0.0, 0.1, 1.0), "It matters where the learning rate is high."),
    "weight decay": (
        "weight_decay",
        (0.0, 0.01, 0.1, 0.5),
        "With more of it, weights stay smaller, and it overfits less.",
    ),
    "label smoothing": (
        "label_smoothing",
        (0.0, 0.1, 0.3),
        "It is less sure of itself; accuracy changes little.",
    ),
    "hidden layer": ("hidden", (0, 64, 256), "On good features a linear head is often enough."),
    "weight averaging": ("average", (False, True), "The curve becomes smoother from half on."),
    "model averaging": (
        SEVERAL,
        (1, 3, 5),
        "Several heads, with other random numbers, predict together: steadier than one.",
    ),
    "early stopping": ("patience", (0, 3), "It ends where the validation loss rises."),
}


def compare(run: Experiment) -> None:
    """Trains a head with each value of a trick, on the features that are there."""
    from engine import transfer

    features = run.trained.features
    if features is None or features.train.all():
        st.info("This needs a frozen backbone and test photos.", icon=":material/info:")
        return
    shell.check_link("trick", list(TRICKS), "the trick")
    name = st.selectbox("Trick", list(TRICKS), key="trick", bind="query-params")
    field, values, expect = TRICKS[name]
    st.caption(f"A head for each value; everything else stays as it was trained. {expect}")
    if field == "patience" and np.bincount(features.labels[features.train]).max() < 2:
        st.info("Early stopping keeps photos aside, so it needs two of a class to learn from.")
        return

    def make() -> Iterator[Any]:
        from scipy.special import softmax

        test = ~features.train
        x, y = np.asarray(features.values[test, 0], "float32"), features.labels[test]
        for value in values:
            own = run.plan.recipe
            count = value if field == SEVERAL else 1
            recipe = own if field == SEVERAL else replace(own, **{field: value})
            heads = [replace(recipe, seed=recipe.seed + k) for k in range(count)]
            points, given = [], features
            if count > 1:  # all of them learn from the photos of this run
                given = _of_this_run(features, recipe)
                heads = [replace(head, photos=None) for head in heads]
            for epochs in zip(*(transfer.train_head(given, r) for r in heads), strict=False):
                together = sum(softmax(transfer.logits_of(e.head, x), axis=1) for e in epochs)
                right = together.argmax(axis=1) == y
                points.append((epochs[0].number, float(right.mean())))
            yield value, points

    def draw(rows: list) -> None:
        named = _heads if field == SEVERAL else _said
        lines = [
            (named(value), [e for e, _ in points], [a for _, a in points]) for value, points in rows
        ]
        figure = charts.curves(lines, "accuracy, unseen photos", "epoch")
        charts.show(figure, key="tricks_chart")

    run_panel.table(
        "tricks",
        "Try them all",
        (run, name),
        len(values),
        lambda: [Private(make)],
        lambda rows: draw(rows[0]),
    )


def _of_this_run(features: "Features", recipe: "Recipe") -> "Features":
    """The features of the photos that this run learned from, and of those to test on."""
    learn = few_of(features.labels, features.train, recipe.photos, recipe.seed)
    keep = np.flatnonzero(learn | ~features.train)
    return replace(
        features,
        values=features.values[keep],
        labels=features.labels[keep],
        train=features.train[keep],
        rows=features.rows[keep],
    )


def _heads(count: int) -> str:
    return "one head" if count == 1 else f"{count} heads"


def _said(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value}"
