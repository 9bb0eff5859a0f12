"""Runs every attack of the judge on this picture, live."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from components.adversarial_attacks.experiment import Experiment
from components.adversarial_attacks.form import EPSILONS, KINDS
from components.shell import cache, linked
from components.widgets import live_view, run_panel
from components.widgets.live_view import Curve, Pane, Row, Track, Verdict
from engine import images

if TYPE_CHECKING:
    import numpy as np

    from engine.attacks.robustness import Effort, Trial
    from engine.runs import View

KEY = "judge"
_BADGES: dict[str, tuple[str, Any]] = {
    "survived": (":material/shield:", "green"),
    "fooled": (":material/bolt:", "orange"),
    "running": (":material/hourglass_top:", "blue"),
    "not tried": (":material/remove:", "gray"),
}


def show(run: Experiment) -> None:
    """Tries everything on this picture until one attack fools, or none does."""
    plan = run.plan
    names = [one.backbones[0] for one in run.plans]
    names += [name for name in cache.ready() if name not in names]
    left, right = st.columns(2, gap="medium")
    with left:
        name = linked.selectbox(
            "Network to judge", names, names[0], name="judged", key=f"judged_{names[0]}"
        )
    usual = getattr(plan.attack, "epsilon", 4) if KINDS[plan.kind].bounded else 4
    with right:
        epsilon = linked.select_slider(
            "Largest change, in grey levels", EPSILONS, usual, name="judged_epsilon"
        )
    picture = images.fit(plan.picture, cache.backbone(name).input_size)
    token = (name, epsilon, images.digest(picture))
    if st.session_state.get(f"{KEY}_token", token) != token:
        run_panel.forget(KEY)

    def begin() -> None:
        from engine.runs.tasks import Judge

        st.session_state[f"{KEY}_token"] = token
        task = Judge(backbone=name, picture=picture, epsilon=float(epsilon), seed=plan.seed)
        run_panel.start(KEY, [task])

    def controls() -> str:
        run_panel.panel(KEY, begin, "Try everything")
        return name

    run_panel.watch(KEY, lambda judged: _draw(judged, epsilon, picture), controls)
    st.caption(
        "An attack that fails may only have been the wrong one. A claim that a network is safe is "
        "worth as much as the attacks it has survived."
    )


def _draw(name: str, epsilon: float, picture: "np.ndarray") -> None:
    from engine.attacks import robustness

    effort = robustness.QUICK
    views = run_panel.views(KEY)
    view = views[0] if views else None
    first = cache.predictions(name, images.digest(picture), picture)[0]
    live_view.draw(
        KEY,
        [
            Track(
                view=view,
                row=_row,
                start=lambda: [picture, robustness.magnified(picture, picture)[0]],
                exact=lambda: [
                    view.latest.picture,
                    robustness.magnified(picture, view.latest.picture)[0],
                ],
            )
        ],
        steps=2 * (effort.steps + 1) + effort.queries + 1,
        panes=[
            Pane(caption="", label="Judged picture", kind="wipe", before=f"Original: {name}"),
            Pane(caption="the change, magnified", still=1, said=False),
        ],
        curves=[
            Curve(
                title="probability",
                share=True,
                lines=[(first[0].label, 0, 0), ("strongest other class", 0, 1)],
            )
        ],
        verdict=_verdict(name, epsilon, view),
        first=first,
        bars=True,
    )
    trials = view.frames if view is not None else []
    ended = view is not None and view.ended
    with st.container(horizontal=True):
        for attack, words, state in outcomes(trials, ended, effort):
            icon, colour = _BADGES[state]
            st.badge(f"{attack}: {state}", icon=icon, color=colour, help=words)
    run_panel.notices(KEY)


def outcomes(
    trials: "Sequence[Trial]", ended: bool, effort: "Effort"
) -> list[tuple[str, str, str]]:
    """Each attack of the judge: its name, what it does, and how it ended or stands."""
    tried = list(dict.fromkeys(trial.attack for trial in trials))
    fooled = bool(trials) and trials[-1].fooled
    whole = bool(trials) and trials[-1].last
    attacks = {
        "Auto-PGD": f"{effort.steps} steps, whose size it sets itself",
        "Auto-PGD, targeted": f"{effort.steps} steps towards each of the strongest other "
        f"classes, at most {effort.rivals}",
        "Square": f"{effort.queries} queries with random squares; it needs no gradient",
    }
    found = []
    for attack, words in attacks.items():
        state = "not tried"
        if attack in tried:
            state = "survived"
            if attack == tried[-1]:
                state = "fooled" if fooled else "survived" if whole else "running"
                state = "not tried" if state == "running" and ended else state
        found.append((attack, words, state))
    return found


def _row(trial: "Trial") -> Row:
    values = (None, None) if trial.last else (trial.before, trial.other)
    return Row(trial.step, values, trial.predictions)


def _verdict(name: str, epsilon: float, view: "View | None") -> Verdict:
    if view is None or not view.ended or view.latest is None:
        return Verdict()
    last = view.latest
    if last.fooled:
        said = f"{name} is fooled by {last.attack}: predicted “{last.predictions[0].label}”."
        return Verdict(text=said, tone="bad")
    if not last.last:
        return Verdict(text="Stopped before everything was tried.")
    levels = "1 grey level" if epsilon == 1 else f"{epsilon:g} grey levels"
    return Verdict(text=f"{name} withstood all attacks within {levels}.", tone="good")
