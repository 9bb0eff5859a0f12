"""The same jobs on a real Ray cluster of several nodes on this machine.

In one file of more than 300 lines, as all tests share one cluster and a process has one driver.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from engine import attacks, backbones, cluster, images, synthesis, transfer
from engine.backbones import Store
from engine.cluster import driver_process, pool
from engine.cluster.driver import Driver
from engine.errors import BadSettings, ClusterGone, EngineError, WorkerLost
from engine.runs import (
    Attack,
    IdealImage,
    LocalRunner,
    Run,
    Runs,
    Schedule,
    Training,
    TransferMatrix,
    View,
)
from engine.storage import datasets
from engine.synthesis import preset
from harness.server import free_port

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own processes, sockets and files
ONE = pool.Bounds(least=1, most=1, cpus=1)


def until(condition, seconds=60.0):
    """Waits for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def local():
    """A head without cores, and a node with two, in processes of their own."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.add_node(num_cpus=2)
    yield made
    made.shutdown()


def here():
    """What computes in this process."""
    return LocalRunner(Schedule(2), Store())


def watched(runner, task, **options):
    """A view of a task's run on a runner."""
    return Runs(runner).view(task, **options)


class Here:
    """A driver in this process, whose actors a test can look at."""

    address = "here"

    def __init__(self, actors):
        self._driver = Driver(actors)

    def driver(self, *, wait=True):
        return self._driver

    def drop(self, ended):
        pytest.fail("nothing here ends")


@pytest.fixture(scope="module")
def pools(local):
    """The one pool this process can have; another one for other bounds."""
    made = {}

    def of(bounds):
        if bounds not in made:
            close()
            made[bounds] = pool.Pool(local.address, bounds)
        return made[bounds]

    def close():
        for one in made.values():
            one.close()
        made.clear()

    of.close = close
    yield of
    close()


@pytest.fixture
def joined(pools):
    """Makes runners on the cluster, and their actors."""

    def join(bounds=ONE):
        actors = pools(bounds)
        return cluster.Cluster(Here(actors), here()), actors

    return join


@pytest.fixture(scope="module")
def settings(net):
    return replace(preset("clear", net), steps=40)


@pytest.fixture(scope="module")
def task(settings):
    return IdealImage(backbone="Pocket", target=3, settings=settings)


@pytest.fixture(scope="module")
def frames(settings):
    """What one core of this process makes, as a worker has one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDEAL_CAT_CORES", "1")
        fresh = backbones.load("Pocket")  # nothing is compiled for two cores
        return list(synthesis.ideal_image(fresh, 3, settings))


def frames_of(view):
    """All frames of a run, with the pictures that are kept."""
    view.run.result()
    view.look()
    return view.frames


def same(view, frames):
    """Whether a run's frames are those of this process, bit for bit."""
    made = frames_of(view)
    exact = {frame.step: images.to_uint8(frame.picture) for frame in frames}
    return [f.loss for f in made] == [f.loss for f in frames] and all(
        np.array_equal(picture, exact[step]) for step, picture in view.pictures.items()
    )


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

    def counted(task, live, again):
        begun.append(again.resume and again.resume.step)
        return start(task, live, again)

    monkeypatch.setattr(driver, "start", counted)
    view = watched(runner, task, paused=True)
    for _ in range(8):
        view.step()
    until(lambda: view.look() == 8)
    view.steer(replace(settings.live, variation=100 * settings.live.variation))
    view.resume()
    assert [frame.step for frame in frames_of(view)] == list(range(41))
    assert begun == [None]


def busy(actors):
    """How many runs the workers themselves have."""
    import ray

    return sum(ray.get(actor.handle.busy.remote()) for actor in actors._actors)


@dataclass(frozen=True)
class Slow:
    """A task whose steps take longer than a driver waits for one; or a lot of them."""

    wait: float
    count: int
    backbones = ("Pocket",)

    @property
    def key(self):
        return "slow", self.wait, self.count

    def steps(self, nets, live=None, resume=None):
        for k in range(self.count):
            time.sleep(self.wait)
            yield k


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
    assert "A machine of the cluster has ended" in view.run.note


@dataclass(frozen=True)
class Deadly:
    """A task that ends its process at its third step."""

    backbones = ("Pocket",)
    key = None

    def steps(self, nets, live=None, resume=None):
        yield from range(3)
        os._exit(1)


