"""Plotly figures in the app's own look: quiet, colour-blind safe, light and dark.

Those that are drawn again and again are made in one go: several times as fast as piece by piece.
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.widgets import gallery
from engine.core.types import Prediction

CONFIG = {"displayModeBar": False, "scrollZoom": False}
COLOURS = ("#6b64e4", "#d9772b", "#1b8a7a", "#b8437f", "#8d8d9c", "#2f7fc1")


def show(figure: go.Figure, *, key: str, words: str = "", **more: Any) -> Any:
    """Draws a figure, and says what it shows for those who do not see it.

    Args:
        figure: what to draw.
        key: of the chart.
        words: what it shows; where left out, what the function that made the figure says.
        more: for `st.plotly_chart`.
    """
    st.html(f'<p class="alt" role="note">Chart: {html.escape(words or figure.layout.meta)}</p>')
    return st.plotly_chart(figure, config=CONFIG, key=key, **more)


def _text_size() -> int:
    """Of a chart's words, px; they do not follow the page's."""
    return 18 if st.session_state.get("large_text") else 14


def confidence(predictions: Sequence[Prediction], colour: str = COLOURS[0]) -> go.Figure:
    """Horizontal bars, the most probable class on top, each with its name and percentage."""
    rows, size = list(reversed(predictions)), _text_size()
    words = [f"{p.label}   <b>{100 * p.probability:.1f} %</b>" for p in rows]
    bars = {
        "type": "bar",
        "x": [100 * p.probability for p in rows],
        "y": [str(k) for k in range(len(rows))],
        "orientation": "h",
        "marker": {"color": colour, "cornerradius": 4},
        "text": words,
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }
    names = [
        {
            "x": 0,
            "y": k,
            "yshift": 17,
            "xanchor": "left",
            "showarrow": False,
            "align": "left",
            "text": text,
            "font": {"size": size},
        }
        for k, text in enumerate(words)
    ]
    layout = {
        "height": (32 + size) * len(rows) + 12,
        "margin": {"l": 0, "r": 8, "t": 14, "b": 0},
        "bargap": 0.72,
        "xaxis": {"range": [0, 100], "visible": False, "fixedrange": True},
        "yaxis": {"visible": False, "fixedrange": True},
        "showlegend": False,
        "annotations": names,
        "meta": ", ".join(f"{p.label} {100 * p.probability:.1f} %" for p in predictions) + ".",
    }
    return go.Figure({"data": [bars], "layout": layout})


def all_classes(probabilities: np.ndarray, names: Sequence[str]) -> go.Figure:
    """The probabilities `(classes,)` of all classes in their order; the five highest are named.

    Dragging sideways zooms in, a double click shows all of them again.
    """
    percent = 100 * probabilities
    lines = {
        "type": "bar",
        "x": np.arange(len(percent)),
        "y": percent,
        "width": max(1.0, len(percent) / 250),  # or a single class would be too thin to be seen
        "marker": {"color": COLOURS[0], "line": {"width": 0}},
        "customdata": list(names),
        "hovertemplate": "%{x} %{customdata}: <b>%{y:.3g} %</b><extra></extra>",
    }
    named = [
        {
            "x": int(k),
            "y": float(percent[k]),
            "text": f"{names[k]} {percent[k]:.1f} %",
            "showarrow": False,
            "yanchor": "bottom",
            "xanchor": "left" if k < len(percent) / 2 else "right",
            "font": {"size": _text_size() - 2},
        }
        for k in np.argsort(-percent)[:5]
        if percent[k] >= 1
    ]
    layout = {
        "height": 232,
        "margin": {"l": 0, "r": 8, "t": 18, "b": 0},
        "dragmode": "zoom",
        "xaxis": {"title": {"text": "class"}, "showgrid": False},
        "yaxis": {"ticksuffix": " %", "fixedrange": True, "rangemode": "tozero", "nticks": 4},
        "annotations": named,
        "meta": f"probabilities of all {len(percent)} classes"
        + (f"; the highest: {', '.join(one['text'] for one in named)}." if named else "."),
    }
    return go.Figure({"data": [lines], "layout": layout})


def channel(values: np.ndarray, limit: float, scale: str) -> go.Figure:
    """One channel's map `(h, w)`: every value can be read by pointing at it."""
    trace = {
        "type": "heatmap",
        "z": values,
        "zmin": 0 if scale == "positive" else -limit,
        "zmax": limit,
        "colorscale": gallery.plotly_scale(scale),
        "hovertemplate": "row %{y}, column %{x}: <b>%{z:.4g}</b><extra></extra>",
        "colorbar": {"thickness": 10, "outlinewidth": 0, "len": 0.9, "nticks": 5},
    }
    axis = {"visible": False, "constrain": "domain", "fixedrange": True}
    layout = {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "height": 340,
        "meta": f"a map of {values.shape[0]} by {values.shape[1]} values, from "
        f"{values.min():.3g} to {values.max():.3g}.",
        "xaxis": axis,
        "yaxis": axis | {"autorange": "reversed", "scaleanchor": "x"},
    }
    return go.Figure({"data": [trace], "layout": layout})


