"""Every registered backbone is Keras' own network, with the picture in 0..1 and logits out."""

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

from engine import backbones, features, images
from engine.backbones import folding, graph, network
from engine.core.errors import UnknownBackbone, UnknownClass, UnknownLayer, WeightsUnavailable
from engine.storage import registry

DOWNLOADED = [name for name, spec in registry.specs().items() if not spec.builtin]
PREPROCESSING = {
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "ResNet50": "resnet50",
    "ResNet50V2": "resnet_v2",
    "InceptionV3": "inception_v3",
    "Xception": "xception",
    "DenseNet121": "densenet",
    "MobileNet": "mobilenet",
    "MobileNet 0.75": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Small": "mobilenet_v3",
    "MobileNetV3Large": "mobilenet_v3",
    "EfficientNetB0": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2",
    "ConvNeXtTiny": "convnext",
    "NASNetMobile": "nasnet",
}
HAS_BATCH_NORM = [n for n in DOWNLOADED if n not in ("VGG16", "VGG19", "ConvNeXtTiny")]


def keras_own(name: str, **options) -> keras.Model:
    spec = registry.spec(name)
    if spec.alpha != 1.0:
        options["alpha"] = spec.alpha
    options["input_shape"] = (spec.size, spec.size, 3)
    builder = getattr(keras.applications, spec.builder)
    return builder(classifier_activation=None, **options)


