"""What an attack looks like: before and after, the change, its outcome in words; its files."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from components.adversarial_attacks.experiment import KEY, Experiment, Plan
from components.shell import cache, class_link
from components.widgets import gallery, lab_sheet, live_view, onward
from components.widgets.live_view import Curve, Pane, Verdict
from engine import images
from engine.core.types import Prediction

if TYPE_CHECKING:
    from engine.attacks import Frame

UNSEEN = 4  # grey levels that nobody sees
FEW = 0.05  # share of the pixels below which it is they that count, not their levels


def watch(run: Experiment) -> None:
    """The attack, live: the original under the result, the change, the classes by step.

    Of two networks the result of each, side by side.
    """
    several = len(run.plans) > 1
    live_view.draw(
        KEY,
        [_track(one) for one in run.each],
        steps=max(plan.attack.steps for plan in run.plans),
        panes=_compared(run) if several else _panes(run),
        curves=_curves(run),
        verdict=verdict(run) if run.ended else Verdict(),
        first=_first(run.plan),
        bars=not several,
    )


def _panes(run: Experiment) -> list[Pane]:
    said = _said(_first(run.plan)[0])
    return [
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
    ]


def _compared(run: Experiment) -> list[Pane]:
    panes = []
    for track, plan in enumerate(run.plans):
        name, said = plan.backbones[0], _said(_first(plan)[0])
        panes.append(
            Pane(
                caption=name if run.views else f"{name}: {said}",
                label=f"Result by {name}" if run.views else f"Original, {name}: {said}",
                track=track,
                kind="wipe",
                before=f"Original: {said}",
            )
        )
    return panes


def _curves(run: Experiment) -> list[Curve]:
    goal = run.plan.goal
    wanted = "strongest other class" if goal is None else run.plan.wanted
    if len(run.plans) == 1:
        lines = [(_first(run.plan)[0].label, 0, 0), (wanted, 0, 1)]
        return [Curve(title="probability", share=True, lines=lines)]
    names = [plan.backbones[0] for plan in run.plans]
    titles = ("probability of the original class", f"probability of {wanted}")
    return [
        Curve(title=title, share=True, lines=[(name, k, value) for k, name in enumerate(names)])
        for value, title in enumerate(titles)
    ]


def _track(run: Experiment) -> live_view.Track:
    from engine.attacks import robustness

    def with_its_change(picture: np.ndarray) -> list[np.ndarray]:
        return [picture, robustness.magnified(run.plan.picture, picture)[0]]

    return live_view.Track(
        view=run.views[0] if run.views else None,
        row=partial(_row, _first(run.plan)[0]),
        start=lambda: with_its_change(run.plan.picture),
        exact=lambda: with_its_change(run.latest.picture),
    )


def _row(original: Prediction, frame: "Frame") -> live_view.Row:
    """A frame's figures; the class predicted for the original is always among the five bars."""
    values = (None, None) if frame.last else (frame.before, frame.wanted)
    predictions = frame.predictions
    if original.class_index not in {p.class_index for p in predictions}:
        predictions = (*predictions[:4], replace(original, probability=frame.before))
    return live_view.Row(frame.step, values, predictions)


def verdict(run: Experiment) -> Verdict:
    """How it ended, in a sentence."""
    if len(run.plans) == 1:
        return _verdict(run)
    parts = [_verdict(one, one.plan.backbones[0]).text for one in run.each]
    return Verdict(text=" ".join(parts))


def _verdict(run: Experiment, name: str = "") -> Verdict:
    frame, goal = run.latest, run.plan.goal
    top = frame.predictions[0]
    unchanged = np.array_equal(run.plan.picture, frame.picture)
    if frame.already or (frame.succeeded and unchanged):
        already = f"{name} already predicts" if name else "The network already predicts"
        return Verdict(
            text=f"{already} “{top.label}”; no change was needed. Choose another target."
        )
    if frame.succeeded:
        before = _first(run.plan)[0].label
        became = f"{before} became {top.label}"
        became = f"{name}: {became}" if name else became[0].upper() + became[1:]
        return Verdict(text=f"{became}. {_seen(run)}", tone="bad")
    sure = "" if goal is None else f", {100 * frame.wanted:.1f} % for “{run.plan.wanted}”"
    held = f"{name} is not fooled" if name else "Not fooled"
    return Verdict(text=f"{held}: predicted “{top.label}”{sure}.", tone="good")


def _seen(run: Experiment) -> str:
    """How small the change is, in a sentence."""
    from engine.attacks import robustness

    change = robustness.change(run.plan.picture, run.latest.picture)
    height, width, _ = run.plan.picture.shape
    if change.pixels < FEW:
        return f"{change.pixels * height * width:.0f} of {height * width} pixels changed."
    levels = round(change.linf)  # float32 makes 4.0000005 of a change of 4
    words = f"t most {levels} of 255 grey levels."
    return f"Too small to see: a{words}" if levels <= UNSEEN else f"A{words}"


