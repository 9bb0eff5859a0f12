"""The same jobs on a real Ray cluster of several nodes on this machine.

In one file of more than 300 lines, as all tests share one cluster and a process has one driver.
"""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from engine import attacks, backbones, cluster, images, synthesis
from engine.cluster import driver_process, pool
from engine.cluster.driver import Driver
from engine.errors import BadSettings, ClusterGone, EngineError, WorkerLost
from engine.runs import sharing, tasks
from engine.runs.jobs import Admission, Job
from engine.runs.recording import Recording
from engine.runs.streams import Stream
from engine.storage import datasets
from engine.synthesis.settings import preset
from engine.transfer import extraction
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
        return cluster.Cluster(Here(actors), Admission(2)), actors

    return join


@pytest.fixture(scope="module")
def settings(net):
    return replace(preset("clear", net.spec.builder), steps=40)


@pytest.fixture(scope="module")
def task(settings):
    return tasks.IdealImage(backbone="Pocket", target=3, settings=settings)


@pytest.fixture(scope="module")
def frames(settings):
    """What one core of this process makes, as a worker has one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDEAL_CAT_CORES", "1")
        fresh = backbones.load("Pocket")  # nothing is compiled for two cores
        return list(synthesis.ideal_image(fresh, 3, settings))


def same(made, frames):
    return [f.loss for f in made] == [f.loss for f in frames] and all(
        np.array_equal(a.picture, b.picture) for a, b in zip(made, frames, strict=True)
    )


def test_pictures_attacks_features_and_rows_are_those_of_one_machine(
    joined, net, task, settings, frames, cat, crops, tmp_path
):
    runner, _ = joined()
    assert same(list(runner.steps(task, [net], synthesis.Controls(settings))), frames)
    status = runner.status()
    assert (status.nodes, status.cpus, status.workers, status.error) == (2, 2.0, 1, "")
    assert (status.running, status.waiting) == (0, 0)

    picture = images.fit(cat, net.input_size)
    how, goal = attacks.PGD(epsilon=8, steps=4), attacks.Untargeted()
    *_, record = sharing.attack(
        sharing.Streams(), runner, [net], picture, goal, how, 0, Recording()
    )
    *_, alone = attacks.run(net, picture, goal, how, seed=0)
    assert np.array_equal(record.latest.picture, alone.picture)

    here = tasks.Threads(Admission(2))
    there, this = (
        list(sharing.transfer_matrix(r, [net], [picture], None, how)) for r in (runner, here)
    )
    assert there == this

    data = datasets.folder(crops)
    *_, far = sharing.extracted(runner, net, data, tmp_path / "far", 2)
    *_, near = extraction.extract(net, data, tmp_path / "near", 2)
    assert np.array_equal(far.features.values, near.features.values)
    assert np.array_equal(far.features.labels, near.features.labels)
    assert far.done == far.total == len(data.paths)


def test_a_paused_job_makes_no_step_and_sliders_work(joined, net, task, settings, frames):
    runner, _ = joined()
    controls = synthesis.Controls(settings)
    job = Job(lambda: runner.steps(task, [net], controls))
    job.pause()
    job.start()
    for wanted in range(4):
        until(lambda n=wanted: job.snapshot is not None and job.snapshot.step == n)
        job.step()
    until(lambda: job.snapshot.step == 4)
    controls.variation_weight *= 100
    job.resume()
    last = job.result()
    assert last.last
    assert last.variation < 0.8 * frames[-1].variation


def test_who_steers_goes_on_from_where_it_is(joined, net, settings, monkeypatch):
    """Nothing is made again, also when nobody else follows."""
    runner, _ = joined()
    driver, begun = runner.office.driver(), []
    start = driver.start

    def counted(task, numbers, resume, script):
        begun.append(0 if resume is None else resume.step)
        return start(task, numbers, resume, script)

    monkeypatch.setattr(driver, "start", counted)
    controls, record = synthesis.Controls(settings), Recording()
    run = sharing.steered(sharing.Streams(), runner, net, 3, settings, controls, None, record)
    list(islice(run, 8))
    controls.variation_weight *= 100
    for _ in run:
        pass
    assert begun == [0, 7]
    assert [p.step for p in record.points] == list(range(41))


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

    def steps(self, nets, controls=None, resume=None):
        for k in range(self.count):
            time.sleep(self.wait)
            yield k


@pytest.mark.parametrize("wait", [0.0, 0.6])
def test_a_run_that_is_stopped_ends_on_its_worker_too(joined, net, wait):
    """Paused, or in the middle of a step."""
    by_value()
    runner, actors = joined()
    job = Job(lambda: runner.steps(Slow(wait, 1000), [net])).start()
    until(lambda: job.snapshot == 2 or (job.snapshot or 0) > 2)
    assert busy(actors) == 1
    job.pause()
    job.cancel()
    job.wait(30)
    assert job.ending == "stopped"
    until(lambda: busy(actors) == 0)
    assert runner.status().running == 0


def test_who_stops_does_not_end_a_shared_run_for_others(joined, net):
    by_value()
    runner, actors = joined()
    stream = Stream(lambda: runner.steps(Slow(0.5, 6), [net]), [], runner.line([net]), held=True)
    first = Job(stream.follow).start()
    until(lambda: first.snapshot)
    second = Job(stream.follow).start()
    first.cancel()
    assert second.result() == 6
    assert stream.memory == list(range(6))
    alone = Job(
        Stream(lambda: runner.steps(Slow(0.1, 99), [net]), [], runner.line([net]), held=True).follow
    )
    alone.start()
    until(lambda: alone.snapshot)
    alone.cancel()
    alone.wait(30)
    until(lambda: busy(actors) == 0)  # nobody follows, and nothing is held for nobody


def test_many_tasks_at_once_are_stopped_at_once(joined, net):
    by_value()
    runner, actors = joined()
    job = Job(lambda: runner.spread([Slow(0.5, 60)] * 9, [net])).start()
    until(lambda: runner.status().running > 1)
    job.cancel()
    job.wait(20)
    assert job.ending == "stopped"
    until(lambda: busy(actors) == 0)


def test_who_steers_a_shared_run_goes_on_alone(joined, net, settings):
    runner, _ = joined()
    streams, records = sharing.Streams(), [Recording(), Recording()]
    controls = [synthesis.Controls(settings) for _ in records]
    runs = [
        sharing.steered(streams, runner, net, 3, settings, c, None, r)
        for c, r in zip(controls, records, strict=True)
    ]
    for run in runs:
        list(islice(run, 8))
    controls[1].variation_weight *= 100
    for run in runs:
        for _ in run:
            pass
    assert [p.step for p in records[1].points] == list(range(41))
    assert records[1].points[-1].variation < 0.8 * records[0].points[-1].variation


def test_a_run_whose_process_is_killed_goes_on_and_its_end_is_the_same(
    joined, net, task, settings, frames
):
    import ray

    runner, actors = joined()
    made = []

    def steps():
        for frame in runner.steps(task, [net], synthesis.Controls(settings)):
            made.append(frame)
            if frame.step == 25:
                ray.kill(actors._actors[0].handle, no_restart=False)
            yield frame

    job = Job(steps).start()
    job.result()
    assert "goes on from step 20" in job.note
    assert [f.step for f in made] == list(range(41))
    assert same(made, frames)
    again = Job(lambda: runner.steps(task, [net], synthesis.Controls(settings))).start()
    assert same([again.result()], frames[-1:])


def test_a_run_whose_machine_ends_goes_on_on_another(local, joined, net, task, settings, frames):
    """Both workers are on that machine."""
    first = local.list_all_nodes()[-1]
    runner, actors = joined(pool.Bounds(least=2, most=2, cpus=1))
    until(lambda: len(actors._ready()) == 2)
    made, reached, changed = [], threading.Event(), threading.Event()

    def steps():
        for frame in runner.steps(task, [net], synthesis.Controls(settings)):
            made.append(frame)
            if frame.step == 15:
                reached.set()
                changed.wait(60)
            yield frame

    job = Job(steps).start()
    assert reached.wait(60)
    local.add_node(num_cpus=2)
    local.remove_node(first, allow_graceful=False)
    changed.set()
    job.result()
    assert "A machine of the cluster has ended" in job.note
    assert same(made, frames)


@dataclass(frozen=True)
class Deadly:
    """A task that ends its process at its third step."""

    backbones = ("Pocket",)

    def steps(self, nets, controls=None, resume=None):
        yield from range(3)
        os._exit(1)


def by_value():
    """Lets workers have the tasks of this file, which they cannot import."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])


