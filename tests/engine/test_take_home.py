"""What is taken home of a training: files that need no app, projects that open again, a table."""

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from cachetools import LRUCache

from engine import backbones, backend, transfer
from engine.backbones import network
from engine.core.errors import BadSettings, ProjectDamaged
from engine.core.types import FROZEN, SCRATCH, TUNED
from engine.storage import datasets
from engine.transfer import fine_tuning


def last(steps):
    *_, end = steps
    return end


ALONE = """
import json, sys, zipfile
import numpy as np
pictures, *files = sys.argv[1:]
batch = np.load(pictures)
import keras
import tensorflow as tf
logits = []
for file in files:
    if file.endswith(".keras"):
        logits.append(np.asarray(keras.models.load_model(file)(batch))[0].tolist())
        continue
    network = tf.lite.Interpreter(file)
    network.allocate_tensors()
    network.set_tensor(network.get_input_details()[0]["index"], batch)
    network.invoke()
    logits.append(network.get_tensor(network.get_output_details()[0]["index"])[0].tolist())
names = [zipfile.ZipFile(file).read("labels.txt").decode().split("\\n") for file in files]
assert "engine" not in sys.modules
print(json.dumps([logits, names]))
"""


def test_files_need_nothing_but_keras_or_tensorflow_lite(net, features, tmp_path):
    """A program that has only the library classifies a picture in 0..1, and names the class."""
    head = last(transfer.train_head(features, transfer.Recipe(epochs=3))).head
    own = transfer.as_backbone(net, head, features.class_names, "mine")
    picture = keras.Input((*net.input_size, 3))
    maps = keras.layers.GlobalAveragePooling2D()(network.preprocess(picture, "caffe"))
    model = keras.Model(picture, keras.layers.Dense(len(own.class_names))(maps))
    # as VGG and ResNet read their pictures, and with nothing that was compiled for the other one
    like_vgg = replace(own, model=model, plain=model, _kept=LRUCache(48), _tensors={})
    batch = np.random.default_rng(0).random((1, *net.input_size, 3), "float32")
    np.save(tmp_path / "pictures.npy", batch)
    kinds = {"keras": transfer.keras_file, "tflite": transfer.tflite_file}
    if backend.BACKEND != "tensorflow":
        with pytest.raises(BadSettings, match="only be written with the TensorFlow backend"):
            kinds.pop("tflite")(own)
    files, expected = [], []
    for name, one in (("own", own), ("vgg", like_vgg)):
        for kind, made in kinds.items():
            files.append(tmp_path / f"{name}.{kind}")
            files[-1].write_bytes(made(one))
            expected.append(one.logits(batch)[0])
    done = subprocess.run(
        [sys.executable, "-c", ALONE, "pictures.npy", *map(str, files)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for right, logits, names in zip(expected, *json.loads(done.stdout), strict=True):
        np.testing.assert_allclose(logits, right, rtol=1e-3, atol=1e-3)
        assert tuple(names) == own.class_names


@pytest.mark.parametrize("how", [TUNED, SCRATCH])
def test_a_project_of_a_trained_network_reopens_to_the_same_predictions(net, crops, features, how):
    data = datasets.folder(crops)
    tuning = transfer.Tuning(epochs=1, batch=9, learning_rate=1e-3, scratch=how == SCRATCH)
    recipe = transfer.Recipe(epochs=2)
    head = last(transfer.train_head(features, recipe)).head if how == TUNED else None
    model = last(transfer.fine_tune(net, data, head, tuning)).model
    project = transfer.Project(
        backbone="Pocket",
        data="d",
        class_names=data.class_names,
        recipe=recipe,
        accuracy=0.5,
        head=head,
        how=how,
        tuning=tuning,
        photos=transfer.digests(data, tuning),
    )
    content = transfer.save(transfer.changes(net, project, model))
    again = transfer.load(content)
    pictures = np.random.default_rng(0).integers(0, 256, (3, *net.input_size, 3), "uint8")
    np.testing.assert_array_equal(
        transfer.predicted(transfer.model_of(net, again), pictures),
        transfer.predicted(model, pictures),
    )
    assert (again.tuning, again.how, len(again.photos)) == (tuning, how, int(data.train.sum()))
    whole = sum(w.nbytes for w in model.get_weights())
    assert (len(content) < 0.7 * whole) == (how == TUNED)  # what the backbone has is not in it
    other = backbones.load("MobileNet 0.75", pretrained=False)
    with pytest.raises(ProjectDamaged, match="another"):
        transfer.model_of(other, again)


def test_the_table_of_layers_counts_what_keras_counts(net):
    for how in (FROZEN, TUNED, SCRATCH):
        source = transfer.PhotoSource(data=None, folder=Path())
        tuning = transfer.Tuning(scratch=how == SCRATCH)
        plan = transfer.TrainingPlan(backbone="Pocket", source=source, how=how, tuning=tuning)
        rows = transfer.summary(net, plan, 5)
        if how == FROZEN:
            learning = 5 * 321
        else:
            model = fine_tuning.trainable(net, 5, None, tuning)
            assert sum(row.parameters for row in rows) == model.count_params()
            learning = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
        kernels = sum(
            row.parameters for row in rows if row.learns and row.kind != "BatchNormalization"
        )
        norms = [row for row in rows if row.learns and row.kind == "BatchNormalization"]
        assert kernels + sum(row.parameters // 2 for row in norms) == learning


def test_a_project_that_is_none_is_refused_and_nothing_is_executed(net, features):
    head = last(transfer.train_head(features, transfer.Recipe(epochs=1))).head
    good = transfer.save(
        transfer.Project(
            backbone="Pocket",
            data="d",
            class_names=features.class_names,
            recipe=transfer.Recipe(),
            accuracy=1,
            head=head,
        )
    )

    def altered(file: str = "", array: object = 0.0, **changes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(buffer, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                if name == "project.json":
                    content = json.dumps(json.loads(content) | changes).encode()
                new.writestr(name, content)
            if file:
                values = io.BytesIO()
                np.save(values, np.array(array), allow_pickle=False)
                new.writestr(file, values.getvalue())
        return buffer.getvalue()

    pickled = io.BytesIO()
    np.save(pickled, np.array([print], dtype=object), allow_pickle=True)
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("project.json", zipfile.ZipFile(io.BytesIO(good)).read("project.json"))
        archive.writestr("head/00.npy", pickled.getvalue())
    bad = (
        b"",
        good[:200],
        altered(format=9),
        altered(class_names=["one"]),
        evil.getvalue(),
        altered(recipe={"optimizer": "magic"}),
        altered(how=SCRATCH, class_names=["one"] * 20_000),
        altered(how="by magic"),
        altered(how=TUNED, tuning={"stages": 1.5}),
        altered(backbone="Pocket + Pocket Robust"),
        altered("changed/0000.npy", ["words"]),
        altered("changed/many.npy"),
    )
    for content in bad:
        with pytest.raises(ProjectDamaged):
            transfer.load(content)
    for file in ("changed/-001.npy", "changed/9999.npy", "changed/0000.npy"):
        project = transfer.load(altered(file, how=TUNED))
        with pytest.raises(ProjectDamaged, match="these are of another"):
            transfer.model_of(net, project)


def test_a_head_fitted_at_once_is_the_best_of_its_kind(features):
    """As good as scikit-learn's, and no step in any direction makes it better."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    x = np.asarray(features.values[features.train, 0], "float64")
    y, n, decay = features.labels[features.train], int(features.train.sum()), 0.01
    fitted = transfer.fit_at_once(x.astype("float32"), y, 3, decay)
    scaled = (x - fitted.mean) / fitted.deviation
    peer = linear_model.LogisticRegression(C=1 / (decay * n), tol=1e-8, max_iter=2000).fit(
        scaled, y
    )
    theirs = peer.decision_function(scaled)
    ours = fitted.logits(x)
    np.testing.assert_allclose(
        ours - ours.mean(axis=1, keepdims=True),
        theirs - theirs.mean(axis=1, keepdims=True),
        atol=0.02,
    )
    test = np.asarray(features.values[~features.train, 0], "float32")
    right = fitted.logits(test).argmax(axis=1) == features.labels[~features.train]
    assert right.mean() > 0.9
