"""Learning on frozen features: what is measured, kept, stopped and taken home."""

import gc
import weakref
from dataclasses import replace

import keras
import numpy as np
import pytest

from engine import backend, transfer
from engine.core.errors import BadDataset, BadSettings, DatasetUnavailable, Diverged
from engine.storage import datasets, registry
from engine.transfer import optimizers
from tests.engine.conftest import CROPPED


def last(steps):
    *_, end = steps
    return end


def test_a_head_learns_and_tells_what_it_is_worth(features):
    epochs = list(transfer.train_head(features, transfer.Recipe(epochs=10)))
    assert [epoch.number for epoch in epochs] == list(range(1, 11))
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].val_accuracy > 0.9
    test = ~features.train
    logits = transfer.logits_of(epochs[-1].head, np.asarray(features.values[test, 0], "float32"))
    report = transfer.evaluate(logits, features.labels[test], features.rows[test])
    assert report.accuracy == epochs[-1].val_accuracy
    assert report.low <= report.accuracy <= report.high
    assert report.confusion.sum() == test.sum()


def test_nothing_is_measured_on_photos_it_learns_from(features):
    """Test labels that are all wrong must give no accuracy, whatever was learnt."""
    labels = features.labels.copy()
    labels[~features.train] = (labels[~features.train] + 1) % 3
    end = last(transfer.train_head(replace(features, labels=labels), transfer.Recipe(epochs=10)))
    assert end.accuracy > 0.9
    assert end.val_accuracy < 0.1


def test_early_stopping_keeps_the_best_and_does_not_look_at_the_test(features):
    recipe = transfer.Recipe(epochs=200, patience=3, learning_rate=0.01)
    epochs = list(transfer.train_head(features, recipe))
    assert len(epochs) < 200
    assert epochs[-1].learnt < features.train.sum()
    wrong = features.labels.copy()
    wrong[~features.train] = 0
    other = list(transfer.train_head(replace(features, labels=wrong), recipe))
    assert [e.val_loss for e in other] == [e.val_loss for e in epochs]


def test_without_a_photo_to_keep_aside_it_does_not_stop_early(features):
    alone = np.zeros_like(features.train)
    for label in range(3):
        alone[np.flatnonzero(features.train & (features.labels == label))[0]] = True
    recipe = transfer.Recipe(epochs=5, patience=1)
    assert last(transfer.train_head(replace(features, train=alone), recipe)).number == 5


def test_a_clipped_gradient_is_no_longer_than_that():
    recipe = transfer.Recipe(
        optimizer="SGD", learning_rate=1.0, schedule="constant", weight_decay=0.0, clip=1.0
    )
    optimizer = optimizers.optimizer_of(recipe, 1)
    weights = [keras.Variable(np.zeros(3, "float32")) for _ in range(4)]
    optimizer.apply([keras.ops.ones(3)] * 4, weights)
    step = np.concatenate([keras.ops.convert_to_numpy(one) for one in weights])
    assert np.linalg.norm(step) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": 16, "batch_norm": True},
        {"hidden": 16, "initializer": "normal, deviation 1/sqrt(n)"},
        {"average": True},
        {"standardize": False, "learning_rate": 0.01},
        {"optimizer": "SGD", "learning_rate": 0.1, "schedule": "constant"},
        {"optimizer": "momentum", "learning_rate": 0.1, "clip": 1.0, "initializer": "He"},
        {"optimizer": "RMSprop", "label_smoothing": 0.1, "dropout": 0.0},
        {"optimizer": "Adagrad", "learning_rate": 0.1, "initializer": "uniform, -1 to 1"},
        {"schedule": "falling to a tenth in three steps", "weight_decay": 0.0},
    ],
)
def test_every_trick_still_learns(features, change):
    end = last(transfer.train_head(features, transfer.Recipe(epochs=8, batch=27, **change)))
    assert end.accuracy > 0.9


def test_averaged_weights_are_the_mean_over_the_later_epochs(features):
    recipe = transfer.Recipe(epochs=4, dropout=0.0)
    alone = [epoch.weights for epoch in transfer.train_head(features, recipe)]
    mean = [epoch.weights for epoch in transfer.train_head(features, replace(recipe, average=True))]
    for first, second in zip(alone[:2], mean[:2], strict=True):
        np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(mean[2][0], alone[2][0])
    np.testing.assert_allclose(mean[3][0], (alone[2][0] + alone[3][0]) / 2, atol=1e-6)


def test_without_scaling_the_head_reads_the_features_as_they_are(features):
    recipe = transfer.Recipe(epochs=1, learning_rate=1e-9, initializer="He")
    for standardize, scale in ((True, False), (False, True)):
        twice = replace(features, values=2 * np.asarray(features.values))
        one, two = (
            last(transfer.train_head(each, replace(recipe, standardize=standardize)))
            for each in (features, twice)
        )
        assert (abs(one.val_loss - two.val_loss) > 1e-3) == scale


