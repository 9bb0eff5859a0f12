"""The offline kit brings weights and photos to another machine, whole, and nothing else."""

import json
import os
import subprocess
import sys

import pytest

from engine import config
from engine.core.errors import KitDamaged, UnknownBackbone
from engine.storage import offline, registry, weights


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes a machine of a name, with a Keras home of its own, the one in use."""

    def use(name: str):
        home = tmp_path / name
        monkeypatch.setenv("KERAS_HOME", str(home))
        monkeypatch.delenv("IDEAL_CAT_PETS", raising=False)
        return home

    return use


@pytest.fixture
def packed(machine, tmp_path):
    """A stick with a backbone and two photos, the files that were packed."""
    home = machine("first")
    spec = registry.spec("MobileNetV2")
    for file, content in (
        (home / "models" / spec.filename, b"weights"),
        (home / "models" / weights.INDEX_NAME, b"{}"),
        (config.pets_root() / "images" / "Abyssinian_1.jpg", b"a photo"),
        (config.pets_root() / "annotations" / "trainval.txt", b"Abyssinian_1 1 1 1"),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    stick = tmp_path / "stick"
    assert len(list(offline.pack(stick))) == 4
    return stick


def test_what_was_packed_arrives(machine, packed):
    home = machine("second")
    assert len(list(offline.unpack(packed))) == 4
    assert (home / "models" / registry.spec("MobileNetV2").filename).read_bytes() == b"weights"
    assert (config.pets_root() / "images" / "Abyssinian_1.jpg").read_bytes() == b"a photo"
    assert list(offline.unpack(packed)) == []  # what is here, and right, is left alone
    (config.pets_root() / "images" / "Abyssinian_1.jpg").write_bytes(b"changed")
    assert list(offline.unpack(packed)) == ["pets/images/Abyssinian_1.jpg"]


def test_a_damaged_file_is_told_and_not_taken(machine, packed):
    home = machine("second")
    name = registry.spec("MobileNetV2").filename
    (packed / "models" / name).write_bytes(b"half")
    with pytest.raises(KitDamaged, match="changed since it was packed"):
        list(offline.unpack(packed))
    assert not list(home.rglob(f"{name}*"))


@pytest.mark.parametrize(
    "name", ["../evil", "models/../../evil", "pets/../../evil", "models/other.h5", "pets//etc/x"]
)
def test_only_files_of_the_app_are_written(machine, packed, tmp_path, name):
    machine("second")
    (packed / offline.INDEX).write_text(json.dumps({name: "0"}))
    with pytest.raises(KitDamaged):
        list(offline.unpack(packed))
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("index", ["", "[]", "{"])
def test_no_kit_is_one_sentence(machine, packed, index):
    (packed / offline.INDEX).write_text(index)
    with pytest.raises(KitDamaged, match="missing or damaged"):
        list(offline.unpack(packed))


def test_an_unknown_backbone_is_told(machine):
    machine("first")
    with pytest.raises(UnknownBackbone):
        list(offline.fetch(["Nonsense"]))


def test_the_command_line(packed, tmp_path):
    home = tmp_path / "third"
    environment = os.environ | {"KERAS_HOME": str(home)}
    environment.pop("IDEAL_CAT_PETS", None)
    command = [sys.executable, "-m", "engine.storage.offline"]
    done = subprocess.run(
        [*command, "unpack", str(packed)], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "4 files copied.")
    failed = subprocess.run(
        [*command, "unpack", str(home)], env=environment, capture_output=True, text=True
    )
    assert failed.returncode == 1
    assert "Expected a kit" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_what_cannot_be_fetched_costs_only_itself(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("IDEAL_CAT_MIRROR", "http://127.0.0.1:9")  # nobody listens there
    wanted = ["fetch", "MobileNetV2", "MobileNet_0.75"]
    monkeypatch.setattr("sys.argv", ["offline", *wanted, "--if-possible"])
    offline.main()
    assert len(capsys.readouterr().err.splitlines()) == 2
    monkeypatch.setattr("sys.argv", ["offline", *wanted])
    with pytest.raises(SystemExit, match="could not be"):
        offline.main()
