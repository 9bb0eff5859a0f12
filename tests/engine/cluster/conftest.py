"""A service in this process, whose runs a test can look at, and services that can be killed."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import uvicorn

from engine import cluster, images, synthesis
from engine.backbones import Store
from engine.cluster.connection import Connections
from engine.cluster.service import Service
from engine.runs import LocalRunner, Runs, Schedule
from engine.synthesis import preset
from harness.server import free_port
from harness.service import Machine


def until(condition, seconds=60.0):
    """Waits for something that happens elsewhere."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


_STORE = Store()


def here():
    """What computes in this process, with no trained network; the service has its own store."""
    return LocalRunner(Schedule(2), _STORE.beside(()))


def client(address, token=""):
    """A runner that computes with a service."""
    return cluster.Cluster(Connections(address, token), here())


def watched(runner, task, **options):
    """A view of a task's run on a runner."""
    return Runs(runner).view(task, **options)


@pytest.fixture(scope="package")
def service():
    """The address of a service in this process."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(Service().application(), port=port, log_level="critical")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield f"ws://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="package")
def _machine():
    made = Machine()
    yield made
    made.kill()


@pytest.fixture
def machine(_machine):
    """A service in a process of its own, running."""
    if not _machine.running:
        _machine.start()
    return _machine


@pytest.fixture
def runner(service):
    return client(service)


@pytest.fixture(scope="package")
def settings(net):
    clear = preset("clear", net)
    views = replace(clear.transformations, views=2)
    return replace(clear, steps=30, canvas=112, transformations=views)


@pytest.fixture(scope="package")
def frames(net, settings):
    """What this process makes."""
    return list(synthesis.ideal_image(net, 3, settings))


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


def stepped(view, count):
    """Lets a paused view make so many steps."""
    for _ in range(count):
        view.step()
    until(lambda: view.look() == count or view.run.done)
    assert view.run.error is None
    assert view.seen == count
