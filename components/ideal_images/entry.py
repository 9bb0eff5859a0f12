"""An ideal image on the wall of a class."""

from dataclasses import replace

from components.ideal_images import targets
from components.ideal_images.experiment import FACTORS, Experiment, Plan, link, variation_unit
from components.shell import cache
from components.widgets import other_networks, show_it
from engine import images


def offer(run: Experiment) -> None:
    """Offers to show a finished picture to the class."""
    frame = run.views[0].latest
    show_it.button("ideal image", images.digest(frame.picture), lambda: _shown(run))


def _shown(run: Experiment) -> show_it.Shown:
    plan, view, preset = run.plans[0], run.views[0], run.sliders_of[0]
    frame, score = view.latest, 0.0
    figures = {
        "made by": plan.backbone,
        "preset": f"{preset}, changed" if _changed(plan, preset) else preset,
        "steps, seed": f"{frame.step}, {plan.settings.seed}",
    }
    if isinstance(plan.target, int):
        wanted = cache.backbone(plan.backbone).class_names[plan.target]
        agreed, asked = other_networks.recognised_by(plan.backbone, frame.picture, wanted)
        figures["recognised by"] = ", ".join(agreed) or f"none of {asked} other networks"
        score = float(len(agreed))
    return show_it.Shown(
        title=plan.words,
        link=_link(run),
        figures=figures,
        score=score,
        still=images.png(frame.picture),
        film=images.animation(list(view.pictures.values())),
    )


def _link(run: Experiment) -> str:
    plan, live = run.plans[0], run.views[0].run.live
    if plan.start is not None:
        return ""  # others do not have the photo
    found = link(plan, run.sliders_of[0])
    if isinstance(plan.target, int):
        found["ask"] = targets.CLASS
    factor = live.variation / variation_unit(plan.settings.live)
    nearest = min((0.0, *FACTORS), key=lambda one: abs(one - factor))
    found["variation"] = str(nearest)
    return show_it.link("ideal_images", plan.backbone, found)


def _changed(plan: Plan, preset: str) -> bool:
    """Whether settings differ from the preset that no link carries."""
    from engine import synthesis

    own = synthesis.preset(preset, cache.backbone(plan.backbone))
    same = replace(own, seed=plan.settings.seed, steps=plan.settings.steps)
    return same != plan.settings
