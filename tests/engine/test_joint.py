"""Several networks as one: the classes all of them know, the mean of their logits."""

from dataclasses import replace

import numpy as np
import pytest

from engine import backbones, features, images, synthesis
from engine.backbones import Store
from engine.core.errors import BadSettings, UnknownLayer, WeightsUnavailable
from engine.synthesis import Live, Settings, natural
from engine.synthesis.objectives import answers

NAME = "Pocket + Pocket Robust"


@pytest.fixture(scope="module")
def both():
    return Store().get(NAME)


def test_logits_are_the_mean_of_the_members(both, cat):
    picture = images.fit(cat, both.input_size)[None]
    expected = np.mean([backbones.load(n).logits(picture) for n in NAME.split(" + ")], axis=0)
    np.testing.assert_allclose(both.logits(picture), expected, atol=1e-4)
    assert both.name == NAME


def test_each_member_sees_pictures_at_its_own_size_and_only_shared_classes_count(cat):
    small, large = backbones.load("Pocket"), backbones.load("MobileNetV2", pretrained=False)
    names = (*reversed(small.class_names[10:20]), *large.class_names[20:])
    net = backbones.together([small, replace(large, class_names=names)])
    assert net.input_size == large.input_size
    assert net.class_names == small.class_names[10:20]
    picture = images.fit(cat, net.input_size)
    own = small.logits(images.fit(picture, small.input_size)[None])[0, 10:20]
    other = large.logits(picture[None])[0, :10][::-1]
    np.testing.assert_allclose(net.logits(picture[None])[0], (own + other) / 2, atol=0.02)


def test_two_classes_of_one_name_stay_two():
    names = ("crane", "lion", "crane")
    nets = [backbones.load(name, pretrained=False, size=32) for name in NAME.split(" + ")]
    nets = [replace(net, class_names=(*names, *net.class_names[3:])) for net in nets]
    picture = np.random.default_rng(0).random((1, 32, 32, 3), "float32")
    expected = np.mean([net.logits(picture) for net in nets], axis=0)
    np.testing.assert_allclose(backbones.together(nets).logits(picture), expected, atol=1e-4)


def test_an_ideal_image_convinces_both(both):
    settings = replace(synthesis.preset("clear", both), natural=True, steps=30)
    views = replace(settings.transformations, views=1)
    settings = replace(settings, transformations=views, live=Live(natural=1.0, learning_rate=0.05))
    *_, frame = synthesis.ideal_image(both, 4, settings)
    assert frame.terms["natural"] > 0
    for name in NAME.split(" + "):
        seen = images.fit(frame.picture, both.input_size)
        assert backbones.load(name).predict(seen)[0].class_index == 4


def test_natural_statistics_are_those_of_the_members(both):
    known = [natural.statistics(backbones.load(name)) for name in NAME.split(" + ")]
    found = natural.statistics(both)
    assert found.layers[0] == f"network_1/{known[0].layers[0]}"
    assert len(found.layers) == sum(len(one.layers) for one in known)
    np.testing.assert_array_equal(found.means[-1], known[-1].means[-1])


def test_the_total_activation_of_each_member_counts(cat, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    nets = [backbones.load(name, pretrained=False, size=32) for name in NAME.split(" + ")]
    photo = images.fit(cat, (32, 32))
    of_each = [natural.learn(net, photo[None], "a cat").totals[0] for net in nets]
    net = backbones.together(nets)
    known = natural.statistics(net)
    assert [total.layer for total in known.totals] == [
        f"network_{k}/{total.layer}" for k, total in enumerate(of_each, 1)
    ]

    def value(means):
        totals = [replace(t, mean=m, deviation=1) for t, m in zip(known.totals, means, strict=True)]
        part = natural.NaturalStatistics(replace(known, totals=tuple(totals)))
        return float(part.value(None, part.answer(answers(net, (part,))(photo[None])), 0))

    first, second = (total.mean for total in of_each)
    at_rest = value([first, second])
    assert value([first - 2, second]) == pytest.approx(at_rest + 0.1 * 4, rel=1e-3)
    assert value([first - 2, second - 3]) == pytest.approx(at_rest + 0.1 * 13, rel=1e-3)


@pytest.mark.parametrize("name", ["Pocket + Pocket", " + ".join(["Pocket"] * 5)])
def test_networks_that_do_not_make_a_joint_one(name):
    with pytest.raises(BadSettings, match="Expected 2 to 4 different networks"):
        Store().get(name)


def test_networks_without_a_common_class():
    nets = [backbones.load(name, pretrained=False, size=32) for name in NAME.split(" + ")]
    other = replace(nets[1], class_names=tuple(f"other {k}" for k in range(200)))
    with pytest.raises(BadSettings, match="share a class"):
        backbones.together([nets[0], other])


def test_a_member_whose_weights_are_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(WeightsUnavailable):
        Store().get("Pocket + VGG16")


def test_it_has_no_maps_for_a_class_activation(both, cat):
    with pytest.raises(UnknownLayer, match="received several"):
        features.class_activation(both, images.fit(cat, both.input_size), 0)


def test_it_cannot_be_shown_pictures_at_another_size(both):
    assert not both.resizable
    assert synthesis.preset("clear", both).small == ()
    assert Settings(small=((48, 3),)).shown(2) == 48
