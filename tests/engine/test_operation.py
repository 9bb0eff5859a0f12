"""One value of a map, taken apart: its window, kernel and products give the value back."""

import keras
import numpy as np
import pytest

from engine import backbones, backend, features, images
from engine.core.errors import UnknownLayer
from engine.features import operation
from engine.features.operation import ELEMENTWISE


def places(net, picture, each, seed=0):
    """A value at the edge or within, of so many layers of each kind."""
    generator = np.random.default_rng(seed)
    kinds, chosen = {}, []
    for number in generator.permutation(len(net.layers)):
        info = net.layers[number]
        kinds[info.kind] = kinds.get(info.kind, 0) + 1
        if info.has_maps and kinds[info.kind] <= each:
            row, column, channel = (int(generator.integers(n)) for n in info.shape)
            row = 0 if generator.random() < 0.3 else row
            chosen.append((info.name, channel, row, column))
    model = keras.Model(net.plain.inputs[0], [net.output(name) for name, *_ in chosen])
    all_maps = model(backend.tensor(picture[None]), training=False)
    for (name, channel, row, column), maps in zip(chosen, all_maps, strict=True):
        yield name, channel, row, column, float(backend.numpy(maps)[0, row, column, channel])


def checked(net, picture, each):
    """How often each kind was met."""
    seen = {}
    for name, channel, row, column, expected in places(net, picture, each):
        found = features.value(net, picture, name, channel, row, column)
        seen[found.kind] = seen.get(found.kind, 0) + 1
        near = {"rel": 1e-3, "abs": 1e-3}
        assert found.number == pytest.approx(expected, **near)
        if found.products is not None:
            total = float(found.products.sum()) + found.bias
            total = max(total, 0.0) if found.activation == "relu" else total
            assert total == pytest.approx(found.number, **near), name
        elif found.kind == "maximum of a window":
            assert max(found.window.max(), 0 if found.window.min() == 0 else -np.inf) >= expected
        elif found.kind == "sum of several maps":
            assert float(found.window.sum()) == pytest.approx(found.number, **near), name
        elif found.kind == "product of several maps":
            assert float(found.window.prod()) == pytest.approx(found.number, **near), name
        elif found.kind == "one of several inputs":
            assert float(found.window.item()) == pytest.approx(found.number, **near), name
        elif found.kind == "mean of a window":
            assert found.window.min() - 1e-3 <= found.number <= found.window.max() + 1e-3
    return seen


def test_every_value_of_the_pocket_backbone_is_explained(net, cat):
    seen = checked(net, images.fit(cat, net.input_size), 99)
    assert {"convolution", "mean of a window", ELEMENTWISE} <= set(seen)


@pytest.mark.parametrize(
    ("name", "size", "each", "kinds"),
    [
        ("MobileNetV2", 96, 2, {"depthwise convolution", "sum of several maps", ELEMENTWISE}),
        ("ResNet50", 64, 2, {"sum of several maps", ELEMENTWISE, "Flip"}),
        ("VGG16", 64, 2, {"maximum of a window"}),
        ("Xception", 80, 2, {"separable convolution", "sum of several maps"}),
        ("MobileNetV3Small", 64, 3, {ELEMENTWISE, "product of several maps"}),
        ("DenseNet121", 64, 1, {"one of several inputs"}),
        ("ConvNeXtTiny", 64, 2, {ELEMENTWISE, "scaled over all channels"}),
    ],
)
def test_values_of_other_architectures_are_explained(name, size, each, kinds, cat):
    net = backbones.load(name, pretrained=False, size=size)
    seen = checked(net, images.fit(cat, net.input_size), each)
    assert {"convolution", *kinds} <= set(seen)


@pytest.mark.parametrize(
    ("name", "layer"), [("VGG16", "block2_conv1"), ("MobileNetV2", "block_3_expand_relu")]
)
def test_pixels_move_what_a_relu_has_set_to_zero(name, layer, cat):
    net = backbones.load(name, pretrained=False, size=64)
    picture = images.fit(cat, net.input_size)
    maps = features.activations(net, picture, layer).values
    row, column, channel = next(place for place in np.argwhere(maps == 0) if place.min() > 4)
    assert features.value(net, picture, layer, channel, row, column).box is not None


def test_only_pixels_in_the_box_move_it(net, cat):
    picture = images.fit(cat, net.input_size)
    layer = next(i.name for i in net.layers if i.has_maps and i.name.startswith("block2_conv2"))
    found = features.value(net, picture, layer, 3, 20, 11)
    top, left, bottom, right = found.box
    assert 0 < bottom - top < picture.shape[0] / 2
    outside = np.random.default_rng(0).random(picture.shape).astype("float32")
    outside[top:bottom, left:right] = picture[top:bottom, left:right]
    again = features.activations(net, outside, layer).values[20, 11, 3]
    assert again == pytest.approx(found.number, abs=1e-4)
    inside = picture.copy()
    inside[top:bottom, left:right] = 1 - inside[top:bottom, left:right]
    assert features.activations(net, inside, layer).values[20, 11, 3] != pytest.approx(found.number)


@pytest.mark.parametrize("place", [(0, 99, 0), (999, 0, 0), (0, 0, -1)])
def test_a_place_that_is_none_is_a_sentence(net, cat, place):
    with pytest.raises(UnknownLayer, match="received the place"):
        features.value(net, images.fit(cat, net.input_size), "block1_conv1", *place)


def test_a_vector_has_no_place(net, cat):
    with pytest.raises(UnknownLayer):
        features.value(net, images.fit(cat, net.input_size), "features", 0, 0, 0)


@pytest.mark.parametrize("kind", [keras.layers.AveragePooling2D, keras.layers.MaxPooling2D])
@pytest.mark.parametrize("place", [(0, 0), (0, 5), (5, 5), (2, 3)])
def test_a_window_at_the_border_is_pooled_without_the_padding(kind, place):
    pooling = kind(3, strides=1, padding="same")
    maps = -1 - np.random.default_rng(0).random((6, 6, 2), "float32")  # a zero would be largest
    expected = backend.numpy(pooling(maps[None]))[0]
    _, window, _, _ = operation._apart(pooling, [maps], (*place, 1))
    made = window.mean() if kind is keras.layers.AveragePooling2D else window.max()
    assert made == pytest.approx(expected[(*place, 1)], rel=1e-5)
