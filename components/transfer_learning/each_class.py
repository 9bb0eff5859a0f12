"""How accurate a classifier is on each class, and how far its confidence can be trusted."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.transfer_learning import confusions
from components.transfer_learning.experiment import Experiment, unmeasured
from components.widgets import charts


def show(run: Experiment) -> None:
    """Accuracy of each class, and how far its confidence can be trusted."""
    report = run.report()
    if report is None:
        st.info(unmeasured(run), icon=":material/info:")
        return
    order = np.argsort(np.nan_to_num(report.per_class, nan=2.0))
    names = [run.trained.class_names[k] for k in order]
    figure = go.Figure(
        go.Bar(
            x=[100 * report.per_class[k] for k in order],
            y=names,
            orientation="h",
            marker={"color": charts.COLOURS[0], "cornerradius": 3},
            customdata=[int(report.confusion[k].sum()) for k in order],
            hovertemplate="%{y}: <b>%{x:.0f} %</b> of %{customdata} photos<extra></extra>",
        )
    )
    figure.update_layout(
        height=22 * len(names) + 80,
        margin={"l": 0, "r": 16, "t": 4, "b": 0},
        xaxis={"title": "classified correctly, %", "range": [0, 100], "fixedrange": True},
        yaxis={"fixedrange": True, "dtick": 1},
    )
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        each = (
            f"{one} {100 * report.per_class[k]:.0f} %"
            for one, k in zip(names, order, strict=True)
            if np.isfinite(report.per_class[k])
        )
        charts.show(figure, key="per_class", words=f"classified correctly: {', '.join(each)}.")
    with right:
        confusions.pairs(run, report)
        st.markdown("**Calibration: of predictions at 80 %, are 80 % correct?**")
        line = go.Figure()
        line.add_scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"dash": "dot", "color": "#8d8d9c"},
            hoverinfo="skip",
        )
        line.add_scatter(
            x=[c for c, *_ in report.calibration],
            y=[a for _, a, _ in report.calibration],
            mode="markers",
            marker={
                "size": [6 + n**0.5 * 3 for *_, n in report.calibration],
                "color": charts.COLOURS[1],
            },
            customdata=[n for *_, n in report.calibration],
            hovertemplate="%{x:.0%} confident: %{y:.0%} of %{customdata} photos correct"
            "<extra></extra>",
        )
        line.update_layout(
            height=240,
            margin={"l": 0, "r": 16, "t": 4, "b": 0},
            showlegend=False,
            xaxis={
                "title": "confidence",
                "range": [0, 1.02],
                "tickformat": ".0%",
                "fixedrange": True,
            },
            yaxis={
                "title": "accuracy",
                "range": [0, 1.05],
                "tickformat": ".0%",
                "fixedrange": True,
            },
        )
        bins = (f"{100 * a:.0f} % correct at {100 * c:.0f} %" for c, a, _ in report.calibration)
        charts.show(line, key="calibration", words=f"{', '.join(bins)} confidence.")
        st.caption(f"Mean distance from the line: {100 * report.error:.0f} points.")
