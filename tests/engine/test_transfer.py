"""Learning on frozen features: what is measured, kept, stopped and taken home."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from engine import backend, images, transfer
from engine.errors import BadDataset, BadSettings, DatasetUnavailable, Diverged
from engine.storage import datasets, registry
from engine.transfer import extraction, training
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
    chosen, _ = training._needed(data, recipe)
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


def test_a_full_disk_is_one_sentence_and_leaves_nothing(net, crops, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(BadDataset, match="No space left on device"):
        list(extraction.extract(net, datasets.folder(crops), tmp_path / "kept"))
    assert not list((tmp_path / "kept").iterdir())


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
    end = last(transfer.train_head(features, transfer.Recipe(epochs=15, **change)))
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
    end = last(transfer.train_head(features, transfer.Recipe()))
    assert end.val_accuracy > 0.2  # 2.7 % by chance
    species = transfer.grouped(features)
    assert set(species.class_names) == {"cat", "dog"}
    assert last(transfer.train_head(species, transfer.Recipe())).val_accuracy > 0.7


def test_the_classifier_is_a_backbone_and_comes_back_from_its_files(net, features, tmp_path):
    recipe = transfer.Recipe(epochs=3, hidden=8, batch_norm=True)
    head = last(transfer.train_head(features, recipe)).head
    own = transfer.as_backbone(net, head, features.class_names, "mine")
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
