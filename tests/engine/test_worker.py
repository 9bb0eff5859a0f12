"""What a worker of a cluster does, without a cluster: steered, resumed, given what it lacks."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from engine import config, synthesis
from engine.cluster import worker
from engine.cluster.worker import EVERY, Worker
from engine.errors import WeightsDamaged
from engine.runs import tasks
from engine.storage import registry, weights
from engine.synthesis.settings import preset


@pytest.fixture(scope="module")
def settings(net):
    return replace(preset("clear", net.spec.builder), steps=24)


@pytest.fixture(scope="module")
def task(settings):
    return tasks.IdealImage(backbone="Pocket", target=3, settings=settings)


def run(machine, key, task, **options):
    return machine.run(key, task, {}, lambda reference: reference, **options)


def test_a_worker_makes_what_the_engine_makes(net, task, settings):
    packets = list(run(Worker(), "a", task))
    frames = list(synthesis.ideal_image(net, 3, settings))
    assert [p.value.loss for p in packets] == [f.loss for f in frames]
    assert all(
        np.array_equal(p.value.picture, f.picture) for p, f in zip(packets, frames, strict=True)
    )
    assert [k for k, p in enumerate(packets) if p.checkpoint] == [*range(0, len(frames) - 1, EVERY)]


def test_a_steered_run_is_made_again_bit_for_bit(task, settings):
    """The controls of steps that were made before come from the script, whenever they came."""
    machine, stronger = Worker(), (1e-4, 0.5, 0.0, 0.2)
    packets, script = [], {}
    for packet in run(machine, "a", task):
        if packet.value.step == 12:
            machine.steer("a", stronger)
        script[packet.value.step] = packet.numbers
        packets.append(packet)
    assert [script[step] == stronger for step in (12, 13, 24)] == [False, True, True]
    resume = packets[10].checkpoint
    again = list(
        run(Worker(), "b", task, numbers=(0.0, 0.0, 0.0, 1.0), resume=resume, script=script)
    )
    assert [p.value.step for p in again] == list(range(10, 25))
    for new, old in zip(again, packets[10:], strict=True):
        assert np.array_equal(new.value.picture, old.value.picture)
        assert new.numbers == old.numbers
    assert not np.array_equal(
        packets[-1].value.picture, list(run(machine, "c", task))[-1].value.picture
    )


def test_a_worker_tells_where_a_run_stands(task):
    machine = Worker()
    packets = run(machine, "a", task)
    list(islice(packets, 8))
    assert machine.checkpoint("a", 7).step == 7
    assert machine.checkpoint("a", 0) is None  # only the last few
    assert machine.checkpoint("b", 7) is None
    packets.close()
    assert machine.checkpoint("a", 7) is None


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
    return tasks.Vectors(backbone=name, photos=(b"",), views=1)


def test_a_home_one_may_not_write_to_is_replaced(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setenv("KERAS_HOME", str(blocked))  # a file where a folder should be
    spec = registry.spec("MobileNetV2")
    references = {spec.filename: b"weights", weights.INDEX_NAME: b"{}"}
    worker._complete("MobileNetV2", references, lambda content: content)
    assert weights.path(spec).read_bytes() == b"weights"
    assert config.keras_home() != blocked
