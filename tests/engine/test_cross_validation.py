"""Cross-validation: every photo is tested on a head that has not seen it."""

from dataclasses import replace

import numpy as np
import pytest

from engine import transfer
from engine.core.errors import BadDataset

RECIPE = transfer.Recipe(epochs=5, learning_rate=0.01)


def test_cross_validation_tests_every_photo_on_a_head_that_has_not_seen_it(features):
    steps = list(transfer.cross_validate(features, RECIPE))
    assert steps[:-1] == [None] * 4
    report = steps[-1]
    assert len(report.labels) == len(features.labels)
    assert report.accuracy > 0.9
    shuffled = replace(features, labels=np.random.default_rng(0).permutation(features.labels))
    *_, chance = transfer.cross_validate(shuffled, RECIPE, folds=3)
    assert not chance.better_than_chance  # nothing of a photo's own label reaches its test


def test_a_class_with_one_photo_is_not_tested(features):
    rows = np.append(np.flatnonzero(features.labels != 0), np.flatnonzero(features.labels == 0)[0])
    few = replace(
        features,
        labels=features.labels[rows],
        values=features.values[rows],
        train=features.train[rows],
        rows=features.rows[rows],
    )
    *_, report = transfer.cross_validate(few, transfer.Recipe(epochs=1))
    assert set(report.labels) == {1, 2}
    with pytest.raises(BadDataset, match="two classes with two photos"):
        list(transfer.cross_validate(replace(few, labels=np.arange(len(rows))), transfer.Recipe()))
