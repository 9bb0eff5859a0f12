"""Which classifiers a wall shows when only those trained in time are asked for."""

from types import SimpleNamespace

import pytest

from components.wall import board


@pytest.mark.parametrize(
    ("figures", "seconds"), [({"time": "12.3 s"}, 12.3), ({"accuracy": "80 %"}, float("inf"))]
)
def test_the_time_of_a_training_is_read_from_its_figures(figures, seconds):
    assert board._seconds(SimpleNamespace(figures=figures)) == seconds