def randomise(model: keras.Model, seed: int = 0) -> None:
    """Gives every weight, batch-norm statistics among them, a value that is not trivial."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for variable in layer.weights:
                spread = "variance" in variable.name or "gamma" in variable.name
                low, high = (0.6, 1.6) if spread else (-0.2, 0.2)
                variable.assign(generator.uniform(low, high, variable.shape))


def test_the_registry_holds_the_sixteen_and_their_facts():
    assert set(PREPROCESSING) == set(DOWNLOADED)
    for spec in registry.specs().values():
        assert 0.3 < spec.top1 < 0.9
        assert 2012 <= spec.year <= 2026
        assert spec.parameters > 1_000_000


@pytest.mark.parametrize("name", DOWNLOADED)
def test_backbone_is_keras_own(name, tmp_path, monkeypatch, cat):
    """Same file name, address and hash as Keras; with the same weights, the same logits."""
    spec = registry.spec(name)
    keras.utils.set_random_seed(1)
    ours = backbones.load(name, pretrained=False, fold=False)
    randomise(ours.model)
    assert ours.model.count_params() == spec.parameters
    file = tmp_path / "models" / spec.filename
    file.parent.mkdir()
    with h5py.File(file, "w") as h5:
        legacy_h5_format.save_weights_to_hdf5_group(h5, ours.model)
    asked = {}

    def from_cache(fname, origin, file_hash=None, md5_hash=None, **_):
        asked.update(fname=fname, origin=origin, digest=file_hash or md5_hash or "")
        return str(file)

    with monkeypatch.context() as patch:
        patch.setattr(file_utils, "get_file", from_cache)
        theirs = keras_own(name, weights="imagenet")
    assert asked == {"fname": spec.filename, "origin": spec.url, "digest": spec.digest}

    picture = images.fit(cat, (spec.size, spec.size))[None]
    module = getattr(keras.applications, PREPROCESSING[name])
    prepared = module.preprocess_input(picture * 255.0)
    expected = np.asarray(theirs(prepared, training=False))
    found = np.asarray(ours.model(picture, training=False))  # compiled, it takes longer
    assert np.abs(found - expected).max() < 1e-5 * max(np.abs(expected).max(), 1.0)

    pairs = folding.pairs(ours.model)
    assert bool(pairs) == (name in HAS_BATCH_NORM)
    folded = folding.fold(folding.depthwise(ours.model))
    difference = np.abs(np.asarray(folded(picture, training=False)) - found).max()
    assert difference < 1e-3
    left = {layer.name for layer in folded.layers if type(layer).__name__ == "BatchNormalization"}
    assert not left & {bn.name for _, bn in pairs}
    assert all(getattr(layer, "groups", 1) == 1 for layer in folded.layers)  # left to XLA by Keras

    check_layers(ours, picture[0])


def test_grouped_convolutions_become_depthwise_ones(cat):
    plain = backbones.load("ConvNeXtTiny", pretrained=False, fold=False, size=64).model
    for layer in plain.layers:
        if layer.name.endswith("layer_scale"):  # at first they let nothing of a block through
            layer.set_weights([np.ones(weight.shape) for weight in layer.get_weights()])
    picture = images.fit(cat, (64, 64))[None]
    expected = np.asarray(plain(picture, training=False))
    found = np.asarray(folding.depthwise(plain)(picture, training=False))
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    net = backbones.load("ConvNeXtTiny", pretrained=False, size=64)
    assert [info.kind for info in net.layers].count("DepthwiseConv2D") == 18


def check_layers(net, picture):
    """Layers come in network order with the shapes they really have, nested ones included."""
    depths = [info.depth for info in net.layers]
    assert depths == sorted(depths)
    assert depths[0] == 0
    assert depths[-1] == 1
    assert net.layers[-1].shape == (1000,)
    assert [i.stage for i in net.layers] == sorted(i.stage for i in net.layers)
    with_maps = [info for info in net.layers if info.has_maps]
    nested = [info for info in with_maps if "/" in info.name]
    tiny = [info for info in with_maps if info.shape[:2] == (1, 1)]
    for info in {
        i.name: i for i in [with_maps[len(with_maps) // 2], *nested[:1], *tiny[:1]]
    }.values():
        maps = features.activations(net, picture, info.name)
        assert maps.values.shape == info.shape
        assert maps.response.shape == maps.dead.shape == maps.ranking.shape == info.shape[-1:]
    assert features.kernels(net).shape[-1] == 3


@pytest.mark.parametrize(
    ("scaling", "module"),
    [("caffe", "vgg16"), ("tf", "mobilenet_v2"), ("torch", "densenet"), ("none", "efficientnet")],
)
def test_preprocessing_equals_keras(scaling, module, cat):
    picture = keras.Input((None, None, 3))
    ours = keras.Model(picture, network.preprocess(picture, scaling))(cat[None])
    theirs = getattr(keras.applications, module).preprocess_input(cat[None] * 255.0)
    assert np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max() < 1e-5


def test_layers_are_called_the_same_every_time():
    """InceptionV3 leaves most of its names to Keras, which counts them up."""
    spec = registry.spec("InceptionV3")
    first, second = ([path for path, _ in graph.walk(backbones.build(spec))] for _ in range(2))
    assert first == second
    assert "conv2d" in first


def test_pretrained_network_names_the_cat(mobilenet, cat):
    answer = mobilenet.predict(images.fit(cat, mobilenet.input_size))
    assert {"Egyptian cat", "tabby", "tiger cat"} & {p.label for p in answer[:3]}
    assert answer[0].probability > answer[-1].probability > 0


def test_folding_keeps_the_logits_on_real_photos(mobilenet, photos):
    plain = backbones.load("MobileNetV2", fold=False)
    batch = np.stack([images.fit(images.load(p), plain.input_size) for p in photos[::63]])
    assert np.abs(plain.logits(batch) - mobilenet.logits(batch)).max() < 1e-3


def test_a_batch_gives_what_single_pictures_give(untrained, cat):
    picture = images.fit(cat, untrained.input_size)
    batch = untrained.logits(np.stack([picture, picture[:, ::-1]]))
    assert np.allclose(batch[0], untrained.logits(picture[None])[0], atol=1e-4)


def test_loaded_backbones_cannot_be_trained(untrained):
    assert untrained.model.trainable_variables == []


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda net: backbones.load("VGG17"), UnknownBackbone, "VGG17.*VGG16"),
        (lambda net: net.layer("block99"), UnknownLayer, "block99"),
        (lambda net: net.check_class(1000), UnknownClass, "0 to 999.*1000"),
    ],
)
def test_wrong_names_are_one_sentence(untrained, call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(untrained)


def test_missing_weights_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(WeightsUnavailable, match=r"553 MB.*another backbone"):
        backbones.load("VGG16")
