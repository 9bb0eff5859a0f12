"""What features alone can tell: a map of the photos, and how few of them are enough."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.transfer_learning.experiment import Experiment
from components.widgets import charts, run_panel
from engine.runs import Private

AMOUNTS = (1, 2, 3, 5, 10, 20, 50, 100)


def embedding(run: Experiment) -> None:
    """All photos by the two directions in which their features differ most."""
    if run.trained.features is None:
        st.info("A network trained from scratch has no fixed features to map.")
        return
    x = np.asarray(run.trained.features.values[:, 0], "float32")
    x = x - x.mean(axis=0)
    _, strengths, axes = np.linalg.svd(x, full_matrices=False)
    at = x @ axes[:2].T
    share = float(np.square(strengths[:2]).sum() / np.square(strengths).sum())
    labels, names = run.trained.features.labels, run.trained.features.class_names
    groups = run.trained.features.groups or names
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
        xaxis={"title": "first principal component", "showticklabels": False, "zeroline": False},
        yaxis={"title": "second", "showticklabels": False, "zeroline": False},
    )
    st.plotly_chart(figure, config=charts.CONFIG, key="embedding")
    st.caption(
        f"Principal components of the features of the frozen {run.plan.backbone}: "
        f"{100 * share:.0f} % of all differences are in this plane. A colour is a class; point at "
        "a photo to read which."
    )


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
        st.plotly_chart(figure, config=charts.CONFIG, key="few_chart")

    run_panel.table(
        "few",
        "Try fewer photos",
        (run,),
        len(amounts),
        lambda: [Private(make)],
        lambda rows: draw(rows[0]),
    )
