"""An ideal image on the wall of a class."""

from dataclasses import replace
from typing import TYPE_CHECKING

from components.ideal_images import targets
from components.ideal_images.experiment import Experiment, Plan
from components.shell import cache
from components.widgets import other_networks, show_it
from engine import images

if TYPE_CHECKING:
    from engine.synthesis import Live


def offer(run: Experiment) -> None:
    """Offers to show a finished picture to the class."""
    frame = run.views[0].latest
    show_it.button("ideal image", images.digest(frame.picture), lambda: _shown(run))


def _shown(run: Experiment) -> show_it.Shown:
    plan, view, preset = run.plans[0], run.views[0], run.sliders_of[0]
    frame, score = view.latest, 0.0
    figures = {
        "made by": plan.backbone,
        "preset": f"{preset}, changed" if _changed(plan, frame.live, preset) else preset,
        "steps, seed": f"{frame.step}, {plan.settings.seed}",
    }
    if isinstance(plan.target, int):
        wanted = cache.backbone(plan.backbone).class_names[plan.target]
        agreed, asked = other_networks.recognised_by(plan.backbone, frame.picture, wanted)
        figures["recognised by"] = ", ".join(agreed) or f"none of {asked} other networks"
        score = float(len(agreed))
    return show_it.Shown(
        title=plan.subject,
        link=_link(run),
        figures=figures,
        score=score,
        still=images.png(frame.picture),
        film=images.animation(list(view.pictures.values())),
    )


def _link(run: Experiment) -> str:
    plan = run.plans[0]
    if plan.start is not None or run.address.get("ask") == targets.DIRECTION:
        return ""  # others may not have the photos
    return show_it.link("ideal_images", plan.backbone, run.address)


def _changed(plan: Plan, live: "Live", preset: str) -> bool:
    """Whether more than seed and steps differ from the preset, with the live numbers of the end."""
    from engine import synthesis

    own = synthesis.preset(preset, cache.backbone(plan.backbone))
    same = replace(own, seed=plan.settings.seed, steps=plan.settings.steps)
    return same != replace(plan.settings, live=live)
