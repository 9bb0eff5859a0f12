"""The sections below an attack that has ended, shown one at a time."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from components.adversarial_attacks import epsilons, judge, transfer
from components.adversarial_attacks.experiment import Experiment
from components.shell import cache, linked
from components.widgets import gallery
from engine import images

if TYPE_CHECKING:
    from engine.attacks.robustness import Verdict


def sections(run: Experiment) -> None:
    """One question at a time; only the one that is open is computed."""
    first = run.each[0]
    asked: dict[str, Callable[[], None]] = {
        "Is it just noise?": lambda: noise(first),
        "Which defences work?": lambda: defences(first),
        "Other networks": lambda: transfer.show(first),
        "What is the smallest epsilon?": lambda: epsilons.show(run),
        "Can any attack fool it?": lambda: judge.show(run),
        "Where it looks": lambda: saliency(run),
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
    asked[chosen]()


def noise(run: Experiment) -> None:
    """The same change with its pixels shuffled."""
    from engine.attacks import RandomNoise, robustness

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
            gallery.show(gallery.smooth(shown), f"{words}: {said}", f"{words}: {said}")
    sizes = [robustness.change(plan.picture, shown).l2 for shown in (picture, shuffled)]
    aimed = "Only the first is aimed: it matters which pixel gets which change."
    if isinstance(plan.attack, RandomNoise):
        aimed = "Neither is aimed: this attack is random noise itself."
    st.caption(
        f"Both changes are about the same size, {sizes[0]:.2f} and {sizes[1]:.2f} grey levels "
        f"(root mean square). {aimed}"
    )


def defences(run: Experiment) -> None:
    """What happens to the attack, and to the original, on the way to the network."""
    from engine.attacks import robustness

    names = list(robustness.DEFENCES)
    asked = linked.asked("defences")
    usual = names if asked is None else [name for name in names if name in asked.split(";")]
    chosen = st.pills(
        "Defences to try", names, selection_mode="multi", default=usual, key="defences"
    )
    linked.keep("defences", ";".join(chosen), ";".join(names))
    plan = run.plan
    net = cache.backbone(plan.backbones[0])
    fooled = run.latest.effective
    verdicts = robustness.survival(net, plan.picture, run.latest.picture, plan.aim, chosen)
    rows = [
        {
            "Defence": verdict.name,
            "Original": _said(verdict.original),
            "Attacked": _said(verdict.changed),
        }
        | ({"Attack": _outcome(verdict)} if fooled else {})
        for verdict in verdicts
    ]
    if rows:
        st.dataframe(rows, hide_index=True, height="content", key="survival")
    if not fooled:
        st.caption("The attack did not fool the network, so there is nothing to undo.")
    st.caption(
        f"Predictions of {net.name}. A defence works only if the original is still classified "
        "correctly, and an attacker who knows the defence can attack through it."
    )


def _outcome(verdict: "Verdict") -> str:
    """What a treatment makes of an attack that has succeeded."""
    if not verdict.fooled:
        return "undone"
    same = verdict.original.class_index == verdict.changed.class_index
    return "the treatment alone fools it" if same else "survives"


def _said(prediction) -> str:
    return f"{prediction.label}, {100 * prediction.probability:.0f} %"


def saliency(run: Experiment) -> None:
    """Which pixels support each network's prediction, before and after the attack."""
    for one in run.each:
        plan, name = one.plan, one.plan.backbones[0]
        sides = (("Before", plan.picture), ("After", one.latest.picture))
        for column, (words, picture) in zip(st.columns(3, gap="medium"), sides, strict=False):
            digest = images.digest(picture)
            top = cache.predictions(name, digest, picture)[0][0]
            heat, _ = cache.saliency(name, digest, top.class_index, picture)
            with column:
                gallery.show(
                    gallery.overlay(picture, heat, 0.8),
                    f"{name}, {words.lower()}: pixels that raise {top.label}",
                    f"{words}: what raises “{top.label}”",
                )
        st.caption(f"{name}, SmoothGrad: the pixels that would change the predicted class most.")


def remember(run: Experiment) -> None:
    """Puts each successful attack on this session's scoreboard, once."""
    from engine.attacks import robustness

    for one in run.each:
        plan, last = one.plan, one.latest
        network = " + ".join(plan.backbones)
        if network in run.scored or not last.effective:
            continue
        change = robustness.change(plan.picture, last.picture)
        if change.linf == 0:
            continue
        run.scored.add(network)
        st.session_state.setdefault("scores", []).append(
            {
                "Picture": plan.called,
                "Network": network,
                "Predicts now": last.predictions[0].label,
                "Attack": plan.kind,
                "Largest change": round(change.linf),
                "Root mean square": round(change.l2, 2),
            }
        )


def scoreboard() -> None:
    """This session's successful attacks, the smallest change first."""
    scores = st.session_state.get("scores", [])
    if not scores:
        st.info("No attack of this session has succeeded yet.")
        return
    rows = sorted(scores, key=lambda row: (row["Largest change"], row["Root mean square"]))
    st.dataframe(rows, hide_index=True, height="content", key="scores_table")
    st.caption("Changes in grey levels of 255, measured on the saved picture.")
