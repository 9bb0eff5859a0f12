"""Features of photos: computed once, of those that are needed, kept, stopped, refused."""

import errno
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import images, transfer
from engine.core.errors import BadDataset
from engine.storage import datasets
from engine.transfer import extraction, reading
from tests.engine.conftest import CROPPED


def last(steps):
    *_, end = steps
    return end


def test_features_are_what_the_classifier_of_the_network_reads(net, crops, features):
    assert features.values.shape == (36, 2, 320)
    data = datasets.folder(crops)
    picture = images.fit(images.load(data.paths[5]), net.input_size)
    dense = net.plain.layers[-1]
    weights, bias = dense.get_weights()
    for view, seen in enumerate((picture, picture[:, ::-1])):
        logits = features.values[5, view].astype("float32") @ weights + bias
        np.testing.assert_allclose(logits, net.logits(seen[None])[0], atol=0.05)  # kept as float16


def test_extraction_goes_on_where_it_was_stopped(net, crops, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "BATCH", 8)
    data = datasets.folder(crops)
    steps = extraction.extract(net, data, tmp_path)
    assert next(steps).done == 8
    steps.close()
    looked = []
    real = extraction.vectors
    monkeypatch.setattr(extraction, "vectors", lambda n, b: looked.append(len(b)) or real(n, b))
    again = list(extraction.extract(net, data, tmp_path))
    assert sum(looked) == 2 * 28  # both views of those that waited
    assert again[-1].features is not None
    looked.clear()
    list(extraction.extract(net, data, tmp_path))
    assert not looked


def test_several_who_extract_the_same_at_once_write_into_one_file(net, crops, features, tmp_path):
    """A file that one of them creates anew while another writes into it would end the process."""
    data, crowd = datasets.folder(crops), 6
    together = threading.Barrier(crowd)

    def extract(folder):
        together.wait()
        return last(extraction.extract(net, data, folder)).features.values

    with ThreadPoolExecutor(crowd) as pool:
        for trial in range(2):
            for found in pool.map(extract, [tmp_path / str(trial)] * crowd):
                np.testing.assert_array_equal(found, features.values)
            assert not list(tmp_path.rglob("*.part"))


def test_few_photos_of_each_class_do_not_wait_for_all_to_be_read(
    net, crops, features, tmp_path, monkeypatch
):
    data = datasets.folder(crops)
    data = replace(data, train=np.arange(36) % 12 < 4)  # 12 to learn from, 24 to test on
    looked = []
    real = extraction.vectors
    monkeypatch.setattr(extraction, "vectors", lambda n, b: looked.append(len(b)) or real(n, b))

    def train(photos, tested=None):
        looked.clear()
        plan = transfer.TrainingPlan(
            backbone="Pocket",
            source=transfer.PhotoSource(data=data, folder=tmp_path, called="crops"),
            recipe=transfer.Recipe(epochs=2, photos=photos, tested=tested),
        )
        return last(transfer.train(net, plan)).trained, sum(looked) // 2

    few, read = train(1, tested=7)
    assert read == 24
    assert len(few.report().rows) == 21
    few, read = train(1)
    assert read == 3  # the tests that were left out
    assert few.learnt == 3
    alike = replace(features, train=data.train)  # the features of all photos
    whole = last(transfer.train_head(alike, transfer.Recipe(epochs=2, photos=1)))
    for one, other in zip(few.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert few.report().rows.tolist() == np.flatnonzero(~data.train).tolist()
    every, read = train(None)
    assert read == 9  # those that were not read yet
    assert every.learnt == 12


def test_an_unreadable_photo_is_replaced_by_another_of_its_class(net, crops, tmp_path):
    data = datasets.folder(crops)
    data = replace(data, train=np.arange(36) % 12 < 4)
    recipe = transfer.Recipe(epochs=1, photos=1)
    chosen, _ = reading.needed(data, recipe)
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    paths = tuple(bad if use else path for use, path in zip(chosen, data.paths, strict=True))
    source = transfer.PhotoSource(data=replace(data, paths=paths), folder=tmp_path, called="crops")
    plan = transfer.TrainingPlan(backbone="Pocket", source=source, recipe=recipe)
    made = last(transfer.train(net, plan)).trained
    assert made.learnt == 3
    assert np.unique(made.features.labels[made.features.train]).tolist() == [0, 1, 2]
    assert [one.name for one in made.features.rejected] == ["bad.png"] * 3


def test_bad_photos_are_named_and_left_out(net, crops, tmp_path):
    root = tmp_path / "data"
    for name in CROPPED:
        (root / name).mkdir(parents=True)
        for k in range(3):
            (root / name / f"{k}.png").write_bytes((crops / name / f"{k:02d}.png").read_bytes())
    (root / "coffee" / "broken.jpg").write_bytes(b"\xff\xd8 not a photo")
    (root / "coffee" / "half.png").write_bytes((crops / "coffee" / "04.png").read_bytes()[:300])
    (root / "coffee" / "notes.txt").write_text("hello")
    (root / "empty").mkdir()
    found = last(extraction.extract(net, datasets.folder(root), tmp_path / "kept")).features
    assert len(found.values) == 9
    assert {r.name for r in found.rejected} == {
        "broken.jpg",
        "half.png",
        "coffee/notes.txt",
        "empty",
    }
    assert last(transfer.train_head(found, transfer.Recipe(epochs=2))).learnt == found.train.sum()


def test_a_photo_that_cannot_be_read_now_is_tried_again_later(net, crops, tmp_path, monkeypatch):
    data, read = datasets.folder(crops), Path.read_bytes

    def stale(path):
        if path == data.paths[3]:
            raise OSError(errno.ESTALE, "Stale file handle")
        return read(path)

    with monkeypatch.context() as away:
        away.setattr(Path, "read_bytes", stale)
        found = last(extraction.extract(net, data, tmp_path)).features
    assert [one.name for one in found.rejected] == [data.paths[3].name]
    whole = last(extraction.extract(net, data, tmp_path)).features
    assert len(whole.values) == 36
    assert not whole.rejected


def test_a_photo_that_was_removed_meanwhile_is_named(net, crops, tmp_path):
    data = datasets.folder(crops)
    data = replace(data, paths=(tmp_path / "gone.png", *data.paths[1:]))
    found = last(extraction.extract(net, data, tmp_path)).features
    assert [one.name for one in found.rejected] == ["gone.png"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(net, crops, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(BadDataset, match="No space left on device"):
        list(extraction.extract(net, datasets.folder(crops), tmp_path / "kept"))
    left = {file.suffix: file.stat().st_size for file in (tmp_path / "kept").iterdir()}
    assert left == {".lock": 0}
