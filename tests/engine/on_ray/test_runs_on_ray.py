"""The same runs on a Ray cluster: equal bit for bit, steered, stopped, going on after losses."""

from dataclasses import replace

import numpy as np
import pytest

from engine import attacks, images, transfer
from engine.cluster import pool
from engine.errors import BadSettings, WorkerLost
from engine.runs import Attack, Run, Runs, Training, TransferMatrix, View
from engine.storage import datasets
from tests.engine.on_ray.conftest import busy, frames_of, here, same, until, watched
from tests.engine.on_ray.tasks import Deadly, Slow, by_value

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own processes, sockets and files


def test_pictures_attacks_features_and_rows_are_those_of_one_machine(
    joined, net, task, frames, cat, crops, tmp_path
):
    runner, _ = joined()
    assert same(watched(runner, task), frames)
    status = runner.status()
    assert (status.nodes, status.cpus, status.workers, status.error) == (2, 2.0, 1, "")
    assert (status.running, status.waiting) == (0, 0)

    picture = images.fit(cat, net.input_size)
    how, goal = attacks.PGD(epsilon=8, steps=4), attacks.Untargeted()
    attack = Attack(backbones=("Pocket",), picture=picture, goal=goal, attack=how, seed=0)
    *_, alone = attacks.run(net, picture, goal, how, seed=0)
    assert np.array_equal(watched(runner, attack).run.result().picture, alone.picture)

    matrix = TransferMatrix(
        backbones=("Pocket",), pictures=(picture,), wanted=None, attack=how, seed=0
    )
    there, this = (frames_of(watched(one, matrix)) for one in (runner, here()))
    assert there == this

    data = datasets.folder(crops)
    far, near = (
        watched(one, Training(plan=plan(data, tmp_path / name))).run.result().trained.features
        for one, name in ((runner, "far"), (here(), "near"))
    )
    assert np.array_equal(far.values, near.values)
    assert np.array_equal(far.labels, near.labels)


def plan(data, folder):
    source = transfer.PhotoSource(data=data, folder=folder)
    recipe = transfer.Recipe(epochs=1)
    return transfer.TrainingPlan(backbone="Pocket", source=source, recipe=recipe)


def test_a_paused_run_makes_no_step_and_sliders_work(joined, task, settings, frames):
    runner, _ = joined()
    view = watched(runner, task, paused=True)
    for wanted in range(1, 6):
        view.step()
        until(lambda n=wanted: view.look() == n)
    stronger = replace(settings.live, variation=100 * settings.live.variation)
    view.steer(stronger)
    view.resume()
    last = view.run.result()
    assert last.last
    assert last.live == stronger
    assert last.variation < 0.8 * frames[-1].variation


def test_who_steers_goes_on_from_where_it_is(joined, task, settings, monkeypatch):
    """Nothing is made again where nobody else watches."""
    runner, _ = joined()
    driver, begun = runner.process.driver(), []
    start = driver.start

    def counted(task, live, continuation):
        begun.append(continuation.resume and continuation.resume.step)
        return start(task, live, continuation)

    monkeypatch.setattr(driver, "start", counted)
    view = watched(runner, task, paused=True)
    for _ in range(8):
        view.step()
    until(lambda: view.look() == 8)
    view.steer(replace(settings.live, variation=100 * settings.live.variation))
    view.resume()
    assert [frame.step for frame in frames_of(view)] == list(range(41))
    assert begun == [None]


@pytest.mark.parametrize("wait", [0.0, 0.6])
def test_a_run_that_is_stopped_ends_on_its_worker_too(joined, wait):
    """Paused, or in the middle of a step."""
    by_value()
    runner, actors = joined()
    view = watched(runner, Slow(wait, 1000))
    until(lambda: view.look() > 2)
    assert busy(actors) == 1
    view.pause()
    view.stop()
    view.run.wait(30)
    assert view.state == "stopped"
    until(lambda: busy(actors) == 0)
    assert runner.status().running == 0


