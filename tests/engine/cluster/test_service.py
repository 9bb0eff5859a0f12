"""A service beside this process: equal bit for bit, steered, stopped, refused."""

import subprocess
import sys
import uuid
from dataclasses import replace

import numpy as np
import pytest
from starlette.requests import HTTPConnection
from websockets.sync.client import connect

from engine import attacks, images, transfer
from engine.cluster import protocol, service
from engine.core.errors import BadSettings, ClusterRefused
from engine.runs import Run, Runs, View
from engine.runs.tasks import Attack, Training, TransferMatrix
from engine.storage import datasets
from harness.server import ROOT
from tests.engine.cluster.conftest import (
    Connections,
    client,
    frames_of,
    here,
    same,
    stepped,
    until,
    watched,
)
from tests.engine.cluster.tasks import BEGUN, ENDED, Broken, Slow


def test_pictures_attacks_features_and_rows_are_those_of_one_machine(
    runner, net, task, frames, cat, crops, features, tmp_path
):
    assert same(watched(runner, task), frames)
    picture = images.fit(cat, net.input_size)
    how, goal = attacks.PGD(epsilon=8, steps=4), attacks.Untargeted()
    attack = Attack(backbones=("Pocket",), picture=picture, goal=goal, attack=how, seed=0)
    *_, alone = attacks.run(net, picture, goal, how, seed=0)
    assert np.array_equal(watched(runner, attack).run.result().picture, alone.picture)

    matrix = TransferMatrix(
        backbones=("Pocket", "Pocket Robust"), pictures=(picture,), wanted=None, attack=how, seed=0
    )
    there, this = (frames_of(watched(one, matrix)) for one in (runner, here()))
    assert there == this

    training = Training(plan=plan(datasets.folder(crops), tmp_path))
    far = watched(runner, training).run.result().trained.features
    assert np.array_equal(far.values, features.values)
    assert np.array_equal(far.labels, features.labels)
    status = runner.status()
    assert (status.answers, status.running, status.waiting) == (True, 0, 0)


def plan(data, folder):
    source = transfer.PhotoSource(data=data, folder=folder)
    recipe = transfer.Recipe(epochs=1)
    return transfer.TrainingPlan(backbone="Pocket", source=source, recipe=recipe)


def test_the_stills_are_those_of_one_machine(runner, task):
    """Pictures are compressed where they are made, once."""
    short = replace(task, settings=replace(task.settings, steps=10))
    there, this = (watched(one, short) for one in (runner, here()))
    assert len(frames_of(there)) == len(frames_of(this)) == 11
    assert there.stills == this.stills


def test_a_paused_run_makes_no_step_and_sliders_work(runner, task, settings, frames):
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
    changed = [frame.live == stronger for frame in frames_of(view)]
    assert changed == sorted(changed)
    assert changed.index(True) <= 5 + protocol.WINDOW  # those on their way were made before


def test_a_steered_run_is_made_again_bit_for_bit(runner, task, settings):
    """The live numbers of steps that were made before are those of the frames."""
    view = watched(runner, task, paused=True)
    stepped(view, 12)
    view.steer(replace(settings.live, variation=100 * settings.live.variation))
    view.resume()
    made = frames_of(view)
    other = replace(settings.live, learning_rate=1.0)
    again = view.run.fork(25, other)
    again.join(View(again))
    again.result()
    assert [f.loss for f in again.frames[:25]] == [f.loss for f in made[:25]]
    assert [f.live for f in again.frames[:25]] == [f.live for f in made[:25]]
    assert again.frames[25].live == other


@pytest.mark.parametrize("wait", [0.0, 0.4])
def test_a_run_that_is_stopped_ends_at_the_service_too(runner, wait):
    """Paused, or in the middle of a step."""
    name = uuid.uuid4().hex
    view = watched(runner, Slow(wait, 1000, name))
    until(lambda: view.look() > 2)
    view.pause()
    view.stop()
    view.run.wait(30)
    assert view.state == "stopped"
    until(lambda: name in ENDED)
    assert runner.status().running == 0


def test_what_nobody_asks_for_is_not_made(runner):
    """However fast it could be made: what is not read would be kept somewhere."""
    view = watched(runner, Slow(0.0, 5000, "fast"), paused=True)
    stepped(view, 2)
    until(lambda: runner.status().running == 1)
    assert ENDED.count("fast") == 0
    assert len(view.run.frames) == 2
    view.stop()
    until(lambda: ENDED.count("fast") == 1)


