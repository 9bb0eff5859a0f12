"""The channel game asks what the network answers."""

import numpy as np
import pytest

from components.feature_maps import game
from components.shell import cache

NAME = "Pocket"


@pytest.mark.parametrize("number", range(4))
def test_the_right_photo_excites_the_channel_more(number):
    question = game.ask(NAME, 3, number)
    patches = [p for _, p in cache.sample_patches(NAME, question.layer, question.channel)]
    response = {patch.pixels.tobytes(): abs(patch.response) for patch in patches}
    right, wrong = (
        response[question.candidates[k].tobytes()] for k in (question.answer, 1 - question.answer)
    )
    assert right > 2 * wrong
    assert all(response[p.tobytes()] >= right for p in question.strong)
    assert all(response[p.tobytes()] <= wrong for p in question.weak)


def test_rounds_differ_and_the_same_seed_asks_the_same():
    first, again, other = game.ask(NAME, 1, 0), game.ask(NAME, 1, 0), game.ask(NAME, 1, 1)
    assert (first.layer, first.channel, first.answer) == (again.layer, again.channel, again.answer)
    assert (first.layer, first.channel) != (other.layer, other.channel)


def test_the_answer_is_left_as_often_as_right():
    answers = [game.ask(NAME, seed, 0).answer for seed in range(40)]
    assert 10 <= sum(answers) <= 30


def test_a_drawing_excites_the_channel_it_is_drawn_for():
    from engine import features, images

    question = game.ask(NAME, 3, 0)
    net = cache.backbone(NAME)
    drawn = images.fit(
        cache.channel_picture(NAME, question.layer, question.channel), net.input_size
    )
    noise = np.random.default_rng(0).random(drawn.shape, "float32")
    excited, calm = (
        features.activations(net, picture, question.layer).response[question.channel]
        for picture in (drawn, noise)
    )
    assert excited > 2 * calm
