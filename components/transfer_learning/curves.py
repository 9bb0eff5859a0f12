"""Curves of a training, live."""

from typing import TYPE_CHECKING

from components.transfer_learning.experiment import KEY, Experiment
from components.widgets import live_view
from components.widgets.live_view import Curve

if TYPE_CHECKING:
    from engine.transfer import TrainingStep


def watch(run: Experiment) -> None:
    """Accuracy and loss of the run, live, on photos it learns from and on others."""
    view = run.views[0] if run.views else None
    live_view.draw(
        KEY,
        [live_view.Track(view=view, row=_row)],
        steps=run.epochs,
        unit="epoch",
        curves=[
            Curve(
                title="accuracy",
                share=True,
                lines=[("test photos", 0, 0), ("training photos", 0, 1)],
            ),
            Curve(title="loss", lines=[("test photos", 0, 2), ("training photos", 0, 3)]),
        ],
    )


def _row(step: "TrainingStep") -> live_view.Row:
    point = step.point
    if point is None:
        return live_view.Row(0, (None, None, None, None))
    values = (point.val_accuracy, point.accuracy, point.val_loss, point.loss)
    return live_view.Row(point.epoch, values)
