"""What can be asked of an attack: noise of its size, what protects, other networks, how much."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.adversarial_attacks.experiment import Experiment
from components.adversarial_attacks.form import KINDS
from components.shell import cache
from components.widgets import charts, gallery, other_networks, run_panel
from engine import images

if TYPE_CHECKING:
    from engine.runs import TransferMatrix

EPSILONS = (1, 2, 4, 8, 16)
MOST = 4  # networks in the matrix: more do not fit, on the screen and into memory


def sections(run: Experiment) -> None:
    """One question at a time; only the one that is open is computed."""
    asked: dict[str, Callable[[Experiment], None]] = {
        "Is it just noise?": noise,
        "What protects?": defences,
        "Other networks": transfer,
        "How much is needed?": sweep,
        "Where it looks": saliency,
        "Scoreboard": scoreboard,
    }
    chosen = st.segmented_control(
        "Look closer",
        list(asked),
        default="Is it just noise?",
        required=True,
        key="closer",
        bind="query-params",
    )
    asked[chosen](run)


def noise(run: Experiment) -> None:
    """The same change with its pixels shuffled."""
    from engine.attacks import robustness

    plan, picture = run.plan, run.latest.picture
    shuffled = robustness.equal_noise(plan.picture, picture, plan.seed)
    for column, (words, shown) in zip(
        st.columns(3, gap="medium"),
        (("The attack", picture), ("The same change, its pixels shuffled", shuffled)),
        strict=False,
    ):
        answer = cache.answer(plan.backbones, images.digest(shown), shown)
        with column:
            said = f"{answer[0].label} {100 * answer[0].probability:.1f} %"
            gallery.show(gallery.enlarged(shown, 448), f"{words}: {said}", f"{words}: {said}")
    sizes = [robustness.change(plan.picture, shown).l2 for shown in (picture, shuffled)]
    st.caption(
        f"Both changes are of one size, {sizes[0]:.2f} and {sizes[1]:.2f} grey levels (root mean "
        "square). Only the first is aimed: it matters where each grey level goes."
    )


def defences(run: Experiment) -> None:
    """What happens to the attack, and to the original, on the way to the network."""
    from engine.attacks import robustness

    names = list(robustness.DEFENCES)
    chosen = st.pills(
        "Treat the picture first", names, selection_mode="multi", default=names, key="defences"
    )
    plan = run.plan
    net = cache.backbone(plan.backbones[0])
    verdicts = robustness.survival(net, plan.picture, run.latest.picture, plan.aim, chosen)
    rows = [
        {
            "Treatment": verdict.name,
            "Original": _said(verdict.original),
            "Attacked": _said(verdict.changed),
            "Attack": "survives" if verdict.fooled else "undone",
        }
        for verdict in verdicts
    ]
    if rows:
        st.dataframe(rows, hide_index=True, height="content", key="survival")
    st.caption(
        f"Predictions of {net.name}. A treatment protects only if the original is still classified "
        "correctly. And whoever knows the treatment can attack through it."
    )


def _said(prediction) -> str:
    return f"{prediction.label}, {100 * prediction.probability:.0f} %"


def transfer(run: Experiment) -> None:
    """This picture shown to other networks; every network attacked and shown to all."""
    from engine.attacks import transferability

    plan, name = run.plan, run.plan.backbones[0]
    source = cache.answer(plan.backbones, images.digest(plan.picture), plan.picture)[0].label
    other_networks.under_attack(
        name, plan.picture, run.latest.picture, source, None if plan.goal is None else plan.wanted
    )
    here = sorted(cache.ready(), key=lambda n: n != name)[:MOST]
    if len(here) < 2:
        return
    alike = [n for n in here if cache.backbone(n).class_names == cache.backbone(name).class_names]
    if len(alike) > 1:
        top = transferability.vote([cache.backbone(n) for n in alike], run.latest.picture)[0]
        st.markdown(f"**{' and '.join(alike)} together** (mean probability): {_said(top)}.")
    st.markdown("**Attack each, show it to all**")
    left, right = st.columns(2)
    many = left.toggle("All four samples, not only this picture", key="many")
    ensemble = right.toggle("And all together, as one", key="ensemble", disabled=len(alike) < 2)

    wanted = None if plan.goal is None else plan.wanted
    able = [n for n in here if wanted is None or wanted in cache.class_names(n)]
    if len(able) < len(here):
        st.caption(f"Only {', '.join(able)} know “{wanted}” and can be attacked so.")
    total = len(able) + bool(ensemble)

    def task() -> "TransferMatrix":
        from engine.runs import TransferMatrix

        samples = tuple(cache.sample(sample) for sample in cache.SAMPLES)
        return TransferMatrix(
            backbones=tuple(here),
            pictures=samples if many else (plan.picture,),
            wanted=wanted,
            attack=plan.attack,
            seed=plan.seed,
            ensemble=ensemble,
        )

    run_panel.table("matrix", "Attack every network", (run, many, ensemble), total, task, _matrix)


def _matrix(rows: list) -> None:
    tested = list(rows[0].fooled)
    reached, changed = (
        np.array([[getattr(row, share)[name] for name in tested] for row in rows])
        for share in ("fooled", "changed")
    )
    shares = reached + (changed - reached) / 2  # changed, but not to the target: in between
    one = len(rows[0].labels[tested[0]]) == 1
    words = [
        [
            row.labels[name][0].replace(" ", "<br>") if one else f"{100 * row.fooled[name]:.0f} %"
            for name in tested
        ]
        for row in rows
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
    st.plotly_chart(figure, config=charts.CONFIG, key="matrix_chart")
    st.caption(
        "A row is the attacked network, a column the one that is shown the result. Orange: fooled "
        "as intended. Brown: changed to another class than the target. Green: unchanged."
    )


def sweep(run: Experiment) -> None:
    """The same attack with one epsilon after the other, beside noise."""
    from engine.runs import EpsilonSweep

    plan = run.plan
    if not KINDS[plan.kind].bounded or KINDS[plan.kind].engine == "RandomNoise":
        st.info("This attack has no epsilon. Choose one that has, and attack again.")
        return

    def task() -> EpsilonSweep:
        return EpsilonSweep(
            backbones=plan.backbones,
            picture=plan.picture,
            goal=plan.aim,
            attack=plan.attack,
            epsilons=EPSILONS,
            seed=plan.seed,
        )

    run_panel.table(
        "sweep", "Try epsilon from 0 to 16", (run,), len(EPSILONS) + 1, task, _sweep_curve
    )


def _sweep_curve(points: list) -> None:
    at = [point.epsilon for point in points]
    figure = charts.curves(
        [
            ("original class", at, [point.before for point in points]),
            ("target, or the strongest other class", at, [point.wanted for point in points]),
        ],
        "probability",
        "epsilon, in grey levels",
    )
    st.plotly_chart(figure, config=charts.CONFIG, key="sweep_chart")
    by_attack, by_noise = (
        ", ".join(f"{point.epsilon:g}" for point in points if getattr(point, name)) or "none"
        for name in ("fooled", "by_noise")
    )
    st.caption(
        f"This attack fools it at epsilon {by_attack}; random noise of the same epsilon at "
        f"{by_noise}."
    )


def saliency(run: Experiment) -> None:
    """Which pixels speak for what the network sees, before and after."""
    plan, name = run.plan, run.plan.backbones[0]
    sides = (("Before", plan.picture), ("After", run.latest.picture))
    for column, (words, picture) in zip(st.columns(3, gap="medium"), sides, strict=False):
        digest = images.digest(picture)
        top = cache.predictions(name, digest, picture)[0][0]
        heat = cache.saliency(name, digest, top.class_index, picture)
        with column:
            gallery.show(
                gallery.enlarged(gallery.overlay(picture, heat, 0.8), 448),
                f"{words}: pixels that raise {top.label}",
                f"{words}: what raises “{top.label}”",
            )
    st.caption(f"{name}, SmoothGrad: the pixels that would change the predicted class most.")


def remember(run: Experiment) -> None:
    """Puts a successful attack on this session's scoreboard, once."""
    from engine.attacks import robustness

    last = run.latest
    if run.scored or not last.succeeded or last.already:
        return
    change = robustness.change(run.plan.picture, run.latest.picture)
    if change.linf == 0:
        return
    run.scored = True
    st.session_state.setdefault("scores", []).append(
        {
            "Picture": run.plan.called,
            "Network": " + ".join(run.plan.backbones),
            "Sees now": run.latest.predictions[0].label,
            "Attack": run.plan.kind,
            "Largest change": round(change.linf),
            "Root mean square": round(change.l2, 2),
        }
    )


def scoreboard(run: Experiment) -> None:
    """This session's successful attacks, the smallest change first."""
    scores = st.session_state.get("scores", [])
    if not scores:
        st.info("No attack of this session has succeeded yet.")
        return
    rows = sorted(scores, key=lambda row: (row["Largest change"], row["Root mean square"]))
    st.dataframe(rows, hide_index=True, height="content", key="scores_table")
    st.caption("Changes in grey levels of 255, measured on the saved picture.")