def responses(response: np.ndarray, chosen: int) -> go.Figure:
    """All channels' responses, strongest first, with `chosen` marked: few channels dominate."""
    order = np.argsort(-response, kind="stable")
    place = int(np.flatnonzero(order == chosen)[0])
    all_of_them = {
        "type": "scatter",
        "x": np.arange(1, len(order) + 1),
        "y": response[order],
        "customdata": order,
        "mode": "lines",
        "fill": "tozeroy",
        "line": {"color": COLOURS[0], "width": 2},
        "hovertemplate": "rank %{x}: channel %{customdata}, %{y:.3g}<extra></extra>",
    }
    this_one = {
        "type": "scatter",
        "x": [place + 1],
        "y": [response[chosen]],
        "mode": "markers",
        "marker": {"color": COLOURS[1], "size": 11},
        "hovertemplate": f"channel {chosen}<extra></extra>",
    }
    layout = {
        "height": 150,
        "meta": f"responses of {len(order)} channels, from {response.max():.3g} to "
        f"{response.min():.3g}; channel {chosen} is number {place + 1}.",
        "margin": {"l": 0, "r": 0, "t": 4, "b": 0},
        "showlegend": False,
        "xaxis": {"title": {"text": "channels by response"}, "fixedrange": True, "showgrid": False},
        "yaxis": {
            "title": {"text": "response"},
            "fixedrange": True,
            "rangemode": "tozero",
            "nticks": 4,
        },
    }
    return go.Figure({"data": [all_of_them, this_one], "layout": layout})


def curves(
    lines: Sequence[tuple[str, Sequence[float], Sequence[float]]],
    title: str,
    x_title: str,
    *,
    share: bool = True,
) -> go.Figure:
    """Lines `(name, x, y)`, told apart by colour and by name.

    With `share` the values are in 0..1 and the axis shows all of it, in percent.
    """
    value = "%{y:.1%}" if share else "%{y:.4g}"
    traces = [
        {
            "type": "scatter",
            "x": x,
            "y": y,
            "mode": "lines",
            "name": name,
            "line": {"width": 2.5, "color": colour},
            "hovertemplate": f"{x_title} %{{x}}: <b>{value}</b><extra>{name}</extra>",
        }
        for (name, x, y), colour in zip(lines, COLOURS, strict=False)
    ]
    several = len(lines) > 1
    scale = {"range": [0, 1.02], "tickformat": ".0%"} if share else {"nticks": 5}
    across = {"fixedrange": True, "showgrid": False, "rangemode": "tozero"}
    layout = {
        "height": 220,
        "meta": f"{title} by {x_title}. " + " ".join(_course(*line, share) for line in lines),
        "font": {"size": _text_size()},
        "margin": {"l": 0, "r": 12, "t": 34 if several else 8, "b": 0},
        "showlegend": several,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "xaxis": {"title": {"text": x_title}} | across,
        "yaxis": {"title": {"text": title}, "fixedrange": True, "zeroline": False} | scale,
    }
    return go.Figure({"data": traces, "layout": layout})


def _course(name: str, x: Sequence[float], y: Sequence[float], share: bool) -> str:
    """A line in words: where it begins and ends, and its extremes."""
    there = [(at, value) for at, value in zip(x, y, strict=True) if np.isfinite(value)]
    if not there:
        return f"{name}: nothing yet."

    def said(point: tuple[float, float]) -> str:
        return f"{100 * point[1]:.1f} %" if share else f"{point[1]:.3g}"

    low, high = (pick(there, key=lambda point: point[1]) for pick in (min, max))
    return (
        f"{name}: from {said(there[0])} to {said(there[-1])}; lowest {said(low)} at {low[0]:g}, "
        f"highest {said(high)} at {high[0]:g}."
    )


def grids(named: Mapping[str, np.ndarray]) -> go.Figure:
    """Small matrices side by side, each with its name above it and its numbers in it."""
    size, count = _text_size(), len(named)
    traces, layout, words = [], {}, []
    for k, (name, values) in enumerate(named.items()):
        mark = str(k + 1) if k else ""
        limit = max(float(np.abs(values).max()), 1e-12)
        left, right = (k + 0.04) / count, (k + 0.96) / count
        traces.append(
            {
                "type": "heatmap",
                "z": values,
                "zmin": -limit,
                "zmax": limit,
                "colorscale": gallery.plotly_scale("signed"),
                "showscale": False,
                "texttemplate": "%{z:.2g}" if values.shape[1] <= 5 else "",
                "textfont": {"size": 12},
                "hovertemplate": "row %{y}, column %{x}: <b>%{z:.4g}</b><extra></extra>",
                "xaxis": f"x{mark}",
                "yaxis": f"y{mark}",
            }
        )
        axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
        layout[f"xaxis{mark}"] = axis | {"domain": [left, right], "anchor": f"y{mark}"}
        square = {"autorange": "reversed", "scaleanchor": f"x{mark}", "anchor": f"x{mark}"}
        layout[f"yaxis{mark}"] = axis | square | {"domain": [0, 0.86]}
        words.append(
            {"text": name, "x": (left + right) / 2, "y": 1, "xref": "paper", "yref": "paper"}
            | {"showarrow": False, "font": {"size": size}, "xanchor": "center"}
        )
    layout |= {
        "meta": f"{', '.join(named)}, value by value.",
        "annotations": words,
        "height": 170,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
    }
    return go.Figure({"data": traces, "layout": layout})