def _said(prediction: Prediction) -> str:
    return f"{prediction.label} {100 * prediction.probability:.1f} %"


def size(run: Experiment) -> None:
    """How large each change is, in figures."""
    for one in run.each:
        _size(one, f"{one.plan.backbones[0]}: " if len(run.plans) > 1 else "")


def _size(run: Experiment, of: str) -> None:
    from engine.attacks import robustness

    change = robustness.change(run.plan.picture, run.latest.picture)
    words = (
        f"{of}The largest change of a value is {change.linf:.0f} of 255 grey levels, the root "
        f"mean square {change.l2:.2f}; {100 * change.pixels:.0f} % of the pixels changed; SSIM "
        f"{change.ssim:.3f}, PSNR {change.psnr:.1f} dB."
    )
    if run.latest.already:
        words += " The target was predicted before the attack."
    elif run.latest.succeeded:
        first = next((p.step for p in run.frames if p.succeeded), run.latest.step)
        words += f" Fooled at step {first}"
        words += f"; step {run.latest.step} is kept." if first != run.latest.step else "."
    else:
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
    """Each attacked picture as it is, the change, a link."""
    plan = run.plan
    with st.container(horizontal=True):
        onward.open_on(
            run.latest.picture,
            f"attacked {plan.called}",
            plan.backbones[0],
            "Feature maps",
            made_from=plan.picture,
        )
        with st.popover("Link to this attack", icon=":material/link:"):
            class_link.address(run.address)
        for one in run.each:  # last: see `ideal_images.pictures.downloads`
            _files(one, f": {one.plan.backbones[0]}" if len(run.plans) > 1 else "")
        lab_sheet.download(lambda: _sheet(run), f"lab-sheet-attack-{plan.backbones[0]}")


def _sheet(run: Experiment) -> lab_sheet.Sheet:
    """The lab sheet: of each attacked network the pictures, their difference, and its size."""
    from engine.attacks import robustness

    results: list[str] = []
    files: dict[str, tuple[bytes, str]] = {}
    for number, one in enumerate(run.each, 1):
        plan, frame = one.plan, one.latest
        change = robustness.change(plan.picture, frame.picture)
        magnified, times = robustness.magnified(plan.picture, frame.picture)
        results += [f"{number}. {', '.join(plan.backbones)}"]
        for when, answer in (("Before", _first(plan)), ("After", frame.predictions)):
            said = ", ".join(f"{p.label} {100 * p.probability:.1f} %" for p in answer[:3])
            results.append(f"{when}: {said}")
        results.append(
            f"Largest change: {change.linf:.0f} of 255 grey levels; root mean square "
            f"{change.l2:.2f}; {100 * change.pixels:.0f} % of the pixels; SSIM {change.ssim:.3f}; "
            f"PSNR {change.psnr:.1f} dB."
        )
        names = ("step", "original class", "target or strongest other", "fooled")
        rows = [(f.step, f.before, f.wanted, f.succeeded) for f in one.frames]
        files |= {
            f"before-{number}.png": (images.png(plan.picture), "The photo as the network gets it."),
            f"after-{number}.png": (images.png(frame.picture), "The same, attacked."),
            f"change-{number}.png": (images.png(magnified), f"The change, times {max(times, 1)}."),
            f"steps-{number}.csv": (lab_sheet.table(names, rows), "Probabilities, a row a step."),
        }
    plan = run.plan
    return lab_sheet.Sheet(
        title="Adversarial attack",
        facts={
            "Photo": plan.called,
            "Target": plan.wanted,
            "Attack": plan.kind,
            "Link": urlencode(run.address),
        },
        results=results,
        files=files,
    )


def _files(run: Experiment, of: str) -> None:
    from engine.attacks import robustness

    plan, frame = run.plan, run.latest
    fooled = frame.effective
    stem = f"attacked-{plan.called}-{plan.wanted}{of}"
    stem = stem.replace(": ", "-").replace(" ", "-").replace("/", "-")
    gallery.download(
        f"Attacked picture{of} (PNG)",
        lambda: images.png(frame.picture),
        f"{stem}.png",
        "image",
        help="Exact to the last bit."
        + (" Upload it above as your own picture: it still fools." if fooled else ""),
    )
    gallery.download(
        f"Change, magnified{of} (PNG)",
        lambda: images.png(robustness.magnified(plan.picture, frame.picture)[0]),
        f"{stem}-change.png",
        "gradient",
    )
