"""A real Ray cluster of several nodes on this machine, shared by all tests of this folder."""

import time
from dataclasses import replace

import numpy as np
import pytest

from engine import backbones, cluster, images, synthesis
from engine.backbones import Store
from engine.cluster import pool
from engine.cluster.driver import Driver
from engine.runs import LocalRunner, Runs, Schedule
from engine.synthesis import preset

ONE = pool.Bounds(least=1, most=1, cpus=1)


def until(condition, seconds=60.0):
    """Waits for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def settings(net):
    return replace(preset("clear", net), steps=40)


@pytest.fixture(scope="package")
def frames(settings):
    """What one core of this process makes, as a worker has one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDEAL_CAT_CORES", "1")
        fresh = backbones.load("Pocket")  # nothing is compiled for two cores
        return list(synthesis.ideal_image(fresh, 3, settings))


def frames_of(view):
    """All frames of a run, with the pictures that are kept."""
    view.run.result()
    until(lambda: view.look() == len(view.run.frames))  # what was there before is replayed
    return view.frames


def same(view, frames):
    """Whether a run's frames are those of this process, bit for bit."""
    made = frames_of(view)
    exact = {frame.step: images.to_uint8(frame.picture) for frame in frames}
    return [f.loss for f in made] == [f.loss for f in frames] and all(
        np.array_equal(picture, exact[step]) for step, picture in view.pictures.items()
    )


def busy(actors):
    """How many runs the workers themselves have."""
    import ray

    return sum(ray.get(actor.handle.busy.remote()) for actor in actors._actors)
