"""Activations, Grad-CAM and saliency mean what they say, checked on networks one can compute."""

import keras
import numpy as np
import pytest

from engine import backbones, features, images
from engine.backbones import graph
from engine.core.errors import UnknownClass, UnknownLayer
from engine.storage import registry


def hand_made(layers: list, size: int = 8, classes: int = 2) -> backbones.Backbone:
    """A backbone around a network small enough to work out by hand."""
    picture = keras.Input((size, size, 3), name="picture")
    x = picture
    for layer in layers:
        x = layer(x)
    model = keras.Model(picture, x)
    return backbones.Backbone(
        spec=registry.spec("MobileNetV2"),
        model=model,
        plain=model,
        class_names=tuple(f"class {k}" for k in range(classes)),
        layers=graph.describe(model),
    )


def constant(values):
    return keras.initializers.Constant(values)


@pytest.fixture
def red_and_blue():
    """Two channels, red and blue, a dead third; class 0 counts red, class 1 counts blue."""
    kernel = np.zeros((1, 1, 3, 3), "float32")
    kernel[0, 0, 0, 0] = kernel[0, 0, 2, 1] = 1.0
    dense = np.array([[1, 0], [0, 1], [0, 0]], "float32")
    return hand_made(
        [
            keras.layers.Conv2D(
                3, 1, use_bias=False, kernel_initializer=constant(kernel), name="c"
            ),
            keras.layers.ReLU(name="r"),
            keras.layers.GlobalAveragePooling2D(name="g"),
            keras.layers.Dense(2, use_bias=False, kernel_initializer=constant(dense), name="d"),
        ]
    )


@pytest.fixture
def halves():
    """Left half blue, right half a quarter red."""
    picture = np.zeros((8, 8, 3), "float32")
    picture[:, :4, 2] = 1.0
    picture[:, 4:, 0] = 0.25
    return picture


def test_channels_are_ranked_and_the_dead_are_told(red_and_blue, halves):
    maps = features.activations(red_and_blue, halves, "r")
    assert maps.values.shape == (8, 8, 3)
    assert maps.ranking.tolist() == [1, 0, 2]
    assert maps.dead.tolist() == [False, False, True]
    assert np.allclose(maps.response, [0.125, 0.5, 0.0])
    assert np.allclose(maps.values[..., 0], halves[..., 0])
    assert maps.zeros.tolist() == [0.5, 0.5, 1.0]


def test_class_activation_lights_the_class_and_nothing_else(red_and_blue, halves):
    red = features.class_activation(red_and_blue, halves, 0)
    assert red.shape == (8, 8)
    assert red.max() == pytest.approx(1.0)
    assert red[:, 5:].min() > 0.9
    assert red[:, :3].max() < 0.1


def test_what_lowers_a_class_is_the_other_places(halves):
    """Class 0 counts red and minus blue: red raises it, blue lowers it."""
    dense = np.array([[1, 0], [0, 0], [-1, 1]], "float32")
    net = hand_made(
        [
            keras.layers.Activation("linear", name="r"),
            keras.layers.GlobalAveragePooling2D(name="g"),
            keras.layers.Dense(2, use_bias=False, kernel_initializer=constant(dense), name="d"),
        ]
    )
    raised = features.class_activation(net, halves, 0)
    lowered = features.class_activation(net, halves, 0, against=True)
    assert raised[:, 6:].min() > 0.9
    assert lowered[:, :2].min() > 0.9
    assert raised[:, :2].max() == lowered[:, 6:].max() == 0
    assert not features.class_activation(net, halves, 1, against=True).any()


def test_saliency_is_the_gradient(red_and_blue, halves):
    heat = features.saliency(red_and_blue, halves, 1, samples=2, noise=0.0)
    assert heat[:, :4].min() == pytest.approx(1.0)
    assert heat[:, 4:].max() == 0.0


def test_saliency_repeats_with_its_seed(untrained, cat):
    picture = images.fit(cat, untrained.input_size)
    first, again, other = (
        features.saliency(untrained, picture, 3, samples=2, seed=s) for s in (1, 1, 2)
    )
    assert np.allclose(first, again, atol=1e-5)
    assert not np.allclose(first, other, atol=1e-3)


