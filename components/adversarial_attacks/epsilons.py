"""The smallest epsilon: one attack with one epsilon after the other, network by network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
import streamlit as st

from components.adversarial_attacks import photos
from components.adversarial_attacks.experiment import Experiment, Plan
from components.adversarial_attacks.form import KINDS
from components.shell import cache
from components.widgets import charts, pickers, run_panel
from engine import images

if TYPE_CHECKING:
    import numpy as np

    from engine.attacks.robustness import SweepPoint
    from engine.runs.tasks import EpsilonSweep

EPSILONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
MOST = 4  # networks


def show(run: Experiment) -> None:
    """The attack with every epsilon, on this network and on others that know the target."""
    plan, name = run.plan, run.plan.backbones[0]
    if not KINDS[plan.kind].bounded or KINDS[plan.kind].engine == "RandomNoise":
        st.info("This attack has no epsilon. Choose one that has, and attack again.")
        return
    compared = [one.backbones[0] for one in run.plans[1:]]
    able = [n for n in cache.ready() if plan.goal is None or plan.wanted in cache.class_names(n)]
    here = sorted(able, key=lambda n: n != name)
    first = [n for n in (name, *compared) if n in able]
    chosen = pickers.networks(
        "Networks", here, first, most=MOST, name="swept", key=f"sweep_nets_{name}"
    )
    pictures = photos.choose(plan, "sweep")
    if not chosen or not pictures:
        st.caption("Choose a network, and photos.")
        return
    run_panel.table(
        "sweep",
        "Try epsilon from 0 to 32",
        (plan.identity, tuple(chosen), tuple(map(images.digest, pictures))),
        len(chosen) * (len(EPSILONS) + 1),
        lambda: [_task(plan, name, pictures) for name in chosen],
        lambda points: _drawn(chosen, points, len(pictures)),
    )


def _task(plan: Plan, name: str, pictures: "Sequence[np.ndarray]") -> "EpsilonSweep":
    from engine.attacks import Targeted
    from engine.runs.tasks import EpsilonSweep

    net = cache.backbone(name)
    own = plan.backbones if name == plan.backbones[0] else (name,)
    goal = plan.aim if plan.goal is None else Targeted(net.class_names.index(plan.wanted))
    return EpsilonSweep(
        backbones=own,
        pictures=tuple(images.fit(picture, net.input_size) for picture in pictures),
        goal=goal,
        attack=plan.attack,
        epsilons=EPSILONS,
        seed=plan.seed,
    )


def smallest(points: "Sequence[SweepPoint]") -> float | None:
    """The smallest epsilon that fools, of several photos half; None where there is none so far."""
    return next((point.epsilon for point in points if point.fooled >= 0.5), None)


def _drawn(
    names: Sequence[str], points: "Sequence[Sequence[SweepPoint]]", photos_tried: int
) -> None:
    """The smallest epsilon that fools each, as bars; then curves over epsilon."""
    several = photos_tried > 1
    of = f" half of {photos_tried} photos" if several else ""
    st.markdown(f"**Smallest epsilon that fools{of}**")
    found = {name: smallest(own) for name, own in zip(names, points, strict=True)}
    charts.show(_bars(found), key="smallest_chart")
    if several:
        _shares(names, points)
    elif len(names) == 1:
        _curves(points[0])


def _shares(names: Sequence[str], points: "Sequence[Sequence[SweepPoint]]") -> None:
    """How many of the photos are misclassified by each network, by epsilon."""
    lines = [
        (name, [p.epsilon for p in own], [p.fooled for p in own])
        for name, own in zip(names, points, strict=True)
    ]
    own = points[0]
    noise = (f"{names[0]}, random noise", [p.epsilon for p in own], [p.by_noise for p in own])
    figure = charts.curves([*lines, noise], "share of the photos", "epsilon, in grey levels")
    charts.show(figure, key="sweep_chart")
    st.caption(
        "The share of the photos that fool the network: attacked, and with random noise of the "
        "same size."
    )


def _bars(found: dict[str, float | None]) -> go.Figure:
    names = list(found)[::-1]
    most = EPSILONS[-1]

    def said(epsilon: float | None) -> str:
        if epsilon is None:
            return "none so far"
        return f"{epsilon:g} grey level{'' if epsilon == 1 else 's'}"

    words = [said(found[name]) for name in names]
    figure = go.Figure(
        go.Bar(
            x=[found[name] or 0 for name in names],
            y=names,
            orientation="h",
            text=words,
            textposition="outside",
            cliponaxis=False,
            marker={"color": charts.COLOURS[0], "cornerradius": 4},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(
        height=70 + 44 * len(names),
        margin={"l": 0, "r": 110, "t": 4, "b": 44},
        xaxis={"range": [0, most], "fixedrange": True, "title": "epsilon, in grey levels"},
        yaxis={"fixedrange": True},
        meta=", ".join(f"{name}: {said(found[name])}" for name in found) + ".",
    )
    return figure


def _curves(points: "Sequence[SweepPoint]") -> None:
    at = [point.epsilon for point in points]
    figure = charts.curves(
        [
            ("original class", at, [point.before for point in points]),
            ("target, or the strongest other class", at, [point.wanted for point in points]),
        ],
        "probability",
        "epsilon, in grey levels",
    )
    charts.show(figure, key="sweep_chart")
    by_attack, by_noise = (
        ", ".join(f"{point.epsilon:g}" for point in points if getattr(point, name)) or "none"
        for name in ("fooled", "by_noise")
    )
    st.caption(
        f"The attack succeeds at epsilon: {by_attack}. Random noise of the same size succeeds at "
        f"epsilon: {by_noise}."
    )