def test_a_run_that_kills_every_machine_does_not_go_round_for_ever(joined, net):
    by_value()
    runner, _ = joined()
    job = Job(lambda: runner.steps(Deadly(), [net])).start()
    with pytest.raises(WorkerLost, match="twice at the same step"):
        job.result()
    assert job.snapshot == 2
    assert "begins again" in job.note


def test_errors_come_as_they_are(joined, net, task, settings):
    runner, _ = joined()
    wrong = replace(task, settings=replace(settings, steps=-1))
    with pytest.raises(BadSettings) as found:
        list(runner.steps(wrong, [net]))
    with pytest.raises(BadSettings) as here:
        list(wrong.steps([net]))
    assert str(found.value) == str(here.value)


def test_a_network_trained_here_stays_here(joined, net, task, settings, frames):
    runner, actors = joined()
    until(lambda: actors.size == 1)
    own = replace(net, spec=replace(net.spec, name="my breeds"))
    made = runner.steps(replace(task, backbone="my breeds"), [own], synthesis.Controls(settings))
    assert next(made).step == 0
    assert not runner.spreads([own])
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
    office = driver_process.Office(f"127.0.0.1:{port}", ONE)
    runner = cluster.Cluster(office, Admission(2))
    try:
        run = runner.steps(task, [net], synthesis.Controls(settings))
        assert next(run).step == 0
        made.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
        with pytest.raises(ClusterGone, match="does not answer"):
            list(run)
        until(lambda: runner.status().error)
        with pytest.raises(ClusterGone, match="does not answer"):
            next(runner.steps(task, [net]))
        made = Cluster(initialize_head=True, head_node_args=options)
        assert same(list(runner.steps(task, [net], synthesis.Controls(settings))), frames)
        assert runner.status().error == ""
    finally:
        office.close()
        made.shutdown()


