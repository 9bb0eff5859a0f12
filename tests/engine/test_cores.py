"""However many cores share views or a batch, the result is the same but for rounding."""

from dataclasses import replace

import numpy as np
import pytest

from engine import attacks, backbones, backend, synthesis


def made(cores, monkeypatch):
    """Three steps of five views, and an attack on five pictures, by a network of its own."""
    monkeypatch.setattr(backend, "cores", lambda: cores)
    net = backbones.load("Pocket")  # what is compiled is kept with it
    clear = synthesis.preset("clear", net)
    settings = replace(clear, steps=3, transformations=replace(clear.transformations, views=5))
    *_, frame = synthesis.ideal_image(net, 3, settings)
    batch = np.random.default_rng(0).random((5, *net.input_size, 3), "float32")
    pgd = attacks.PGD(steps=2, random_start=False)
    *_, step = attacks.run_batch(net, batch, net.logits(batch).argmax(axis=1), pgd, targeted=False)
    return frame.picture, step.pictures


@pytest.mark.parametrize("cores", [2, 3])
def test_the_number_of_cores_makes_no_difference(cores, monkeypatch):
    alone, shared = made(1, monkeypatch), made(cores, monkeypatch)
    for one, other in zip(alone, shared, strict=True):
        differ = np.abs(one - other) > 1.01 / 255  # a level of grey, where rounding decides
        assert differ.mean() < 0.01
