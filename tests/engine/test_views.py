"""What the network is shown of a picture, and what its layers answer to it."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from engine import backbones, images, synthesis
from engine.backbones import graph
from engine.synthesis import Channel, Live, Settings, Transformations, objectives


def test_views_are_padded_with_grey_and_noisy_when_asked(cat):
    picture = images.fit(cat, (64, 64))[None]
    far = Transformations(jitter=40, pad=True, noise=10, views=8)
    drawn = far.draw(np.random.default_rng(2), (64, 64))
    views = np.asarray(replace(far, noise=0).apply(picture, drawn))
    assert np.isclose(views, 0.5).mean() > 0.1  # beyond the edge
    assert np.isclose(picture, 0.5).mean() < 0.01
    noisy = np.asarray(far.apply(picture, drawn))
    deviations = (noisy - views).std(axis=(1, 2, 3))
    np.testing.assert_allclose(deviations, 10 / 255, rtol=0.05)
    assert not np.isclose(noisy[0] - views[0], noisy[1] - views[1]).all()
    still = Transformations(noise=10, views=3)  # nothing but noise tells the views apart
    assert still.apply(picture, still.draw(np.random.default_rng(2), (64, 64))).shape[0] == 3


def test_noise_grows_over_its_first_steps_and_stays():
    rising = Transformations(noise=20, noise_ramp=10, views=2)

    def deviation(step):
        return rising.draw(np.random.default_rng(2), (64, 64), step=step)["noise"].std()

    expected = [2 / 255, 10 / 255, 20 / 255, 20 / 255]
    np.testing.assert_allclose([deviation(k) for k in (0, 4, 9, 300)], expected, rtol=0.02)
    at_once = replace(rising, noise_ramp=0).draw(np.random.default_rng(2), (64, 64))["noise"]
    assert at_once.std() == pytest.approx(20 / 255, rel=0.02)
    assert abs(at_once.mean()) < 0.2 / 255


def test_a_channel_of_a_network_whose_convolutions_end_in_a_relu_is_optimised():
    net = backbones.load("VGG16", pretrained=False, size=48)
    settings = Settings(steps=2, live=Live(learning_rate=0.02))
    *_, frame = synthesis.ideal_image(net, Channel("block2_conv2", 5), settings)
    assert frame.picture.shape == (48, 48, 3)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.Dense(4, activation="relu"), [-0.1, -0.2, 3, 4]),
        (keras.layers.Activation("relu"), [-0.1, -0.2, 3, 4]),
        (keras.layers.ReLU(max_value=6), [-0.1, -0.2, 3, 4]),
        (keras.layers.Dense(4), [-1, -2, 3, 4]),
        (keras.layers.Activation("tanh"), np.tanh([-1, -2, 3, 4])),
    ],
)
def test_a_layer_that_ends_in_a_relu_answers_below_zero_too(layer, expected):
    x = keras.Input((4,))
    y = layer(x)
    if isinstance(layer, keras.layers.Dense):
        layer.set_weights([np.eye(4), np.zeros(4)])
    model = keras.Model(x, objectives._leaky(graph.before_relu(y), y))
    np.testing.assert_allclose(model(np.array([[-1.0, -2, 3, 4]]))[0], expected, rtol=1e-5)
