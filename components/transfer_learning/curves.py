"""Curves of a training, and of all of a session side by side."""

from typing import TYPE_CHECKING

import plotly.graph_objects as go
import streamlit as st

from components.transfer_learning.experiment import KEY, Experiment, words
from components.widgets import charts, live_view
from components.widgets.live_view import Curve

if TYPE_CHECKING:
    from engine.transfer import TrainingStep


def watch(run: Experiment) -> None:
    """Accuracy and loss of the run, live, on photos it learns from and on others."""
    view = run.views[0] if run.views else None
    live_view.draw(
        KEY,
        [live_view.Track(view=view, row=_row)],
        steps=run.epochs,
        unit="epoch",
        curves=[
            Curve(
                title="accuracy",
                share=True,
                lines=[("test photos", 0, 0), ("training photos", 0, 1)],
            ),
            Curve(title="loss", lines=[("test photos", 0, 2), ("training photos", 0, 3)]),
        ],
    )


def _row(step: "TrainingStep") -> live_view.Row:
    point = step.point
    if point is None:
        return live_view.Row(0, (None, None, None, None))
    values = (point.val_accuracy, point.accuracy, point.val_loss, point.loss)
    return live_view.Row(point.epoch, values)


def together(runs: list[Experiment]) -> None:
    """All runs of this session on one chart, and a table with the difference in points."""
    figure = go.Figure()
    rows, first = [], None
    dashes = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # none hides another
    for run, colour, dash in zip(runs, charts.COLOURS, dashes, strict=False):
        judged = [p for p in run.points if p.val_accuracy is not None]
        report = run.report()
        if not judged or report is None:
            continue
        figure.add_scatter(
            x=[p.epoch for p in judged],
            y=[p.val_accuracy for p in judged],
            name=words(run.plan),
            mode="lines",
            line={"width": 2.5, "color": colour, "dash": dash},
            hovertemplate="epoch %{x}: <b>%{y:.1%}</b><extra></extra>",
        )
        first = report.accuracy if first is None else first
        rows.append(
            {
                "Run": words(run.plan),
                "Trained on": run.last.trained.learnt,
                "Accuracy": f"{100 * report.accuracy:.1f} %",
                "95 % interval": f"{100 * report.low:.0f} to {100 * report.high:.0f} %",
                "Change from first": _points(report.accuracy - first) if rows else "",
                "Time": f"{run.last.seconds:.1f} s",
            }
        )
    figure.update_layout(
        height=280,
        margin={"l": 0, "r": 12, "t": 8, "b": 0},
        showlegend=True,
        legend={"orientation": "h", "yanchor": "top", "y": -0.25, "x": 0},
        xaxis={"title": "epoch", "fixedrange": True, "showgrid": False, "rangemode": "tozero"},
        yaxis={
            "title": "accuracy, unseen photos",
            "range": [0, 1.02],
            "tickformat": ".0%",
            "fixedrange": True,
        },
    )
    st.plotly_chart(figure, config=charts.CONFIG, key="runs_chart")
    st.dataframe(rows, hide_index=True, height="content", key="runs_table")


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points".replace("-", "−")
