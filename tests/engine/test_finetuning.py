"""Fine-tuning: from a trained head or from nothing, stopped or not, the backbone left alone."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from engine import backbones, backend, images, transfer
from engine.core.errors import BadDataset, BadSettings
from engine.storage import datasets
from engine.transfer import fine_tuning, tuning


def last(steps):
    *_, end = steps
    return end


@pytest.fixture(scope="module")
def small(net):
    """The built-in backbone for pictures of 48 px."""
    return net.at_size(48)


def names(layers):
    return [info.name for info in layers]


def measured(steps):
    return (step for step in steps if step.val_accuracy is not None)


def test_fine_tuning_that_is_stopped_is_as_it_was_last_measured(small, crops):
    tuning = transfer.Tuning(epochs=2, batch=4, learning_rate=0.01, augment=False)
    steps = transfer.fine_tune(small, datasets.folder(crops), None, tuning)
    last_measured = None
    for step in steps:
        last_measured = step if step.val_accuracy is not None else last_measured
        if step.epoch > 1.2:
            break
    weights = step.model.get_weights()
    steps.close()
    assert last_measured.epoch == 1
    assert any((a != b).any() for a, b in zip(weights, step.model.get_weights(), strict=True))
    data = datasets.folder(crops)
    test = [
        images.to_uint8(images.fit(images.load(data.paths[row]), small.input_size))
        for row in last_measured.rows
    ]
    logits = transfer.predicted(step.model, np.stack(test))
    np.testing.assert_allclose(logits, last_measured.val_logits, atol=1e-4)


def test_fine_tuning_starts_from_the_head_and_leaves_the_backbone_alone(net, crops, features):
    head = last(transfer.train_head(features, transfer.Recipe(epochs=5))).head
    before = [w.copy() for w in net.plain.get_weights()]
    data = datasets.folder(crops)
    steps = list(
        transfer.fine_tune(net, data, head, transfer.Tuning(epochs=2, batch=9, augment=False))
    )
    first = next(measured(steps))
    assert first.epoch == 0
    assert first.val_accuracy > 0.8  # the head is as good as it was
    assert steps[-1].epoch == 2
    for old, new in zip(before, net.plain.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    tuned = steps[-1].model
    moved = [
        layer.name
        for layer in net.plain.layers
        if layer.get_weights()
        and layer.name in {inner.name for inner in tuned.layers}
        and any(
            np.abs(a - b).max() > 0
            for a, b in zip(
                layer.get_weights(), tuned.get_layer(layer.name).get_weights(), strict=True
            )
        )
    ]
    last_stage = max(info.stage for info in net.layers if info.has_maps)
    stages = {info.name: info.stage for info in net.layers}
    assert moved
    assert all(stages[name] == last_stage and "_bn" not in name for name in moved)


def test_training_photos_are_measured_as_test_photos_are(net, crops):
    tuning = transfer.Tuning(
        epochs=2, batch=4, learning_rate=3e-3, scratch=True, stages=0, schedule="cosine"
    )
    data = datasets.folder(crops)
    steps = list(transfer.fine_tune(net, data, None, tuning))
    kept = list(measured(steps))
    assert [step.epoch for step in kept] == [0, 1, 2]
    assert all(step.accuracy is None and step.loss is None for step in steps if step not in kept)
    train = [images.load(path) for path, own in zip(data.paths, data.train, strict=True) if own]
    pictures = np.stack([images.to_uint8(images.fit(photo, net.input_size)) for photo in train])
    guesses = transfer.predicted(kept[-1].model, pictures).argmax(axis=1)
    assert kept[-1].accuracy == pytest.approx(float((guesses == data.labels[data.train]).mean()))


def test_from_scratch_it_fits_the_photos_it_learns_from(small, crops):
    """Also in inference mode: the statistics of batch normalization are not the initial ones."""
    tuning = transfer.Tuning(
        epochs=20, batch=9, learning_rate=1e-3, scratch=True, stages=0, augment=False
    )
    end = last(measured(transfer.fine_tune(small, datasets.folder(crops), None, tuning)))
    assert end.accuracy > 0.9


def test_from_scratch_the_number_of_cores_makes_no_difference(small, crops, monkeypatch):
    tuning = transfer.Tuning(epochs=1, batch=8, scratch=True, stages=0, augment=False)
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(backend, "cores", lambda cores=cores: cores)
        end = last(transfer.fine_tune(small, datasets.folder(crops), None, tuning))
        found.append(next(w for w in end.model.variables if "moving_mean" in w.path).numpy().copy())
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-5)


def test_what_the_network_needs_is_asked_for_before(net, crops, monkeypatch):
    data, vgg = datasets.folder(crops), backbones.load("VGG16", pretrained=False)
    all_layers = transfer.Tuning(stages=0)
    assert tuning.memory_of(vgg, all_layers) > 2e9
    assert tuning.memory_of(net, transfer.Tuning(stages=1)) < tuning.memory_of(net, all_layers)
    monkeypatch.setattr(backend, "available_memory", lambda: 4_000_000_000)
    with pytest.raises(BadDataset, match=r"needs about \d\.\d GB of memory; 2\.0 GB are free"):
        tuning.check_memory(vgg, data, all_layers)
    monkeypatch.setattr(backend, "available_memory", lambda: None)  # unknown: it is let in
    tuning.check_memory(vgg, data, all_layers)


def test_a_head_on_vgg_reads_the_maps_of_its_last_convolutions():
    vgg = backbones.load("VGG16", pretrained=False, size=64)
    maps = keras.Model(vgg.plain.inputs[0], vgg.output("block5_pool"))
    picture = np.random.default_rng(0).random((1, 64, 64, 3), "float32")
    expected = backend.numpy(maps(picture))
    assert expected.shape == (1, 2, 2, 512)
    np.testing.assert_allclose(
        transfer.vectors(vgg, picture), expected.reshape(1, -1), rtol=1e-4, atol=1e-5
    )
    assert names(tuning.learning(vgg, transfer.Tuning(layers=4))) == [
        *("block5_conv1", "block5_conv2", "block5_conv3", "block5_pool")
    ]


@pytest.mark.parametrize("name", ["MobileNet 0.75", "MobileNetV3Small", "VGG16", "Pocket"])
def test_of_every_architecture_the_last_stage_has_something_to_learn(name):
    net = backbones.load(name, pretrained=False, fold=False)
    below = names(tuning.body(net))
    for stages in (1, 2):
        learning = tuning.learning(net, transfer.Tuning(stages=stages))
        assert any(info.kind.endswith("Conv2D") for info in learning)
        assert names(learning) == below[-len(learning) :]
    everything = tuning.learning(net, transfer.Tuning(stages=0))
    assert sum(info.parameters for info in everything) == net.plain.count_params() - sum(
        info.parameters for info in net.layers[len(below) :]
    )
    assert names(tuning.learning(net, transfer.Tuning(layers=1))) == below[-1:]


def test_without_a_layer_of_the_backbone_only_the_head_learns(small, crops):
    how = transfer.Tuning(layers=0, learning_rate=0.01, batch=9, epochs=3)
    end = last(measured(transfer.fine_tune(small, datasets.folder(crops), None, how)))
    assert tuning.learning(small, how) == ()
    assert end.accuracy > 0.5
    assert [layer.name for layer in end.model.layers if layer.trainable_weights] == [
        end.model.layers[-1].name
    ]


def test_available_memory_is_a_number_of_this_machine():
    free = backend.available_memory()
    assert free is None or 0 < free < 1e14


@pytest.mark.parametrize(
    ("name", "deviation"),
    [("He", (2 / 27) ** 0.5), ("normal, deviation 1/sqrt(n)", (1 / 27) ** 0.5)],
)
def test_from_scratch_the_seed_says_all_weights(net, name, deviation):
    def first(seed):
        how = transfer.Tuning(scratch=True, initializer=name, seed=seed)
        return fine_tuning.trainable(net, 3, None, how).get_weights()

    one, two, other = first(1), first(1), first(2)
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    empty = transfer.Tuning(scratch=True, initializer="zeros")
    assert not any(
        w.any() for w in fine_tuning.trainable(net, 3, None, empty).get_weights() if w.ndim == 4
    )
    kernels = [k for k, w in enumerate(one) if w.ndim == 4]
    assert all((one[k] != other[k]).any() for k in kernels)
    assert one[kernels[0]].shape[:3] == (3, 3, 3)
    assert one[kernels[0]].std() == pytest.approx(deviation, rel=0.15)


def test_the_seed_also_decides_what_a_network_drops_out():
    net = backbones.load("EfficientNetB0", pretrained=False, size=64, fold=False)

    def drawn(seed):
        made = fine_tuning.trainable(net, 3, None, transfer.Tuning(seed=seed))
        drops = [one for one in made._flatten_layers() if isinstance(one, keras.layers.Dropout)]
        return [tuple(backend.numpy(one.seed_generator.state)) for one in drops]

    first, same, other = map(drawn, (1, 1, 2))
    assert len(set(first)) == len(first) > 3
    assert first == same
    assert not set(first) & set(other)


def test_from_scratch_knows_nothing_at_first(small, crops):
    first = next(
        measured(
            transfer.fine_tune(small, datasets.folder(crops), None, transfer.Tuning(scratch=True))
        )
    )
    assert first.val_loss == pytest.approx(np.log(3), abs=0.01)


def test_augmented_pictures_stay_pictures():
    batch = np.random.default_rng(0).random((6, 40, 40, 3), "float32")
    out = transfer.augmented(batch, np.random.default_rng(1))
    assert out.shape == batch.shape
    assert 0 <= out.min() <= out.max() <= 1
    assert np.abs(out - batch).mean() > 0.01


def test_too_many_photos_for_fine_tuning_are_refused(net, crops, monkeypatch):
    data = datasets.folder(crops)
    many = replace(
        data,
        paths=data.paths * 3000,
        labels=np.tile(data.labels, 3000),
        train=np.tile(data.train, 3000),
    )
    with pytest.raises(BadDataset, match=r"at most 1\.5 GB"):
        next(transfer.fine_tune(net, many, None, transfer.Tuning()))


def test_what_would_not_fit_in_memory_is_refused_before_it_begins(net, crops, monkeypatch):
    data = datasets.folder(crops)
    monkeypatch.setattr(tuning, "MOST_BYTES", 100_000)
    with pytest.raises(BadDataset, match=r"needs all photos in memory"):
        next(fine_tuning.fine_tune(net, data, None, fine_tuning.Tuning()))


USUAL = transfer.Tuning(epochs=1, batch=9, learning_rate=3e-3, augment=False)


def weights(small, crops, how):
    *_, step = transfer.fine_tune(small, datasets.folder(crops), None, how)
    return np.concatenate([w.ravel() for w in step.model.get_weights()])


@pytest.fixture(scope="module")
def usual_weights(small, crops):
    """Those of the usual options, twice: how much they differ is chance."""
    return weights(small, crops, USUAL), weights(small, crops, USUAL)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "SGD"},
        {"schedule": "falling to a tenth in three steps"},
        {"weight_decay": 0.5},
        {"clip": 1e-4},
        {"label_smoothing": 0.3},
    ],
    ids=lambda options: next(iter(options)),
)
def test_every_option_acts_on_the_backbone(small, crops, usual_weights, options):
    plain, again = usual_weights
    changed = weights(small, crops, replace(USUAL, **options))
    noise = np.abs(plain - again).max()
    assert np.abs(plain - changed).max() > 100 * noise + 1e-6


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimizer": "magic"},
        {"schedule": "up"},
        {"weight_decay": 1.0},
        {"clip": -1.0},
        {"label_smoothing": 1.0},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BadSettings, match=str(next(iter(wrong.values())))):
        transfer.Tuning(**wrong).check()
