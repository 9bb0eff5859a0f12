"""The service on a real Ray cluster: full, scaled, with replicas, machines and the head lost."""

import pytest

from engine.cluster import connection
from engine.core.errors import WorkerLost
from harness.ray_serve import RayServe
from tests.engine.cluster.conftest import client, frames_of, same, stepped, until, watched
from tests.engine.cluster.tasks import Deadly, Slow

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own processes, sockets and files


@pytest.fixture(scope="module")
def ray():
    """Two machines of one core, and one replica, which takes one run. The last test ends it."""
    pytest.importorskip("ray.serve")
    made = RayServe(nodes=2, max_ongoing_requests=1)
    yield made
    made.close()


def test_a_run_whose_replica_is_killed_goes_on_and_its_end_is_the_same(ray, task, frames):
    runner = client(ray.address)
    assert same(watched(runner, task), frames)
    view = watched(runner, task, paused=True)
    stepped(view, 26)
    ray.kill_replicas()
    view.resume()
    assert same(view, frames)
    assert "continues from step 20 on another one" in view.run.note


def test_a_run_waits_where_the_service_is_full(ray, monkeypatch):
    tries = []
    open_once = connection.Connections._opened

    def counted(*arguments):
        tries.append(1)
        return open_once(*arguments)

    monkeypatch.setattr(connection, "HANDSHAKE", 1.0)
    monkeypatch.setattr(connection.Connections, "_opened", counted)
    runner = client(ray.address)
    first = watched(runner, Slow(0.05, 1000), paused=True)
    stepped(first, 1)
    tries.clear()
    second = watched(runner, Slow(0.05, 3))
    until(lambda: len(tries) > 2)
    assert second.look() == 0
    assert second.state == "queued"
    assert second.run.position == 1
    first.stop()
    assert frames_of(second) == [0, 1, 2]


def test_a_run_that_kills_every_replica_does_not_go_round_for_ever(ray):
    view = watched(client(ray.address), Deadly())
    with pytest.raises(WorkerLost, match="twice at the same step"):
        view.run.result()
    view.look()
    assert view.frames == [0, 1, 2]
    assert "starts again" in view.run.note


def test_a_run_whose_machine_is_lost_goes_on_on_the_other(ray, task, frames, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 60.0)  # a replica on the other one is coming
    runner = client(ray.address)
    assert same(watched(runner, task), frames)  # waits for the one that is coming now
    view = watched(runner, task, paused=True)
    stepped(view, 16)
    ray.cluster.remove_node(ray.busy_node(), allow_graceful=False)
    view.resume()
    assert same(view, frames)
    assert "A cluster machine has stopped" in view.run.note


def test_a_run_that_has_lost_the_head_goes_on_here(ray, task, frames, monkeypatch):
    view = watched(client(ray.address), task, paused=True)
    stepped(view, 12)
    monkeypatch.setattr(connection, "PATIENCE", 2.0)
    ray.close()
    view.resume()
    assert same(view, frames)
    assert view.run.note == "The cluster does not answer. This run continues from step 10 here."
