"""The built-in backbone, as it is committed."""

from pathlib import Path

import numpy as np
import pytest

from engine import attacks, backbones, backend, config, features, images
from engine.backbones import pocket
from engine.core.errors import EngineError, WeightsDamaged
from engine.storage import registry, weights
from tests.conftest import SAMPLES

CATS = {"tabby", "Egyptian cat", "Persian cat"}


def test_it_sees_a_cat_in_the_cat(net, cat):
    top3 = {p.label for p in net.predict(images.fit(cat, net.input_size), top=3)}
    assert top3 & CATS


def test_it_sees_what_else_the_samples_show(net):
    coffee = images.fit(images.load(SAMPLES / "coffee.png"), net.input_size)
    assert not {p.label for p in net.predict(coffee, top=3)} & CATS


def test_it_comes_with_the_app_and_is_small():
    spec = registry.spec("Pocket")
    assert spec.builtin
    assert weights.is_here(spec)
    assert pocket.WEIGHTS.stat().st_size <= 6_000_000
    assert len(set(pocket.class_names())) == 200


def test_it_is_the_default_only_where_nothing_else_is(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert weights.available() == ("Pocket", "Pocket Robust")
    with pytest.raises(EngineError, match="not on this machine"):
        backbones.load("MobileNetV2")


@pytest.mark.parametrize("size", [64, 96, 128])
def test_it_reads_pictures_of_other_sizes(net, cat, size):
    model = pocket.build(input_shape=(None, None, 3))
    pocket.load_weights(model)
    logits = backend.numpy(model(backend.tensor(images.fit(cat, (size, size))[None])))
    assert logits.shape == (1, 200)
    if size <= 96:  # beyond, things are larger than any it has learned from
        assert {pocket.class_names()[k] for k in np.argsort(-logits[0])[:5]} & CATS


def test_it_offers_what_every_backbone_offers(net, cat):
    picture = images.fit(cat, net.input_size)
    layer = "block3_conv2_relu"
    maps = features.activations(net, picture, layer)
    assert maps.values.shape == net.layer(layer).shape
    assert features.class_activation(net, picture, 0).shape == net.input_size
    assert features.saliency(net, picture, 0).shape == net.input_size
    assert features.kernels(net).shape == (24, 3, 3, 3)


def test_folding_keeps_its_logits(net, cat):
    picture = images.fit(cat, net.input_size)[None]
    plain = backbones.load("Pocket", fold=False)
    assert np.abs(plain.logits(picture) - net.logits(picture)).max() < 1e-3


def test_every_layer_answers_what_it_is_named_for(net, cat):
    """A folded convolution would answer what its normalization does."""
    picture = images.fit(cat, net.input_size)
    plain = backbones.load("Pocket", fold=False)
    for info in (i for i in net.layers if i.has_maps):
        shown = features.activations(net, picture, info.name).values
        own = features.activations(plain, picture, info.name).values
        assert np.array_equal(shown, own), info.name
    convolution, normalization = (
        features.activations(net, picture, name).values
        for name in ("block2_conv1", "block2_conv1_bn")
    )
    assert np.abs(convolution - normalization).max() > 0.1


@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_a_damaged_asset_is_refused(tmp_path, damage):
    content = bytearray(pocket.WEIGHTS.read_bytes())
    content[len(content) // 2] ^= 1
    file = tmp_path / "pocket.npz"
    if damage != "missing":
        file.write_bytes(content if damage == "changed" else content[: len(content) // 2])
    model = pocket.build()
    with pytest.raises(WeightsDamaged, match=r"Restore engine/assets"):
        pocket.load_weights(model, file)


def test_damaged_facts_leave_the_other_backbones_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "ASSETS", tmp_path)
    (tmp_path / "pocket.json").write_text("{")
    registry.specs.cache_clear()
    registry.facts.cache_clear()
    try:
        assert "MobileNetV2" in registry.specs()
        with pytest.raises(WeightsDamaged, match=r"Restore engine/assets"):
            registry.spec("Pocket")
    finally:
        registry.specs.cache_clear()
        registry.facts.cache_clear()


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_the_readme_gives_the_measured_figure(name):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"{100 * registry.spec(name).top1:.1f} %" in readme


def test_the_robust_one_comes_with_the_app_too_and_is_another_network(net):
    robust = backbones.load("Pocket Robust")
    assert weights.path(robust.spec).stat().st_size <= 6_000_000
    assert robust.class_names == net.class_names
    picture = images.fit(images.load(SAMPLES / "coffee.png"), net.input_size)
    assert robust.predict(picture)[0].label == net.predict(picture)[0].label == "espresso"
    assert not np.allclose(robust.logits(picture[None]), net.logits(picture[None]))


def test_what_fools_pocket_does_not_fool_the_robust_one(net):
    robust = backbones.load("Pocket Robust")
    picture = images.fit(images.load(SAMPLES / "coffee.png"), net.input_size)
    fooled = []
    for one in (net, robust):
        attack = attacks.PGD(epsilon=4, steps=20)
        *_, last = attacks.run(one, picture, attacks.Untargeted(), attack)
        fooled.append(last.succeeded)
    assert fooled == [True, False]
