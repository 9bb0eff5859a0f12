"""A service that is killed, restarted, or gone: a run goes on, there or here."""

from engine import cluster
from engine.backbones import Store
from engine.cluster import connection
from engine.core.types import FROZEN
from engine.runs import LocalRunner, Schedule
from engine.transfer import extraction
from tests.engine.cluster.conftest import client, same, stepped, until, watched
from tests.engine.cluster.test_training import training


def test_a_run_whose_machine_is_killed_goes_on_and_its_end_is_the_same(machine, task, frames):
    runner = client(machine.address)
    view = watched(runner, task, paused=True)
    stepped(view, 26)
    machine.kill()
    machine.start()
    view.resume()
    assert same(view, frames)
    assert view.run.note == (
        "A cluster machine has stopped. This run continues from step 20 on another one."
    )
    assert [frame.step for frame in view.frames] == list(range(31))


def test_while_nobody_answers_runs_are_computed_here(machine, task, frames, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 1.0)
    runner = client(machine.address)
    view = watched(runner, task, paused=True)
    stepped(view, 26)
    machine.kill()
    view.resume()
    assert same(view, frames)
    assert view.run.note == "The cluster does not answer. This run continues from step 20 here."
    assert not runner.status().answers

    another = watched(runner, task)
    assert same(another, frames)
    assert another.run.note == "The cluster does not answer. This run goes on here."

    machine.start()
    until(lambda: runner.status().answers)
    again = watched(runner, task, paused=True)
    stepped(again, 1)
    assert runner.status().running == 1
    again.resume()
    assert same(again, frames)
    assert again.run.note == ""


def test_photos_are_read_here_by_the_only_core_while_nobody_answers(crops, tmp_path, monkeypatch):
    """What waits for the features holds no place that those who compute them need."""
    monkeypatch.setattr(connection, "PATIENCE", 0.5)
    monkeypatch.setattr(extraction, "BATCH", 1)  # more batches than are computed at once
    near = LocalRunner(Schedule(1), Store())
    runner = cluster.Cluster(connection.Connections("ws://127.0.0.1:9"), near)
    view = watched(runner, training(crops, tmp_path, FROZEN))
    until(lambda: view.run.done, 120)
    assert view.run.result().trained.learnt == 27
    assert view.run.note.startswith("The cluster does not answer.")


def test_a_run_that_nobody_wants_does_not_wait_for_an_answer(task):
    runner = client("ws://127.0.0.1:9")
    view = watched(runner, task)
    until(lambda: runner.status().waiting == 1)
    assert view.state == "queued"
    view.stop()
    view.run.wait(10)
    assert view.run.done
