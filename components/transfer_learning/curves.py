"""Curves of a training, and of all of a session side by side."""

import plotly.graph_objects as go
import streamlit as st

from components.transfer_learning.experiment import Experiment, words
from components.widgets import charts


def curves(run: Experiment) -> None:
    """Accuracy and loss of the run, on photos it learns from and on others."""
    points = [p for p in run.points if p.accuracy is not None]
    judged = [p for p in points if p.val_accuracy is not None]
    figure = charts.curves(
        [
            ("test photos", [p.epoch for p in judged], [p.val_accuracy for p in judged]),
            ("training photos", [p.epoch for p in points], [p.accuracy for p in points]),
        ],
        "accuracy",
        "epoch",
    )
    left, right = st.columns(2, gap="large")
    left.plotly_chart(figure, config=charts.CONFIG, key="training_accuracy")
    loss = charts.curves(
        [
            ("test photos", [p.epoch for p in judged], [p.val_loss for p in judged]),
            ("training photos", [p.epoch for p in points], [p.loss for p in points]),
        ],
        "loss",
        "epoch",
        share=False,
    )
    right.plotly_chart(loss, config=charts.CONFIG, key="training_loss")


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
                "Against the first": _points(report.accuracy - first) if rows else "",
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