def by_value():
    """Lets workers have the tasks of this file, which they cannot import."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])


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


def test_runs_go_where_their_backbone_is_until_it_is_busy(joined):
    _, actors = joined(pool.Bounds(least=2, most=2, cpus=1))
    until(lambda: len(actors._ready()) == 2)
    placed = [actors.place(("Pocket",)) for _ in range(6)]
    first = placed[0]
    assert placed[1] is first
    assert [actor is first for actor in placed].count(True) == 3
    for actor in placed:
        actors.release(actor)
    assert not any(actor.runs for actor in actors._actors)


def test_actors_are_as_many_as_there_is_work_for(joined, monkeypatch):
    _, actors = joined(pool.Bounds(least=1, most=2, cpus=1))
    until(lambda: len(actors._ready()) == 1)
    placed = [actors.place(("Pocket",)) for _ in range(pool.FULL)]
    assert actors.size == 1
    placed += [actors.place(("Pocket",)) for _ in range(3)]
    assert actors.size == 2  # and no more
    monkeypatch.setattr(pool, "IDLE", 0.0)
    for actor in placed:
        actors.release(actor)
    with actors._lock:
        actors._tend()
        assert actors.size == 1


def test_the_head_is_gone_and_comes_back(net, task, settings, frames):
    """With all that is of Ray on this machine, which ends every process that has joined."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    port = free_port()
    options = {"num_cpus": 1, "include_dashboard": False, "gcs_server_port": port}
    made = Cluster(initialize_head=True, head_node_args=options)
    process = driver_process.DriverProcess(f"127.0.0.1:{port}", ONE)
    runner = cluster.Cluster(process, here())
    try:
        view = watched(runner, task, paused=True)
        view.step()
        until(lambda: view.look())
        made.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
        view.resume()
        with pytest.raises(ClusterGone, match="does not answer"):
            view.run.result()
        until(lambda: runner.status().error)
        with pytest.raises(ClusterGone, match="does not answer"):
            watched(runner, task).run.result()
        made = Cluster(initialize_head=True, head_node_args=options)
        assert same(watched(runner, task), frames)
        assert runner.status().error == ""
    finally:
        process.close()
        made.shutdown()


def test_a_cluster_that_is_not_there_is_told(net, task):
    pytest.importorskip("ray")
    process = driver_process.DriverProcess("127.0.0.1:1", ONE)
    runner = cluster.Cluster(process, here())
    try:
        with pytest.raises(ClusterGone, match=r"127\.0\.0\.1:1 does not answer"):
            watched(runner, task).run.result()
        until(lambda: "does not answer" in runner.status().error)
    finally:
        process.close()


def test_a_worker_that_cannot_start_is_told(local, pools):
    pools.close()
    actors = pool.Pool(local.address, ONE, {"KERAS_BACKEND": "none"})
    runner = cluster.Cluster(Here(actors), here())
    try:
        until(lambda: "could not be started" in runner.status().error)
        with pytest.raises(ClusterGone, match="could not be started"):
            actors.place(("Pocket",))
    finally:
        actors.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("WORKERS", "8"), ("WORKERS", "5-2"), ("WORKERS", "0-2"), ("CPUS", "0"), ("GPUS", "many")],
)
def test_bounds_that_make_no_sense_are_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"IDEAL_CAT_RAY_{name}", value)
    with pytest.raises(BadSettings, match=value):
        pool.Bounds.of_environment()


def test_bounds_of_the_environment(monkeypatch):
    for name, value in (("WORKERS", "2-8"), ("CPUS", "1.5"), ("GPUS", "0.25")):
        monkeypatch.setenv(f"IDEAL_CAT_RAY_{name}", value)
    assert pool.Bounds.of_environment() == pool.Bounds(least=2, most=8, cpus=1.5, gpus=0.25)


@pytest.mark.parametrize("asked", [None, "auto"])
def test_without_ray_runs_stay_here_and_who_asks_for_it_is_told(asked, tmp_path):
    (tmp_path / "ray.py").write_text("raise ImportError('not installed')")
    code = """
from engine import cluster
from engine.backbones import Store
from engine.errors import ClusterGone
from engine.runs import LocalRunner, Runs, Schedule, Vectors
if __name__ == "__main__":
    runs = Runs(cluster.runner(LocalRunner(Schedule(1), Store())))
    run = runs.view(Vectors(backbone="Pocket", photos=(b"",), views=1)).run
    try:
        run.result()
        print(len(run.frames))
    except ClusterGone as error:
        print(error)
"""
    rest = {k: v for k, v in os.environ.items() if k != "IDEAL_CAT_RAY"}
    rest["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(cluster.__file__).parents[2])])
    environment = rest | ({"IDEAL_CAT_RAY": asked} if asked else {})
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert ("requirements-cluster.txt" in said) == (asked == "auto")
    assert (said.strip() == "1") == (asked is None)


def test_errors_of_the_cluster_are_sentences():
    assert issubclass(ClusterGone, EngineError)
    assert issubclass(WorkerLost, EngineError)
