"""An ideal image on the wall of a class."""

from components.ideal_images.experiment import Experiment, link
from components.shell import cache, class_link
from components.widgets import other_networks, show_it
from engine import images


def offer(run: Experiment) -> None:
    """Offers to show a finished picture to the class."""
    frame = run.views[0].latest
    show_it.button("ideal image", images.digest(frame.picture), lambda: _shown(run))


def _shown(run: Experiment) -> show_it.Shown:
    plan, view = run.plans[0], run.views[0]
    frame = view.latest
    figures = {"made by": plan.backbone, "steps": str(frame.step)}
    score = 0.0
    if isinstance(plan.target, int):
        wanted = cache.backbone(plan.backbone).class_names[plan.target]
        agreed, asked = other_networks.recognised_by(plan.backbone, frame.picture, wanted)
        figures["recognised by"] = ", ".join(agreed) or f"none of {asked} other networks"
        score = float(len(agreed))
    return show_it.Shown(
        title=plan.words,
        link=f"ideal_images?{class_link.query(link(plan, run.sliders_of[0]))}",
        figures=figures,
        score=score,
        still=images.png(frame.picture),
        film=images.animation(list(view.pictures.values())),
    )
