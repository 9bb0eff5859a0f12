"""The photos that a training needs: which they are, and their features."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.backbones import Backbone
from engine.storage import Data, few_of
from engine.transfer.extraction import Extracted, extract, width
from engine.transfer.heads import Recipe, check_features

ENOUGH = 20  # test photos; with fewer, accuracy is cross-validated
TWO_VIEWS = 1000  # photos up to which each is also seen mirrored


def needed(
    data: Data, recipe: Recipe, readable: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Which photos the head learns from, and which it is tested on, `(n,)` bool each.

    Args:
        data: the photos.
        recipe: how the head is trained.
        readable: `(n,)` bool, those not known to be unreadable; None for all.
    """
    readable = np.ones(len(data.labels), bool) if readable is None else readable
    train, tests = data.train & readable, ~data.train & readable
    few_tests = few_of(data.labels, tests, recipe.tested, recipe.seed)
    if few_tests.sum() < ENOUGH:
        return train, tests  # all take part in cross-validation
    if recipe.patience:
        return train, few_tests  # a part is kept aside to stop early
    return few_of(data.labels, train, recipe.photos, recipe.seed), few_tests


def check_memory_of(net: Backbone, data: Data, recipe: Recipe) -> None:
    """Raises `BadDataset` where the features of the photos would not fit in memory."""
    learn, tests = needed(data, recipe)
    check_features(width(net), _views(data), int(learn.sum()), int(tests.sum()))


def extract_needed(
    net: Backbone, data: Data, folder: Path, recipe: Recipe, elsewhere: Callable | None = None
) -> Iterator[Extracted]:
    """Like `extract`, for the photos that are needed; an unreadable one is replaced by another."""
    readable, rejected = np.ones(len(data.labels), bool), data.rejected
    while True:
        rows = np.flatnonzero(np.logical_or(*needed(data, recipe, readable)))
        for step in extract(net, data, folder, _views(data), elsewhere, rows):
            if (found := step.features) is None:
                yield step
                continue
            rejected = (*rejected, *found.rejected[len(data.rejected) :])
            if len(found.rows) == len(rows):
                yield replace(step, features=replace(found, rejected=rejected))
                return
            readable[np.setdiff1d(rows, found.rows)] = False


def _views(data: Data) -> int:
    return 2 if len(data.paths) <= TWO_VIEWS else 1