def test_who_stops_does_not_end_a_shared_run_for_others(joined):
    by_value()
    runner, actors = joined()
    runs = Runs(runner)
    first = runs.view(Slow(0.5, 6))
    until(lambda: first.look())
    second = runs.view(Slow(0.5, 6))
    first.stop()
    assert frames_of(second) == list(range(6))
    alone = runs.view(Slow(0.1, 99))
    until(lambda: alone.look())
    alone.stop()
    alone.run.wait(30)
    until(lambda: busy(actors) == 0)  # nobody watches, and nothing is held for nobody


def test_many_tasks_at_once_are_stopped_at_once(joined):
    by_value()
    runner, actors = joined()

    class Many:
        backbones, key = (), None

        def steps(self, nets, live=None, resume=None):
            return runner.spread([Slow(0.5, 60)] * 9, view.run)

    many = Many()
    view = View(Run(many, here()))
    view.run.join(view)
    until(lambda: runner.status().running > 1)
    view.stop()
    view.run.wait(20)
    assert view.run.cut
    until(lambda: busy(actors) == 0)


def test_who_steers_a_shared_run_goes_on_alone(joined, task, settings, frames):
    runner, _ = joined()
    runs = Runs(runner)
    one, other = (runs.view(task, paused=True) for _ in range(2))
    for view in (one, other):
        for _ in range(8):
            view.step()
        until(lambda view=view: view.look() == 8)
    other.steer(replace(settings.live, variation=100 * settings.live.variation))
    for view in (one, other):
        view.resume()
    assert same(one, frames)
    assert [frame.step for frame in frames_of(other)] == list(range(41))
    assert other.frames[-1].variation < 0.8 * one.frames[-1].variation


def test_a_run_whose_process_is_killed_goes_on_and_its_end_is_the_same(joined, task, frames):
    import ray

    runner, actors = joined()
    view = watched(runner, task, paused=True)
    for _ in range(26):
        view.step()
    until(lambda: view.look() == 26)
    ray.kill(actors._actors[0].handle, no_restart=False)
    view.resume()
    assert same(view, frames)
    assert "continues from step 20" in view.run.note
    assert [frame.step for frame in view.frames] == list(range(41))
    assert same(watched(runner, task), frames)


def test_a_run_whose_machine_ends_goes_on_on_another(local, joined, task, frames):
    """Both workers are on that machine."""
    first = local.list_all_nodes()[-1]
    runner, actors = joined(pool.Bounds(least=2, most=2, cpus=1))
    until(lambda: len(actors._ready()) == 2)
    view = watched(runner, task, paused=True)
    for _ in range(16):
        view.step()
    until(lambda: view.look() == 16)
    local.add_node(num_cpus=2)
    local.remove_node(first, allow_graceful=False)
    view.resume()
    assert same(view, frames)
    assert "A cluster machine has stopped" in view.run.note


def test_a_run_that_kills_every_machine_does_not_go_round_for_ever(joined):
    by_value()
    runner, _ = joined()
    view = watched(runner, Deadly())
    with pytest.raises(WorkerLost, match="twice at the same step"):
        view.run.result()
    view.look()
    assert view.frames == [0, 1, 2]
    assert "starts again" in view.run.note


def test_errors_come_as_they_are(joined, net, task, settings):
    runner, _ = joined()
    wrong = replace(task, settings=replace(settings, steps=-1))
    with pytest.raises(BadSettings) as found:
        watched(runner, wrong).run.result()
    with pytest.raises(BadSettings) as here:
        list(wrong.steps([net]))
    assert str(found.value) == str(here.value)


def test_a_network_trained_here_stays_here(joined, net, task, frames):
    runner, actors = joined()
    until(lambda: actors.size == 1)
    own = replace(net, spec=replace(net.spec, name="my breeds"))
    runner._here.store.teach(own)
    mine = replace(task, backbone="my breeds")
    assert not runner.takes(mine)
    view = watched(runner, mine, paused=True)
    view.step()
    until(lambda: view.look())
    assert view.latest.step == 0
    assert runner.status().workers == 1
    assert runner.status().running == 0
