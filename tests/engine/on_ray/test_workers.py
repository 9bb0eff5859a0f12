"""Workers of a Ray cluster: where runs go, how many there are, and a cluster that is gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import cluster
from engine.cluster import driver_process, pool
from engine.errors import BadSettings, ClusterGone, EngineError, WorkerLost
from harness.server import free_port
from tests.engine.on_ray.conftest import ONE, Here, here, same, until, watched

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own processes, sockets and files


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
