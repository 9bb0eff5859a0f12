"""A trained classifier on the wall of a class."""

from components.transfer_learning.experiment import Experiment, words
from components.widgets import show_it


def offer(run: Experiment) -> None:
    """Offers to show a classifier that was measured, to the class; no photo goes along."""
    if run.report() is not None and run.views:
        result = f"{run.views[0].name} {len(run.points)}"
        show_it.button("classifier", result, lambda: _shown(run))


def _shown(run: Experiment) -> show_it.Shown:
    plan, report = run.plan, run.report()
    photos, own = plan.recipe.photos, plan.source.holder is not None
    accuracy, low, high = (100 * share for share in (report.accuracy, report.low, report.high))
    return show_it.Shown(
        title=f"{plan.source.name}: {accuracy:.0f} %",
        link="" if own else show_it.link("transfer_learning", plan.backbone, run.address),
        figures={
            "trained": words(plan),
            "photos per class": "all" if photos is None else str(photos),
            "classes": str(len(report.confusion)),
            "accuracy": f"{accuracy:.1f} % ({low:.0f} to {high:.0f} %)",
            "test photos": str(len(report.labels)),
            "time": f"{run.last.seconds:.1f} s",
        },
        score=float(report.accuracy),
    )