def test_a_cluster_that_is_not_there_is_told(net, task):
    pytest.importorskip("ray")
    office = driver_process.Office("127.0.0.1:1", ONE)
    runner = cluster.Cluster(office, Admission(2))
    try:
        job = Job(lambda: runner.steps(task, [net])).start()
        with pytest.raises(ClusterGone, match=r"127\.0\.0\.1:1 does not answer"):
            job.result()
        until(lambda: "does not answer" in runner.status().error)
    finally:
        office.close()


def test_a_worker_that_cannot_start_is_told(local, pools):
    pools.close()
    actors = pool.Pool(local.address, ONE, {"KERAS_BACKEND": "none"})
    runner = cluster.Cluster(Here(actors), Admission(2))
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
def test_without_ray_jobs_run_here_and_who_asks_for_it_is_told(asked, tmp_path):
    (tmp_path / "ray.py").write_text("raise ImportError('not installed')")
    code = """
from engine import backbones, cluster
from engine.errors import ClusterGone
from engine.runs import Admission, tasks
if __name__ == "__main__":
    runner, net = cluster.runner(Admission(1)), backbones.load("Pocket")
    task = tasks.Vectors(backbone="Pocket", photos=(b"",), views=1)
    try:
        print(len(list(runner.steps(task, [net]))))
    except ClusterGone as error:
        print(error)
"""
    rest = {k: v for k, v in os.environ.items() if k != "IDEAL_CAT_RAY"}
    rest["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(cluster.__file__).parents[1])])
    environment = rest | ({"IDEAL_CAT_RAY": asked} if asked else {})
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert ("requirements-cluster.txt" in said) == (asked == "auto")
    assert (said.strip() == "1") == (asked is None)


def test_errors_of_the_cluster_are_sentences():
    assert issubclass(ClusterGone, EngineError)
    assert issubclass(WorkerLost, EngineError)