def test_who_stops_does_not_end_a_shared_run_for_others(runner):
    runs = Runs(runner)
    first = runs.view(Slow(0.2, 6, "shared"))
    until(lambda: first.look())
    second = runs.view(Slow(0.2, 6, "shared"))
    first.stop()
    assert frames_of(second) == list(range(6))


def test_many_tasks_at_once_are_stopped_at_once(runner):
    class Many:
        backbones, key = (), None

        def steps(self, nets, live=None, resume=None):
            return runner.spread([Slow(0.1, 600, "many")] * 9, view.run)

    view = View(Run(Many(), here()))
    view.run.join(view)
    until(lambda: BEGUN.count("many") == 9)
    assert runner.status().running == 1  # one run, however many connections it has
    view.stop()
    view.run.wait(20)
    assert view.run.cut
    until(lambda: runner.status().running == 0)
    until(lambda: ENDED.count("many") == BEGUN.count("many") > 0)


def test_who_steers_a_shared_run_goes_on_alone(runner, task, settings, frames):
    runs = Runs(runner)
    one, other = (runs.view(task, paused=True) for _ in range(2))
    for view in (one, other):
        stepped(view, 8)
    other.steer(replace(settings.live, variation=100 * settings.live.variation))
    for view in (one, other):
        view.resume()
    assert same(one, frames)
    assert [frame.step for frame in frames_of(other)] == list(range(31))
    assert other.frames[-1].variation < 0.8 * one.frames[-1].variation


def test_errors_come_as_they_are(runner, net, task, settings):
    wrong = replace(task, settings=replace(settings, steps=-1))
    with pytest.raises(BadSettings) as found:
        watched(runner, wrong).run.result()
    with pytest.raises(BadSettings) as alone:
        list(wrong.steps([net]))
    assert str(found.value) == str(alone.value)
    with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"):
        watched(runner, Broken()).run.result()


def test_only_who_has_the_token_is_served(service, monkeypatch):
    monkeypatch.setenv("IDEAL_CAT_CLUSTER_TOKEN", "correct horse")
    for wrong in ("", "correct hors", "correct horse battery", "Bearer"):
        with pytest.raises(ClusterRefused, match="IDEAL_CAT_CLUSTER_TOKEN"):
            watched(client(service, wrong), Slow(0.0, 3)).run.result()
    assert frames_of(watched(client(service, "correct horse"), Slow(0.0, 3))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("host", "origin", "served"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("10.0.0.7", "", False),
        ("", "", False),
        ("127.0.0.1", "https://a.page.somewhere", False),  # by a browser of this machine
    ],
)
def test_without_a_token_only_this_machine_is_served(host, origin, served, monkeypatch):
    monkeypatch.delenv("IDEAL_CAT_CLUSTER_TOKEN", raising=False)
    headers = [(b"origin", origin.encode())] if origin else []
    scope = {"type": "websocket", "headers": headers, "client": (host, 4242)}
    assert service._allowed(HTTPConnection(scope)) == served


def test_it_does_not_listen_to_others_without_a_token(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["service", "--host", "0.0.0.0"])
    monkeypatch.delenv("IDEAL_CAT_CLUSTER_TOKEN", raising=False)
    with pytest.raises(SystemExit) as end:
        service.main()
    assert end.value.code == 2
    assert "IDEAL_CAT_CLUSTER_TOKEN" in capsys.readouterr().err


def test_a_task_of_another_version_is_refused(service):
    with connect(service + protocol.PATH) as socket:
        for piece in (b"no ", b"pickle", b""):
            socket.send(piece)
        reply = protocol.unpack(socket.recv())
    assert isinstance(reply.error, ClusterRefused)
    assert "another version" in str(reply.error)


def test_large_tasks_travel_in_pieces(monkeypatch, runner, net, task):
    monkeypatch.setattr(protocol, "PIECE", 100)
    short = replace(task, settings=replace(task.settings, steps=4))
    assert same(watched(runner, short), list(short.steps([net])))


@pytest.mark.parametrize(
    "address", ["auto", "http://gpu:8502", "ws://", "gpu:8502", "ws://gpu:abc", "ws://[::1"]
)
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(BadSettings, match="ws://"):
        Connections(address)


def test_neither_side_needs_ray():
    program = """
import sys
sys.modules["ray"] = None
import engine.cluster, engine.cluster.service
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