def test_the_same_seed_gives_the_same_head(features):
    one, two, other = (
        last(transfer.train_head(features, transfer.Recipe(epochs=3, seed=seed, photos=2)))
        for seed in (1, 1, 2)
    )
    assert one.val_loss == pytest.approx(two.val_loss, rel=1e-4)
    assert one.val_loss != pytest.approx(other.val_loss, rel=1e-4)
    assert one.learnt == 6


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"dropout": 1.0},
        {"learning_rate": 0.0},
        {"optimizer": "magic"},
        {"photos": 0},
    ],
)
def test_senseless_recipes_are_refused(features, change):
    with pytest.raises(BadSettings, match=r"^Invalid .*: expected .*, received"):
        list(transfer.train_head(features, transfer.Recipe(**change)))


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_the_built_in_features_train_without_any_photo(name):
    features = transfer.builtin(name)
    assert features.backbone == name
    assert len(features.class_names) == 37
    end = last(transfer.train_head(features, transfer.Recipe(epochs=6)))
    assert end.val_accuracy > 0.2  # 2.7 % by chance
    species = transfer.grouped(features)
    assert set(species.class_names) == {"cat", "dog"}
    assert last(transfer.train_head(species, transfer.Recipe(epochs=6))).val_accuracy > 0.7


def test_the_classifier_is_a_backbone_and_comes_back_from_its_files(net, features, tmp_path):
    recipe = transfer.Recipe(epochs=3, hidden=8, batch_norm=True)
    head = last(transfer.train_head(features, recipe)).head
    own = transfer.as_backbone(net, head, features.class_names, "mine")
    dropped = weakref.ref(transfer.as_backbone(net, head, features.class_names, "two").model)
    gc.collect()
    assert dropped() is None  # the shared network does not keep it
    batch = np.random.default_rng(0).random((2, 80, 80, 3), "float32")
    expected = transfer.logits_of(head, transfer.vectors(net, batch))
    np.testing.assert_allclose(own.logits(batch), expected, atol=1e-4)
    assert own.predict(batch[0])[0].label in CROPPED
    project = transfer.Project(
        backbone="Pocket",
        data="d",
        class_names=features.class_names,
        recipe=recipe,
        accuracy=0.5,
        head=head,
    )
    again = transfer.load(transfer.save(project))
    assert (again.class_names, again.recipe) == (features.class_names, recipe)
    np.testing.assert_allclose(
        transfer.logits_of(again.head, transfer.vectors(net, batch)), expected, atol=1e-4
    )


@pytest.mark.parametrize("after", [1, 3])
def test_extraction_and_heads_can_be_stopped_anywhere(net, crops, features, tmp_path, after):
    steps = transfer.extract(net, datasets.folder(crops), tmp_path)
    next(steps)
    steps.close()
    *_, end = transfer.extract(net, datasets.folder(crops), tmp_path)
    np.testing.assert_array_equal(end.features.values, features.values)
    epochs = transfer.train_head(features, transfer.Recipe(epochs=9))
    for _ in range(after):
        epoch = next(epochs)
    epochs.close()
    assert epoch.number == after
    assert np.isfinite(transfer.logits_of(epoch.head, np.zeros((2, 320), "float32"))).all()


def test_trainings_leave_nothing_behind(features):
    def objects(trainings: int) -> int:
        for seed in range(trainings):
            list(transfer.train_head(features, transfer.Recipe(epochs=1, seed=seed)))
        gc.collect()
        return len(gc.get_objects())

    objects(2)
    before = objects(1)
    assert objects(3) - before < 300  # one training's compiled graphs are thousands of objects


def test_features_that_do_not_fit_in_memory_are_refused_before(features, monkeypatch):
    monkeypatch.setattr(backend, "available_memory", lambda: 1000)
    with pytest.raises(BadDataset, match=r"needs about \d\.\d GB of memory; .* another backbone"):
        next(transfer.train_head(features, transfer.Recipe()))


def test_a_loss_that_is_no_number_is_told(features):
    broken = replace(features, values=np.full_like(features.values, np.nan))
    with pytest.raises(Diverged, match="lower learning rate"):
        list(transfer.train_head(broken, transfer.Recipe()))


def test_the_interval_is_wilsons():
    assert transfer.interval(0, 0) == (0.0, 1.0)
    low, high = transfer.interval(8, 10)  # Brown, Cai and DasGupta, 2001: 0.490 to 0.943
    assert (low, high) == pytest.approx((0.490, 0.943), abs=0.001)


def test_what_always_says_the_same_is_not_better_than_chance():
    labels = np.repeat([0, 1], [36, 75])
    constant = np.tile(np.array([0.0, 1.0], "float32"), (111, 1))
    report = transfer.evaluate(constant, labels, np.arange(111))
    assert report.low > 0.5
    assert report.chance == report.accuracy
    assert not report.better_than_chance


def test_a_report_counts_what_it_should():
    logits = np.log(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]]))
    report = transfer.evaluate(logits, np.array([0, 1, 1, 0]), np.arange(4))
    assert report.accuracy == 0.5
    assert report.confusion.tolist() == [[1, 1], [1, 1]]
    assert report.confused() == ((0, 1, 2),)
    assert report.mistakes().tolist() == [1, 3]
    assert report.per_class.tolist() == [0.5, 0.5]
    assert report.error == pytest.approx((0.1 + 0.8 + 0.3 + 0.6) / 4)


def test_pets_without_its_lists_says_so(tmp_path):
    with pytest.raises(DatasetUnavailable, match=r"annotations/trainval\.txt"):
        datasets.pets(tmp_path)
