"""Many train the same at once; each keeps what there was when they stopped."""

from pathlib import Path

import pytest

from engine import transfer
from engine.runs.tasks import Training
from tests.engine.conftest import until


@pytest.fixture
def task() -> Training:
    """Twelve epochs on the features that come with the app."""
    source = transfer.PhotoSource(data=None, folder=Path())
    recipe = transfer.Recipe(epochs=12, initializer="normal, deviation 1")
    return Training(plan=transfer.TrainingPlan(backbone="Pocket", source=source, recipe=recipe))


def stepped(view, epochs):
    """Lets a paused view see some epochs."""
    for _ in range(epochs):
        view.step()
    until(lambda: view.look() == epochs)


def test_who_stops_a_shared_training_keeps_the_classifier_of_that_moment(runs, net, task):
    """The others train it on; accuracy is that of the epoch at which one has stopped."""
    mine, other = (runs.view(task, paused=True) for _ in range(2))
    stepped(mine, 4)
    mine.stop()
    other.resume()
    other.run.wait()
    until(lambda: other.look() == 12)
    mine.look()
    for view, epoch in ((mine, 4), (other, 12)):
        point, trained = view.latest.point, view.latest.trained
        assert point.epoch == epoch
        assert trained.report().accuracy == pytest.approx(point.val_accuracy)
    mine_now, others_now = (v.latest.trained.head.get_weights() for v in (mine, other))
    assert any((a != b).any() for a, b in zip(mine_now, others_now, strict=True))
    assert [frame.trained.weights for frame in other.frames] == [None] * 12  # only the course


def test_who_pauses_and_then_stops_keeps_the_classifier_of_that_moment(runs, net, task):
    mine, other = (runs.view(task, paused=True) for _ in range(2))
    stepped(mine, 4)
    other.resume()
    other.run.wait()
    mine.look()  # paused, while the others have gone on
    mine.stop()
    mine.look()
    assert mine.latest.point.epoch == 4
    assert mine.latest.trained.report().accuracy == pytest.approx(mine.latest.point.val_accuracy)


def test_who_has_stopped_does_not_hear_how_others_end(runs, net, task):
    mine, other = (runs.view(task, paused=True) for _ in range(2))
    stepped(mine, 1)
    mine.stop()
    other.run.error = ValueError("later")
    assert (mine.state, mine.error) == ("stopped", None)
    other.stop()
