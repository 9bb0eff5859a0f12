"""What a picture is optimised for: until when a class's logit counts, and a channel alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from engine import backbones, backend, features, synthesis
from engine.synthesis import ClassLogit, Live, Settings
from engine.synthesis.objectives import CERTAIN


def counted(logits, certain: bool) -> float:
    part = ClassLogit(2, certain)
    return float(part.value(None, backend.tensor(np.atleast_2d(logits)), part.index))


def odds(logits) -> float:
    """Logarithm of the odds of class 2."""
    logits = np.asarray(logits, "float64")
    return logits[2] - logsumexp(np.delete(logits, 2))


@pytest.mark.parametrize("own", [-3.0, 4.0, 13.0, 14.0, 40.0])
def test_a_logit_counts_as_far_as_the_network_is_certain(own):
    logits = [1.0, -2.0, own, 0.5]
    assert counted(logits, certain=False) == pytest.approx(own)
    beyond = odds(logits) - CERTAIN
    assert counted(logits, certain=True) == pytest.approx(own - max(beyond, 0), rel=1e-5)
    assert counted([logits, [0.0] * 4], certain=True) == pytest.approx(
        counted(logits, certain=True) / 2, rel=1e-5
    )  # the mean over views


def test_beyond_that_only_the_penalties_act(net):
    settings = Settings(steps=90, until_certain=True, live=Live(l2=0.2))
    ends = list(synthesis.ideal_image(net, 5, settings))
    endless = list(synthesis.ideal_image(net, 5, replace(settings, until_certain=False)))
    np.testing.assert_array_equal(ends[2].picture, endless[2].picture)  # not certain yet
    assert endless[-1].logit > ends[-1].logit + 10
    assert ends[-1].probability == pytest.approx(1 - np.exp(-CERTAIN), abs=1e-4)
    most = max(frame.terms["l2"] for frame in ends)
    assert ends[-1].terms["l2"] < 0.8 * min(most, endless[-1].terms["l2"])


def test_what_is_minimised_has_no_end():
    settings = Settings(until_certain=True)
    assert settings.objective(3).parts == (ClassLogit(3, until_certain=True),)
    assert replace(settings, target_weight=-1.0).objective(3).parts == (ClassLogit(3),)


@pytest.mark.parametrize("name", ["ConvNeXtTiny", "MobileNetV2"])
def test_without_natural_statistics_the_logit_has_no_end(name, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    net = backbones.load(name, pretrained=False)
    clear = synthesis.preset("clear", net)
    assert clear.natural == clear.until_certain == (name == "MobileNetV2")


def test_no_penalty_outweighs_a_channel_of_an_early_layer(mobilenet):
    """With those of the clear preset, the picture stays grey."""
    layer, channel = "block_6_expand_relu", 60
    answers, contrasts = [], []
    for settings in (
        synthesis.channel_preset(mobilenet),
        replace(synthesis.preset("clear", mobilenet), natural=False),
    ):
        one = replace(settings.transformations, views=1)
        *_, frame = synthesis.ideal_image(
            mobilenet,
            synthesis.Channel(layer, channel),
            replace(settings, steps=16, transformations=one),
        )
        answers.append(features.mean_response(mobilenet, [frame.picture], layer)[channel])
        contrasts.append(frame.picture.std())
    assert answers[0] > 2 * answers[1]
    assert contrasts[0] > 2 * contrasts[1]
