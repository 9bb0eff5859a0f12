"""Curves of a training, and of all of a session side by side."""

import plotly.graph_objects as go
import streamlit as st

from components import charts
from components.training import Run

COLOURS = ("#5b55d6", "#d9772b", "#1b8a7a", "#b8437f", "#8d8d9c", "#2f7fc1")


def curves(run: Run) -> None:
    """Accuracy and loss of the run, on photos it learns from and on others."""
    points = list(run.points)
    judged = [p for p in points if p.val_accuracy is not None]
    figure = charts.curves(
        [
            ("photos it has not seen", [p.at for p in judged], [p.val_accuracy for p in judged]),
            ("photos it learns from", [p.at for p in points], [p.accuracy for p in points]),
        ],
        "accuracy",
        "epoch",
    )
    left, right = st.columns(2, gap="large")
    left.plotly_chart(figure, config=charts.CONFIG, key="training_accuracy")
    loss = go.Figure()
    for name, ys, colour in (
        ("photos it has not seen", [(p.at, p.val_loss) for p in judged], COLOURS[0]),
        ("photos it learns from", [(p.at, p.loss) for p in points], COLOURS[1]),
    ):
        loss.add_scatter(
            x=[x for x, _ in ys], y=[y for _, y in ys], name=name, mode="lines",
            line={"width": 2.5, "color": colour},
            hovertemplate=f"epoch %{{x}}: <b>%{{y:.3f}}</b><extra>{name}</extra>",
        )  # fmt: skip
    loss.update_layout(
        height=220, margin={"l": 0, "r": 0, "t": 34, "b": 0}, showlegend=False,
        xaxis={"title": "epoch", "fixedrange": True, "showgrid": False, "rangemode": "tozero"},
        yaxis={"title": "loss", "fixedrange": True, "rangemode": "tozero", "nticks": 4},
    )  # fmt: skip
    right.plotly_chart(loss, config=charts.CONFIG, key="training_loss")


def together(runs: list[Run]) -> None:
    """All runs of this session on one chart, and a table with the difference in points."""
    figure = go.Figure()
    rows, first = [], None
    for run, colour in zip(runs, COLOURS, strict=False):
        judged = [p for p in run.points if p.val_accuracy is not None]
        report = run.report()
        if not judged or report is None:
            continue
        figure.add_scatter(
            x=[p.at for p in judged], y=[p.val_accuracy for p in judged], name=run.plan.words,
            mode="lines", line={"width": 2.5, "color": colour},
            hovertemplate="epoch %{x}: <b>%{y:.1%}</b><extra></extra>",
        )  # fmt: skip
        first = report.accuracy if first is None else first
        rows.append({
            "Run": run.plan.words,
            "Learnt from": run.learnt,
            "Accuracy": f"{100 * report.accuracy:.1f} %",
            "95 % interval": f"{100 * report.low:.0f} to {100 * report.high:.0f} %",
            "Against the first": f"{100 * (report.accuracy - first):+.1f} points",
            "Time": f"{run.seconds:.1f} s",
        })  # fmt: skip
    figure.update_layout(
        height=280, margin={"l": 0, "r": 0, "t": 8, "b": 0}, showlegend=True,
        legend={"orientation": "h", "yanchor": "top", "y": -0.25, "x": 0},
        xaxis={"title": "epoch", "fixedrange": True, "showgrid": False, "rangemode": "tozero"},
        yaxis={"title": "accuracy, unseen photos", "range": [0, 1.02], "tickformat": ".0%",
               "fixedrange": True},
    )  # fmt: skip
    st.plotly_chart(figure, config=charts.CONFIG, key="runs_chart")
    st.dataframe(rows, hide_index=True, height="content", key="runs_table")