def test_kernels_have_the_colours_they_answer_to():
    """VGG16 reads blue, green, red: the kernel that answers to red must be shown red."""
    net = backbones.load("VGG16", pretrained=False)
    first = net.plain.get_layer("block1_conv1")
    kernel = np.zeros(first.kernel.shape, "float32")
    kernel[1, 1, 2, 0] = 1.0
    first.kernel.assign(kernel)
    red = np.zeros((*net.input_size, 3), "float32")
    red[..., 0] = 1.0
    answer = [
        features.activations(net, p, "block1_conv1").values[100, 100, 0] for p in (red, 1 - red)
    ]
    assert answer[0] > answer[1]
    shown = features.kernels(net)[0].sum(axis=(0, 1))
    assert shown.tolist() == [1.0, 0.0, 0.0]


def test_nested_models_are_looked_into(halves):
    inner = keras.Sequential(
        [keras.layers.Conv2D(4, 3, name="conv"), keras.layers.ReLU(name="relu")], name="stem"
    )
    net = hand_made([inner, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    assert [i.name for i in net.layers][:2] == ["stem/conv", "stem/relu"]
    maps = features.activations(net, halves, "stem/conv")
    again = features.activations(net, halves, "stem/relu")
    assert maps.values.shape == (6, 6, 4)
    assert np.allclose(np.maximum(maps.values, 0), again.values)
    assert features.class_activation(net, halves, 0).shape == (8, 8)


def test_class_activation_points_at_the_cat(mobilenet, cat):
    """Half the picture is painted over: the heat stays on the half with the cat."""
    picture = images.fit(cat, mobilenet.input_size).copy()
    picture[:, :112] = 0.5
    index = mobilenet.class_names.index("Egyptian cat")
    heat = features.class_activation(mobilenet, picture, index)
    assert heat[:, 112:].sum() > 2 * heat[:, :112].sum()


def test_vectors_and_unknown_layers_are_one_sentence(untrained, cat):
    picture = images.fit(cat, untrained.input_size)
    with pytest.raises(UnknownLayer, match=r"vector of shape \(1280,\)"):
        features.activations(untrained, picture, "global_average_pooling2d")
    with pytest.raises(UnknownLayer, match="nothing"):
        features.activations(untrained, picture, "nothing")
    with pytest.raises(UnknownClass):
        features.class_activation(untrained, picture, -1)


def test_the_nearest_layer_is_at_the_same_depth(untrained):
    for depth in (0.0, 0.3, 0.8):
        assert abs(features.nearest_layer(untrained, depth).depth - depth) < 0.02


def test_patches_are_where_a_channel_answers_most(red_and_blue):
    here = np.zeros((8, 8, 3), "float32")
    here[1, 6, 0] = 0.5
    there = np.zeros((8, 8, 3), "float32")
    there[6, 2, 0] = 1.0
    found = features.peaks(red_and_blue, [here, there], "c")
    patches = features.strongest_patches(found, [here, there], 0)
    assert [patch.picture for patch in patches] == [1, 0]
    assert [patch.response for patch in patches] == [1.0, 0.5]
    assert [float(patch.pixels.max()) for patch in patches] == [1.0, 0.5]


def test_patches_are_ranked_by_magnitude_as_channels_are(untrained, cat):
    """A linear layer has negative values: the largest magnitude counts, and its sign is told."""
    picture = images.fit(cat, untrained.input_size)
    layer = "block_2_project_BN"
    maps = features.activations(untrained, picture, layer).values
    found = features.peaks(untrained, [picture], layer)
    flat = maps.reshape(-1, maps.shape[-1])
    expected = flat[np.abs(flat).argmax(axis=0), np.arange(flat.shape[1])]
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-4, atol=1e-6)
    assert (expected < 0).any()
    channel = int(np.argmin(expected))
    both = features.peaks(untrained, [np.zeros_like(picture), picture], layer)
    patches = features.strongest_patches(both, [np.zeros_like(picture), picture], channel)
    strengths = [abs(patch.response) for patch in patches]
    assert strengths == sorted(strengths, reverse=True)


def test_the_scale_of_a_network_is_that_of_all_its_maps(net, cat):
    picture = images.fit(cat, net.input_size)
    maps = [
        features.activations(net, picture, info.name).values for info in net.layers if info.has_maps
    ]
    strong = np.concatenate([np.abs(values[values != 0]) for values in maps])
    scale = features.network_scale(net, picture)
    assert scale == pytest.approx(np.percentile(strong, 99.5), rel=1e-3)
    assert 0.004 < np.mean(strong > scale) < 0.006
