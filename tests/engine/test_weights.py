"""Weights live where Keras keeps them, and a damaged file is named and replaced."""

import json
from pathlib import Path

import h5py
import pytest
from keras.src.backend.config import keras_home
from keras.src.legacy.saving import legacy_h5_format

from engine import backbones, config
from engine.core.errors import WeightsDamaged
from engine.storage import registry, weights

SPEC = registry.spec("MobileNet 0.75")


def test_the_folder_is_the_one_keras_uses():
    assert config.keras_home() == Path(keras_home())


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty KERAS_HOME with class names in it."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "models"
    folder.mkdir()
    names = {str(k): [f"n{k:08}", f"class_{k}"] for k in range(1000)}
    (folder / weights.INDEX_NAME).write_text(json.dumps(names))
    return folder


def test_class_names_are_words(home):
    assert weights.imagenet_class_names()[7] == "class 7"


def test_two_classes_of_one_name_are_told_apart(home):
    file = home / weights.INDEX_NAME
    cranes = {"134": ["n02012849", "crane"], "517": ["n03126707", "crane"]}
    file.write_text(json.dumps(json.loads(file.read_text()) | cranes))
    names = weights.imagenet_class_names()
    assert names[134] == "crane (bird)"
    pocket = json.loads((config.ASSETS / "pocket.json").read_text())
    own = pocket["class_names"].index("crane")  # of what is of this name in both, as of the target
    assert pocket["wordnet_ids"][own] == weights.imagenet_wordnet_ids()[names.index("crane")]


@pytest.mark.parametrize("content", ["", "[]", '{"0": ["n1", "x"]}', "<html>"])
def test_a_damaged_class_index_is_named(home, content):
    (home / weights.INDEX_NAME).write_text(content)
    with pytest.raises(WeightsDamaged, match="class index"):
        weights.imagenet_class_names()


def saved(name: str, file) -> None:
    with h5py.File(file, "w") as h5:
        legacy_h5_format.save_weights_to_hdf5_group(h5, backbones.build(registry.spec(name)))


def test_truncated_foreign_and_empty_files_are_named_and_replaced(home):
    file = home / SPEC.filename
    saved(SPEC.name, file)
    whole = file.read_bytes()
    assert backbones.load(SPEC.name).class_names[7] == "class 7"
    for damaged in (b"", b"<html>log in</html>", whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        with pytest.raises(WeightsDamaged, match=SPEC.filename):
            backbones.load(SPEC.name)
    saved("MobileNetV3Small", file)
    with pytest.raises(WeightsDamaged, match="of another network"):
        backbones.load(SPEC.name)
    file.write_bytes(whole)
    assert backbones.load(SPEC.name).name == SPEC.name
