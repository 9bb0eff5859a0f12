"""What a worker of a cluster does, without a cluster: steered, resumed, given what it lacks."""

from dataclasses import replace

import numpy as np
import pytest

from engine import config, synthesis
from engine.cluster import worker
from engine.cluster.worker import Worker
from engine.errors import WeightsDamaged
from engine.runs import Continuation, Vectors
from engine.storage import registry, weights
from engine.synthesis import Live, preset


@pytest.fixture(scope="module")
def settings(net):
    return replace(preset("clear", net), steps=24)


def run(machine, key, task, **options):
    return machine.run(key, task, {}, lambda reference: reference, **options)


def test_a_worker_makes_what_the_engine_makes(net, task, settings):
    made = list(run(Worker(), "a", task))
    frames = list(synthesis.ideal_image(net, 3, settings))
    assert [f.loss for f in made] == [f.loss for f in frames]
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(made, frames, strict=True))
    assert [f.step for f in made if f.checkpoint] == [0, 10, 20]


def test_a_steered_run_is_made_again_bit_for_bit(task, settings):
    """The live numbers of steps that were made before are those of the frames."""
    machine = Worker()
    stronger = Live(variation=1e-4, l1=0.5, l2=0.0, learning_rate=0.2)
    made = []
    for frame in run(machine, "a", task):
        if frame.step == 12:
            machine.steer("a", stronger)
        made.append(frame)
    assert [made[step].live == stronger for step in (12, 13, 24)] == [False, True, True]
    continuation = Continuation(resume=made[10].checkpoint, live={f.step: f.live for f in made})
    other = Live(variation=0.0, learning_rate=1.0)
    repeated = list(run(Worker(), "b", task, live=other, continuation=continuation))
    assert [f.step for f in repeated] == list(range(10, 25))
    for new, old in zip(repeated, made[10:], strict=True):
        assert np.array_equal(new.picture, old.picture)
        assert new.live == old.live
    assert not np.array_equal(made[-1].picture, list(run(machine, "c", task))[-1].picture)


def test_a_stopped_run_ends_before_its_next_step(task):
    machine = Worker()
    frames = run(machine, "a", task)
    assert next(frames).step == 0
    assert machine.busy() == 1
    machine.stop("a")
    assert len(list(frames)) <= 1
    assert machine.busy() == 0


def test_what_a_machine_lacks_is_written_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    spec = registry.spec("MobileNetV2")
    content = {spec.filename: b"no network", weights.INDEX_NAME: b"{}"}
    asked = []

    def fetch(name):
        asked.append(name)
        return content[name]

    references = {name: name for name in content}
    for _ in range(2):
        worker._complete("MobileNetV2", references, fetch)
    assert sorted(asked) == sorted(content)  # once
    assert {f.name: f.read_bytes() for f in (tmp_path / "models").iterdir()} == content
    attack = replace_backbone("MobileNetV2")
    with pytest.raises(WeightsDamaged):
        next(Worker().run("a", attack, references, fetch))


def replace_backbone(name):
    return Vectors(backbone=name, photos=(b"",), views=1)


def test_a_home_one_may_not_write_to_is_replaced(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setenv("KERAS_HOME", str(blocked))  # a file where a folder should be
    spec = registry.spec("MobileNetV2")
    references = {spec.filename: b"weights", weights.INDEX_NAME: b"{}"}
    worker._complete("MobileNetV2", references, lambda content: content)
    assert weights.path(spec).read_bytes() == b"weights"
    assert config.keras_home() != blocked
