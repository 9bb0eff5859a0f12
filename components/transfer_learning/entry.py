"""A trained classifier on the wall of a class."""

from components.shell import class_link
from components.transfer_learning.experiment import Experiment, words
from components.widgets import show_it


def offer(run: Experiment) -> None:
    """Offers to show a classifier that was measured, to the class; no photo goes along."""
    if run.report() is not None:
        show_it.button("classifier", f"{words(run.plan)} {len(run.points)}", lambda: _shown(run))


def _shown(run: Experiment) -> show_it.Shown:
    plan, report = run.plan, run.report()
    photos = plan.recipe.photos
    accuracy, low, high = (100 * share for share in (report.accuracy, report.low, report.high))
    return show_it.Shown(
        title=f"{plan.source.name}: {accuracy:.0f} %",
        link=f"transfer_learning?{class_link.query({'backbone': plan.backbone})}",
        figures={
            "trained": words(plan),
            "photos a class": "all" if photos is None else str(photos),
            "classes": str(len(report.confusion)),
            "accuracy": f"{accuracy:.1f} % ({low:.0f} to {high:.0f} %)",
            "test photos": str(len(report.labels)),
        },
        score=float(report.accuracy),
    )
