"""The bisection of the smallest change: each search is one of its own."""

from types import SimpleNamespace

import numpy as np

from engine.attacks.minimal import _Search


def test_each_search_begins_with_the_original():
    """What the last search has found counts for its own weight, not for the next one."""

    def query(size, fooled):
        pictures = np.full((2, 4, 4, 3), 100.0, "float32")
        change = np.full_like(pictures, size)
        return SimpleNamespace(original=pictures, change=change, fooled=np.array(fooled))

    search, first = _Search(), query(0.0, [False, False])
    assert search.begin(first, 1.0) is first
    search.adam(np.ones((2, 4, 4, 3)), 0.1)
    assert search.begin(query(3.0, [True, False]), 1.0) is first
    assert search.high.tolist() == [1.0, np.inf]
    assert search.low.tolist() == [0.0, 1.0]
    assert search.weight.tolist() == [0.5, 10.0]
    assert not search.fooled.any()
    assert (search.position == search.origin).all()
