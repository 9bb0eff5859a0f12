"""What a classifier confuses: the matrix, the surest mistakes, and the photos behind them."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.transfer_learning.experiment import Experiment, unmeasured
from components.widgets import charts, gallery
from engine import images
from engine.core.errors import BadImage

if TYPE_CHECKING:
    from engine.transfer import Report


def confusion(run: Experiment) -> None:
    """The confusion matrix; a click on a square shows the photos behind it."""
    report = run.report()
    if report is None:
        st.info(unmeasured(run), icon=":material/info:")
        return
    rows, columns = np.nonzero(report.confusion)
    counts = report.confusion[rows, columns]
    names = list(run.trained.class_names)
    size = 560 / max(len(names), 8)
    figure = go.Figure(
        go.Scatter(
            x=columns,
            y=rows,
            mode="markers",
            marker={
                "symbol": "square",
                "size": size,
                "opacity": 0.35 + 0.65 * counts / counts.max(),
                "color": [
                    charts.COLOURS[2] if r == c else charts.COLOURS[1]
                    for r, c in zip(rows, columns, strict=True)
                ],
            },
            text=[
                f"{names[r]} taken for {names[c]}: {n}"
                for r, c, n in zip(rows, columns, counts, strict=True)
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    ends = [-0.7, len(names) - 0.3]
    axis = {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "fixedrange": True,
        "range": ends,
        "tickfont": {"size": 10},
        "zeroline": False,
    }
    figure.update_layout(
        height=720,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        showlegend=False,
        dragmode=False,
        xaxis=axis | {"title": "predicted", "tickangle": -60},
        yaxis=axis | {"title": "true", "range": ends[::-1]},
    )
    left, right = st.columns([2, 1], gap="large")
    with left, st.container(key="confusion_box"):
        correct = int(np.diag(report.confusion).sum())
        words = f"of {counts.sum()} photos, {correct} are classified correctly; pairs of classes "
        words += "that are taken for each other are listed under “Which classes?”."
        event: Any = charts.show(
            figure, key="confusion", words=words, on_select="rerun", selection_mode="points"
        )
    points = event.selection.points
    with right:
        if not points:
            st.caption("Click a square to see its photos. Green: correct. Orange: wrong.")
            return
        row, column = int(points[0]["y"]), int(points[0]["x"])
        st.markdown(f"**{names[row]}**, taken for **{names[column]}**")
        these = np.flatnonzero((report.labels == row) & (report.guesses == column))
        photos(run, report, these[:8], 2)


def pairs(run: Experiment, report: "Report") -> None:
    """The classes most often taken for each other; a press shows the photos."""
    found = {
        f"{run.class_names[one]} and {run.class_names[other]}: {count}": (one, other)
        for one, other, count in report.confused()
    }
    if not found:
        return
    chosen = st.pills("Most often confused", list(found), key="confused_pair")
    if chosen in found:
        one, other = found[chosen]
        mixed = (report.labels == one) & (report.guesses == other)
        mixed |= (report.labels == other) & (report.guesses == one)
        photos(run, report, np.flatnonzero(mixed)[:8], 2)


def mistakes(run: Experiment) -> None:
    """The wrong predictions with the highest confidence."""
    report = run.report()
    if report is None:
        st.info(unmeasured(run), icon=":material/info:")
        return
    wrong = report.mistakes(8)
    if not len(wrong):
        st.success("All test photos are classified correctly.")
        return
    photos(run, report, wrong, 4)


def photos(run: Experiment, report: "Report", positions: np.ndarray, columns: int) -> None:
    """Test photos, with what they show and what was predicted.

    Args:
        run: that predicted.
        report: on it.
        positions: of the photos in the report.
        columns: photos in a row.
    """
    data, names = run.plan.source.data, run.class_names
    for start in range(0, len(positions), columns):
        for column, k in zip(st.columns(columns), positions[start : start + columns], strict=False):
            truth, guess = (names[n] for n in (report.labels[k], report.guesses[k]))
            with column:
                words = f"{truth}; predicted {guess}, {100 * report.confidence[k]:.0f} %"
                if data is None:
                    st.markdown(words)
                    continue
                try:
                    photo = images.fit(images.load(data.paths[report.rows[k]]), (224, 224))
                except BadImage:
                    st.markdown(f"{words} (the photo cannot be read any more)")
                    continue
                gallery.show(photo, words, words)
