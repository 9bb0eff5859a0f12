"""The runs of a session side by side: their curves, and the photos that only one gets right."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.transfer_learning import confusions
from components.transfer_learning.experiment import Experiment, parts, words
from components.widgets import charts


def names(runs: list[Experiment]) -> list[str]:
    """What tells these runs from each other; all of it, and a number, where nothing does."""
    said = [parts(run.plan) for run in runs]
    common = set.intersection(*map(set, said)) if len(said) > 1 else set()
    found = [
        ", ".join(part for part in each if part not in common) or words(run.plan)
        for run, each in zip(runs, said, strict=True)
    ]
    return [name if found.count(name) == 1 else f"{name} ({k})" for k, name in enumerate(found, 1)]


def together(runs: list[Experiment]) -> None:
    """All runs of this session on one chart, and a table with the difference in points."""
    figure = go.Figure()
    rows, first = [], None
    called = names(runs)
    dashes = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # none hides another
    for run, name, colour, dash in zip(runs, called, charts.COLOURS, dashes, strict=False):
        judged = [p for p in run.points if p.val_accuracy is not None]
        report = run.report()
        if not judged or report is None:
            continue
        figure.add_scatter(
            x=[p.epoch for p in judged],
            y=[p.val_accuracy for p in judged],
            name=name,
            mode="lines",
            line={"width": 2.5, "color": colour, "dash": dash},
            hovertemplate="epoch %{x}: <b>%{y:.1%}</b><extra></extra>",
        )
        first = report.accuracy if first is None else first
        rows.append(
            {
                "Run": name,
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
    words = f"accuracy by epoch of {len(rows)} runs; the table below has their figures."
    charts.show(figure, key="runs_chart", words=words)
    st.dataframe(rows, hide_index=True, height="content", key="runs_table")


def difference(runs: list[Experiment]) -> None:
    """Of two runs on the same test photos: which classes improved, and which photos changed."""
    called = dict(zip(names(runs), runs, strict=True))
    left, right = st.columns(2, gap="medium")
    before = left.selectbox("Before", list(called), len(called) - 2, key="run_before")
    after = right.selectbox("After", list(called), len(called) - 1, key="run_after")
    one, two = called[before].report(), called[after].report()
    if one is None or two is None:
        st.info("One of them has no test photos.", icon=":material/info:")
        return
    same = called[before].photos == called[after].photos and np.array_equal(one.rows, two.rows)
    if not same:
        st.info("They were tested on different photos or classes.", icon=":material/info:")
        return
    ended, change = called[after], np.nan_to_num(two.per_class - one.per_class)
    was, now = one.guesses == one.labels, two.guesses == two.labels
    if np.array_equal(was, now):
        st.info("Both classify the same photos correctly.", icon=":material/info:")
        return
    order = [k for k in np.argsort(-np.abs(change), kind="stable") if change[k]]
    st.dataframe(
        [
            {
                "Class": ended.class_names[k],
                "Before": f"{100 * one.per_class[k]:.0f} %",
                "After": f"{100 * two.per_class[k]:.0f} %",
                "Change": _points(change[k]),
            }
            for k in order
        ],
        hide_index=True,
        height="content" if len(order) < 8 else 300,
        key="run_classes",
    )
    for title, which in (("Newly correct", now & ~was), ("Newly wrong", was & ~now)):
        found = np.flatnonzero(which)
        st.markdown(f"**{title}: {len(found)}**")
        confusions.photos(ended, two, found[:8], 4)


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points".replace("-", "−")
