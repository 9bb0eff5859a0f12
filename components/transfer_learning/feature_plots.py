"""What features alone can tell: a map of the photos, and how few of them are enough."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.transfer_learning.experiment import Experiment
from components.widgets import charts, run_panel
from engine.runs import Private

PRINCIPAL, NEIGHBOURS = "principal components", "t-SNE"
MAPPED = 1500  # photos at most on a map: t-SNE takes a few seconds for them
AMOUNTS = (1, 2, 3, 5, 10, 20, 50, 100)


def embedding(run: Experiment) -> None:
    """All photos as points: near each other where their features are alike."""
    if run.trained.features is None:
        st.info(
            "The photos of an opened project are not here, so there is nothing to map."
            if run.saved
            else "A network trained from scratch has no fixed features to map."
        )
        return
    how = PRINCIPAL
    if find_spec("sklearn") is not None:
        how = st.segmented_control(
            "Map",
            (PRINCIPAL, NEIGHBOURS),
            default=PRINCIPAL,
            required=True,
            key="map",
            bind="query-params",
            help="Principal components: a flat view of the features, as they are. t-SNE: who is "
            "whose neighbour; distances between groups mean little (van der Maaten and Hinton, "
            "2008).",
        )
    if how == NEIGHBOURS:
        _neighbours(run)
        return
    values = run.trained.features.values
    rows = np.random.default_rng(0).permutation(len(values))[:MAPPED]
    at, share = _principal(np.asarray(values[rows, 0], "float32"), 2)
    _points(run, at, rows, ("first principal component", "second"))
    st.caption(
        f"Principal components of the features of {len(rows)} photos by the frozen "
        f"{run.plan.backbone}: "
        f"{100 * share:.0f} % of all differences are in this plane. A colour is a class; point at "
        "a photo to read which."
    )


@st.cache_data(show_spinner=False, max_entries=8)
def _principal(x: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """The first principal components of `(n, c)`, and their share of all variance."""
    x = x - x.mean(axis=0)
    _, strengths, axes = np.linalg.svd(x, full_matrices=False)
    share = np.square(strengths[:count]).sum() / np.square(strengths).sum()
    return x @ axes[:count].T, float(share)


def _neighbours(run: Experiment) -> None:
    """t-SNE, computed when it is asked for, of at most `MAPPED` photos."""
    values = run.trained.features.values
    rows = np.random.default_rng(0).permutation(len(values))[:MAPPED]

    def make() -> Iterator[Any]:
        from sklearn.manifold import TSNE

        found, _ = _principal(np.asarray(values[rows, 0], "float32"), 50)
        near = min(30.0, (len(rows) - 1) / 3)
        yield TSNE(perplexity=near, init="pca", random_state=0, n_jobs=1).fit_transform(found)

    def draw(found: list) -> None:
        _points(run, found[0], rows, ("", ""))
        st.caption(f"t-SNE of the features of {len(rows)} photos. A colour is a class.")

    run_panel.table(
        "neighbours",
        "Compute t-SNE",
        (run,),
        1,
        lambda: [Private(make)],
        lambda found: draw(found[0]),
    )


def _points(run: Experiment, at: np.ndarray, rows: np.ndarray, axes: tuple[str, str]) -> None:
    """Draws photos at `(n, 2)` places, a symbol for each group and a colour for each class."""
    features = run.trained.features
    labels, names = features.labels[rows], features.class_names
    groups = features.groups or names
    figure = go.Figure()
    for group, symbol in zip(dict.fromkeys(groups), _symbols(), strict=False):
        mine = np.array([groups[k] == group for k in labels])
        figure.add_scatter(
            x=at[mine, 0],
            y=at[mine, 1],
            mode="markers",
            name=group,
            marker={
                "size": 9,
                "symbol": symbol,
                "opacity": 0.8,
                "color": labels[mine],
                "colorscale": "Turbo",
                "cmin": -0.15 * len(names),
                "cmax": 1.1 * len(names),
            },  # its ends are too dark for a dark page
            text=[names[k] for k in labels[mine]],
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_layout(
        height=460,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.05},
        showlegend=len(set(groups)) <= 8,
        xaxis={"title": axes[0], "showticklabels": False, "zeroline": False},
        yaxis={"title": axes[1], "showticklabels": False, "zeroline": False},
    )
    words = f"{len(at)} photos as points, near each other where their features are alike."
    charts.show(figure, key="embedding", words=words)


def _symbols() -> Iterator[str]:
    while True:
        yield from ("circle", "diamond", "square", "cross", "triangle-up", "star")


def sweep(run: Experiment) -> None:
    """Accuracy by the number of photos of each class to learn from."""
    from engine import transfer

    features = run.trained.features
    if features is None or features.train.all():
        st.info("This needs a frozen backbone and test photos.")
        return
    most = int(np.bincount(features.labels[features.train]).max())
    if most < 2:
        st.info("This training has read one photo of each class. Train on more, then try fewer.")
        return
    amounts = [n for n in AMOUNTS if n < most] + [most]

    def make() -> Iterator[Any]:
        test = ~features.train
        x = np.asarray(features.values[test, 0], "float32")
        for amount in amounts:
            recipe = replace(run.plan.recipe, photos=amount, patience=0)
            *_, epoch = transfer.train_head(features, recipe)
            yield (
                amount,
                transfer.evaluate(
                    transfer.logits_of(epoch.head, x), features.labels[test], features.rows[test]
                ),
            )

    def draw(rows: list) -> None:
        figure = go.Figure(
            go.Scatter(
                x=[n for n, _ in rows],
                y=[r.accuracy for _, r in rows],
                mode="lines+markers",
                line={"width": 2.5, "color": charts.COLOURS[0]},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "color": "rgba(107,100,228,.4)",
                    "array": [r.high - r.accuracy for _, r in rows],
                    "arrayminus": [r.accuracy - r.low for _, r in rows],
                },
                hovertemplate="%{x} photos per class: <b>%{y:.1%}</b><extra></extra>",
            )
        )
        figure.update_layout(
            height=280,
            margin={"l": 0, "r": 12, "t": 8, "b": 0},
            xaxis={
                "title": "photos per class",
                "type": "log",
                "fixedrange": True,
                "tickvals": amounts,
            },
            yaxis={
                "title": "accuracy, unseen photos",
                "range": [0, 1.02],
                "tickformat": ".0%",
                "fixedrange": True,
            },
        )
        each = (f"{100 * r.accuracy:.0f} % with {n}" for n, r in rows)
        charts.show(figure, key="few_chart", words=f"accuracy: {', '.join(each)} photos a class.")

    run_panel.table(
        "few",
        "Try fewer photos",
        (run,),
        len(amounts),
        lambda: [Private(make)],
        lambda rows: draw(rows[0]),
    )
