"""Whether an attack fools other networks, too: this picture, and a matrix of who fools whom."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.adversarial_attacks import photos
from components.adversarial_attacks.experiment import Experiment
from components.shell import cache
from components.widgets import charts, other_networks, pickers, run_panel
from engine import images

if TYPE_CHECKING:
    from engine.runs.tasks import TransferMatrix

MOST = 6  # networks in the matrix: more do not fit, on the screen and into memory
FIRST = 4  # of them at first


def show(run: Experiment) -> None:
    """This picture shown to other networks; every network attacked and shown to all."""
    plan, name = run.plan, run.plan.backbones[0]
    source = cache.answer(plan.backbones, images.digest(plan.picture), plan.picture)[0].label
    wanted = None if plan.goal is None else plan.wanted
    other_networks.under_attack(name, plan.picture, run.latest.picture, source, wanted)
    here = sorted(cache.ready(), key=lambda n: n != name)
    if len(here) < 2:
        return
    _vote(name, here, run.latest.picture)
    st.markdown("**Attack each network, test the result on all**")
    nets = pickers.networks(
        "Networks in the matrix",
        here,
        here[:FIRST],
        most=MOST,
        name="matrix",
        key=f"matrix_nets_{name}",
    )
    pictures = photos.choose(plan, "matrix")
    able = [n for n in nets if wanted is None or wanted in cache.class_names(n)]
    alike = [n for n in able if cache.class_names(n) == cache.class_names(able[0])]
    ensemble = st.toggle(
        "Also attack all together", key="ensemble", bind="query-params", disabled=len(alike) < 2
    )
    if not able or not pictures:
        st.caption("Choose networks that know the target, and photos.")
        return
    if len(able) < len(nets):
        st.caption(f"Attacked: only {', '.join(able)}, which know “{wanted}”.")

    def task() -> "TransferMatrix":
        from engine.runs.tasks import TransferMatrix

        return TransferMatrix(
            backbones=tuple(nets),
            pictures=tuple(pictures),
            wanted=wanted,
            attack=plan.attack,
            seed=plan.seed,
            ensemble=ensemble,
        )

    token = (plan.identity, tuple(nets), tuple(map(images.digest, pictures)), ensemble)
    total = len(able) + bool(ensemble and len(alike) > 1)
    label = "Attack every network"
    run_panel.table("matrix", label, token, total, lambda: [task()], lambda rows: _matrix(rows[0]))


def _vote(name: str, here: Sequence[str], picture: np.ndarray) -> None:
    """What the networks of one class list predict together."""
    from engine.attacks import transferability

    alike = [n for n in here if cache.class_names(n) == cache.class_names(name)][:FIRST]
    if len(alike) > 1:
        top = transferability.vote([cache.backbone(n) for n in alike], picture)[0]
        st.markdown(
            f"**{' and '.join(alike)} together** (mean probability): {top.label}, "
            f"{100 * top.probability:.0f} %."
        )


def _matrix(rows: list) -> None:
    tested = list(rows[0].fooled)
    reached, changed = (
        np.array([[getattr(row, share)[name] for name in tested] for row in rows])
        for share in ("fooled", "changed")
    )
    shares = reached + (changed - reached) / 2  # changed, but not to the target: in between
    one = len(rows[0].labels[tested[0]]) == 1
    # Not by colour alone: an arrow at what was reached, a wave at what is something else.
    marks = np.select([reached >= 1, changed >= 1], ["→ ", "~ "], "") if one else None
    words = [
        [
            f"{marks[r, c]}{row.labels[name][0]}".replace(" ", "<br>")
            if marks is not None
            else f"{100 * row.fooled[name]:.0f} %"
            for c, name in enumerate(tested)
        ]
        for r, row in enumerate(rows)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=tested,
            y=[row.attacked for row in rows],
            text=words,
            zmin=0,
            zmax=1,
            texttemplate="%{text}",
            xgap=3,
            ygap=3,
            showscale=False,
            colorscale=[[0, "#167565"], [0.5, "#8a6a00"], [1, "#b95d17"]],
            textfont={"color": "#fff", "size": 13},
            hovertemplate="attacked %{y}, tested %{x}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(
        height=90 + 56 * len(rows),
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        xaxis={"title": "tested", "fixedrange": True, "side": "top", "showgrid": False},
        yaxis={"title": "attacked", "autorange": "reversed", "fixedrange": True, "showgrid": False},
    )
    said = (
        f"attacked {row.attacked}: "
        + ", ".join(f"{n} {w.replace('<br>', ' ')}" for n, w in zip(tested, each, strict=True))
        for row, each in zip(rows, words, strict=True)
    )
    charts.show(figure, key="matrix_chart", words="; ".join(said) + ".")
    st.caption(
        "A row is the attacked network, a column the one that is shown the result. Orange (→): "
        "fooled as intended. Brown (~): changed to another class than the target. Green: unchanged."
    )
