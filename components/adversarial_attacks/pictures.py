"""What an attack looks like: before, the change, after; its outcome in words; its files."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from components.adversarial_attacks.experiment import Experiment, Plan, link
from components.shell import cache, class_link
from components.widgets import before_after, charts, gallery
from engine import images


def pictures(run: Experiment, step: int | None = None) -> None:
    """The original, the change and the result side by side, at the latest step or a kept one."""
    plan, frame = run.plan, run.latest
    picture = plan.picture if frame is None else frame.picture
    point = None if frame is None else _point(run, step)
    if step is not None:
        picture = images.from_uint8(run.pictures[step])
    answer = _first(plan)
    left, middle, right = st.columns(3, gap="medium")
    with left:
        said = f"{answer[0].label} {100 * answer[0].probability:.1f} %"
        both = " (together)" if len(plan.backbones) > 1 else ""
        gallery.show_live(
            gallery.enlarged(plan.picture, 448), f"Original: {said}", f"Before{both}: {said}"
        )
    with middle:
        shown, times = magnified(plan.picture, picture)
        words = f"The change, {times} times as strong" if times else "The change: none yet"
        gallery.show_live(gallery.enlarged(shown, 448), words, words)
    with right:
        top = answer[0] if point is None else point.predictions[0]
        said = f"{top.label} {100 * top.probability:.1f} %"
        gallery.show_live(gallery.enlarged(picture, 448), f"Result: {said}", f"After: {said}")


def _point(run: Experiment, step: int | None) -> Any:
    """What was noted of a step; None for the latest."""
    if step is None:
        return run.latest
    return next(p for p in reversed(run.frames) if p.step == step)


def magnified(original: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, int]:
    """The change on mid-grey, as strong as fits, `(H, W, 3)` in 0..1; and how many times."""
    away = changed - original
    most = float(np.abs(away).max())
    times = int(min(0.5 / most, 127)) if most else 0
    return np.clip(0.5 + max(times, 1) * away, 0.0, 1.0).astype("float32"), times


def outcome(run: Experiment) -> None:
    """How it ended, in a sentence with numbers."""
    from engine.attacks import robustness

    frame = run.latest
    change = robustness.change(run.plan.picture, frame.picture)
    size = (
        f"The largest change of a value is {change.linf:.0f} of 255 grey levels, the root mean "
        f"square {change.l2:.2f}; {100 * change.pixels:.0f} % of the pixels changed; SSIM "
        f"{change.ssim:.3f}, PSNR {change.psnr:.1f} dB."
    )
    top = frame.predictions[0]
    goal = run.plan.goal
    chance = "" if goal is None else f", {100 * frame.wanted:.1f} % for “{run.plan.wanted}”"
    if frame.already or (frame.succeeded and change.linf == 0):
        st.info(
            f"Nothing had to change: “{top.label}” was predicted already. Choose another goal.",
            icon=":material/info:",
        )
    elif frame.succeeded:
        first = next((p.step for p in run.frames if p.succeeded), frame.step)
        kept = "" if first == frame.step else f" Kept is step {frame.step}, the best."
        st.success(
            f"Fooled at step {first}: predicted “{top.label}”.{kept} {size}",
            icon=":material/check:",
        )
    else:
        st.warning(
            f"Not fooled: predicted “{top.label}”{chance}. {size} A larger epsilon, more steps or "
            "a stronger attack may do it.",
            icon=":material/shield:",
        )


def film(run: Experiment) -> None:
    """The probabilities of both classes by step."""
    points: Sequence[Any] = [p for p in run.frames if not p.last]
    steps = [p.step for p in points]
    lines = [
        ("original class", steps, [p.before for p in points]),
        (
            "the strongest other" if run.plan.goal is None else run.plan.wanted,
            steps,
            [p.wanted for p in points],
        ),
    ]
    st.plotly_chart(
        charts.curves(lines, "probability", "step"), config=charts.CONFIG, key="attack_film"
    )
    if getattr(run.plan.attack, "random_start", False):
        st.caption(
            "Step 0 is a random change within epsilon, where this attack starts; the bars under "
            "*Before* are of the original photo."
        )


def wipe(run: Experiment) -> None:
    """Before and after under one handle."""
    frame = run.latest
    before_after.before_after(
        run.plan.picture,
        frame.picture,
        f"before: {_first(run.plan)[0].label}",
        f"after: {frame.predictions[0].label}",
        key="attack_wipe",
    )


def answers(run: Experiment, step: int | None) -> None:
    """The five most probable classes before, and after the shown step."""
    sides = {"Before": _first(run.plan), "After": _point(run, step).predictions}
    for column, (words, answer) in zip(st.columns(2, gap="medium"), sides.items(), strict=True):
        with column:
            st.markdown(f"**{words}**")
            st.plotly_chart(
                charts.confidence(answer), config=charts.CONFIG, key=f"attack_bars_{words}"
            )


def _first(plan: Plan) -> Sequence[Any]:
    """What the attacked network, or all of them together, say of the original."""
    return cache.answer(plan.backbones, images.digest(plan.picture), plan.picture)


def downloads(run: Experiment) -> None:
    """The attacked picture as it is, the change, the run as an animation, a link."""
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
            lambda: images.png(magnified(plan.picture, frame.picture)[0]),
            f"{stem}-change.png",
            "gradient",
        )
        with st.popover("Link to this attack", icon=":material/link:"):
            class_link.address(link(plan))
