"""Which networks an attack on one of them fools."""

from engine import attacks, backbones, images
from engine.attacks import transferability
from tests.conftest import SAMPLES


def test_what_is_not_changed_fools_nobody(untrained):
    """Also where the attacked network reads smaller pictures than the others."""
    small = backbones.load("Pocket")
    names = ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg")
    photos = [images.load(SAMPLES / name) for name in names]
    row = transferability.transfer_row(
        [small, untrained], [small], photos, None, attacks.RandomNoise(epsilon=0)
    )
    assert row.changed == {"Pocket": 0.0, untrained.name: 0.0}
    assert len(row.labels[untrained.name]) == len(names)
