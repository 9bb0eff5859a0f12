"""Pictures of one class that differ: the diversity term, and what it costs."""

from dataclasses import replace

import numpy as np
import pytest

from engine import synthesis
from engine.synthesis import Unlike, preset

CLASS = 40


@pytest.fixture(scope="module")
def settings(net):
    return replace(preset("clear", net), steps=40)


@pytest.fixture(scope="module")
def first(net, settings):
    *_, last = synthesis.ideal_image(net, CLASS, settings)
    return last


def similarity(net, a, b):
    return float((Unlike.of(net, [a]).index * Unlike.of(net, [b]).index).sum())


def test_a_picture_is_like_itself_and_less_like_a_photo(net, first, cat):
    assert similarity(net, first.picture, first.picture) == pytest.approx(1.0, abs=1e-4)
    assert similarity(net, first.picture, cat) < 0.9


def test_the_second_differs_and_is_still_of_its_class(net, settings, first):
    other = replace(settings, seed=1)
    *_, plain = synthesis.ideal_image(net, CLASS, other)
    unlike = replace(other, also=5.0 * Unlike.of(net, [first.picture]))
    *_, made = synthesis.ideal_image(net, CLASS, unlike)
    assert made.predictions[0].class_index == CLASS
    alike = similarity(net, first.picture, plain.picture)
    assert similarity(net, first.picture, made.picture) < alike - 0.05
    term = made.terms["difference from the other pictures"]
    assert 0 < term < 5 * alike
    assert made.loss == pytest.approx(sum(made.terms.values()))


def test_other_pictures_to_differ_from_need_no_new_compilation(net, settings, first, cat):
    before = None
    for others in ([first.picture], [first.picture, cat], [cat]):
        also = 5.0 * Unlike.of(net, others)
        list(synthesis.ideal_image(net, CLASS, replace(settings, also=also, steps=2)))
        compiled = len(net._kept)
        assert before in (None, compiled)
        before = compiled


def test_the_mean_of_several_is_as_like_as_they_are_on_average(net, first, cat):
    both = Unlike.of(net, [first.picture, cat]).index
    each = [Unlike.of(net, [one]).index for one in (first.picture, cat)]
    assert np.allclose(both, np.mean(each, axis=0), atol=1e-6)
