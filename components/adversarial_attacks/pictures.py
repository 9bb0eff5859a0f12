"""What an attack looks like: before and after, the change, its outcome in words; its files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components.adversarial_attacks.experiment import KEY, Experiment, Plan, link
from components.shell import cache, class_link
from components.widgets import gallery, live_view
from components.widgets.live_view import Curve, Pane, Verdict
from engine import images
from engine.attacks import robustness

if TYPE_CHECKING:
    from engine.attacks import Frame


def watch(run: Experiment) -> None:
    """The attack, live: the original under the result, the change, both classes by step."""
    plan = run.plan
    first = _first(plan)
    said = f"{first[0].label} {100 * first[0].probability:.1f} %"
    wanted = "strongest other class" if plan.goal is None else plan.wanted
    live_view.draw(
        KEY,
        [_track(run)],
        steps=max(plan.attack.steps, 1),
        panes=[
            Pane(
                caption="" if run.views else said,
                label="Result" if run.views else f"Original: {said}",
                kind="wipe",
                before=f"Original: {said}",
            ),
            Pane(
                caption="the change, magnified" if run.views else "the change: none yet",
                still=1,
                said=False,
            ),
        ],
        curves=[
            Curve(title="probability", share=True, lines=[(first[0].label, 0, 0), (wanted, 0, 1)])
        ],
        verdict=verdict(run) if run.ended else Verdict(),
        first=first,
        bars=True,
    )


def _track(run: Experiment) -> live_view.Track:
    def with_its_change(picture: np.ndarray) -> list[np.ndarray]:
        return [picture, robustness.magnified(run.plan.picture, picture)[0]]

    return live_view.Track(
        view=run.views[0] if run.views else None,
        row=_row,
        start=lambda: with_its_change(run.plan.picture),
        exact=lambda: with_its_change(run.latest.picture),
    )


def _row(frame: "Frame") -> live_view.Row:
    values = (None, None) if frame.last else (frame.before, frame.wanted)
    return live_view.Row(frame.step, values, frame.predictions)


def verdict(run: Experiment) -> Verdict:
    """How it ended, in a sentence."""
    frame, goal = run.latest, run.plan.goal
    top = frame.predictions[0]
    unchanged = np.array_equal(run.plan.picture, frame.picture)
    if frame.already or (frame.succeeded and unchanged):
        return Verdict(
            text=f"Nothing had to change: “{top.label}” was predicted already. "
            "Choose another target."
        )
    if frame.succeeded:
        first = next((p.step for p in run.frames if p.succeeded), frame.step)
        kept = "" if first == frame.step else f" Kept is step {frame.step}, the best."
        return Verdict(text=f"Fooled at step {first}: predicted “{top.label}”.{kept}", tone="bad")
    sure = "" if goal is None else f", {100 * frame.wanted:.1f} % for “{run.plan.wanted}”"
    return Verdict(text=f"Not fooled: predicted “{top.label}”{sure}.", tone="good")


def size(run: Experiment) -> None:
    """How large the change is, in figures."""
    change = robustness.change(run.plan.picture, run.latest.picture)
    words = (
        f"The largest change of a value is {change.linf:.0f} of 255 grey levels, the root mean "
        f"square {change.l2:.2f}; {100 * change.pixels:.0f} % of the pixels changed; SSIM "
        f"{change.ssim:.3f}, PSNR {change.psnr:.1f} dB."
    )
    if not run.latest.succeeded:
        words += " A larger epsilon, more steps or a stronger attack may do it."
    _, times = robustness.magnified(run.plan.picture, run.latest.picture)
    words += f" Shown {times} times as strong." if times else ""
    if getattr(run.plan.attack, "random_start", False):
        words += " Step 0 is a random change within epsilon, where this attack starts."
    st.caption(words)


def _first(plan: Plan) -> Sequence[Any]:
    """What the attacked network, or all of them together, say of the original."""
    return cache.answer(plan.backbones, images.digest(plan.picture), plan.picture)


def downloads(run: Experiment) -> None:
    """The attacked picture as it is, the change, a link."""
    plan, frame = run.plan, run.latest
    fooled = frame.succeeded and not frame.already
    stem = f"attacked-{plan.called}-{plan.wanted}".replace(" ", "-").replace("/", "-")
    with st.container(horizontal=True):
        gallery.download(
            "Attacked picture (PNG)",
            lambda: images.png(frame.picture),
            f"{stem}.png",
            "image",
            help="Exact to the last bit."
            + (" Upload it above as your own picture: it still fools." if fooled else ""),
        )
        gallery.download(
            "Change, magnified (PNG)",
            lambda: images.png(robustness.magnified(plan.picture, frame.picture)[0]),
            f"{stem}-change.png",
            "gradient",
        )
        with st.popover("Link to this attack", icon=":material/link:"):
            class_link.address(link(plan))
