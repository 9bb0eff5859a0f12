"""What a network responds to: activations, class-activation maps, saliency, first kernels."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from engine.backbones import Backbone, graph
from engine.core import backend, images
from engine.core.errors import UnknownLayer
from engine.core.types import Activations, LayerInfo, Patch, Peaks


def activations(net: Backbone, picture: np.ndarray, layer_name: str) -> Activations:
    """Runs the network up to one layer and no further.

    Args:
        net: a loaded backbone.
        picture: `(H, W, 3)` in 0..1 at the network's input size.
        layer_name: a layer with maps.

    Raises:
        UnknownLayer: there is no such layer, or its output is a vector.
    """
    info = _map_layer(net, layer_name)
    values = backend.numpy(_up_to(net, layer_name)(backend.tensor(picture[None])))[0]
    response = np.abs(values).mean(axis=(0, 1))
    low, high = values.min(axis=(0, 1)), values.max(axis=(0, 1))
    tolerance = 1e-6 * max(float(np.abs(values).max()), 1e-12)
    one_pixel = values.shape[:2] == (1, 1)
    dead = (np.abs(high) if one_pixel else high - low) <= tolerance
    return Activations(
        layer=info,
        values=values,
        response=response,
        ranking=np.argsort(-response, kind="stable"),
        dead=dead,
        zeros=(np.abs(values) <= tolerance).mean(axis=(0, 1)),
    )


def network_scale(net: Backbone, picture: np.ndarray, percentile: float = 99.5) -> float:
    """A full scale for the maps of all layers: a percentile of the magnitudes that are not zero.

    Args:
        net: a loaded backbone.
        picture: `(H, W, 3)` in 0..1 at the network's input size.
        percentile: of them.
    """
    outputs = [net.output(info.name) for info in net.layers if info.has_maps]
    found = keras.Model(net.plain.inputs[0], outputs)(backend.tensor(picture[None]), training=False)
    magnitudes = np.concatenate([np.abs(backend.numpy(maps)).ravel() for maps in found])
    strong = magnitudes[magnitudes > 0]
    return float(np.percentile(strong, percentile)) if strong.size else 1e-12


def class_activation(
    net: Backbone, picture: np.ndarray, class_index: int, *, against: bool = False
) -> np.ndarray:
    """Grad-CAM: where the last feature maps support a class, or speak against it.

    The maps of the last layer larger than 1x1 are weighted by the mean gradient of the class logit
    and summed; negative values are set to zero (Selvaraju et al., 2017, arXiv:1610.02391).

    Args:
        net: a loaded backbone.
        picture: `(H, W, 3)` in 0..1 at the network's input size.
        class_index: the class to explain.
        against: explain what lowers its logit, by the gradient's negative: what a
            picture would have to lose for the network to be surer of the class.

    Returns:
        float32 `(H, W)` in 0..1 at the picture's size; all zeros if there is nothing of the kind.

    Raises:
        UnknownClass: the class index lies outside the network's classes.
        UnknownLayer: several networks are joined into one.
    """
    net.check_class(class_index)
    if net.members:
        raise UnknownLayer(f"Expected one network; received several: {net.name}.")
    layer = graph.last_maps(net.layers)
    last = net.compiled("last maps", lambda: _up_to(net, layer.name))
    maps = last(backend.tensor(picture[None]))  # (1, h, w, c)

    def make() -> Any:
        head = keras.Model(net.output(layer.name), net.plain.outputs[0])

        def logit(x: Any, one_hot: Any) -> Any:
            return ops.sum(head(x, training=False) * one_hot)

        return backend.value_and_gradient(logit)

    one_hot = backend.tensor(np.eye(len(net.class_names))[class_index])
    _, gradient = net.compiled("class_activation", make)(maps, one_hot)
    weights = backend.numpy(gradient).mean(axis=(1, 2))[0]  # (c,)
    heat = np.maximum(backend.numpy(maps)[0] @ (-weights if against else weights), 0.0)  # (h, w)
    heat = images.resize_map(heat, picture.shape[:2]).clip(0.0)
    return heat / max(float(heat.max()), 1e-12)


def saliency(
    net: Backbone,
    picture: np.ndarray,
    class_index: int,
    *,
    samples: int = 16,
    noise: float = 20.0,
    seed: int = 0,
) -> np.ndarray:
    """SmoothGrad: which pixels move the class logit, averaged over noisy copies of the picture.

    Smilkov et al., 2017 (arXiv:1706.03825). The largest absolute gradient of the three colours is
    taken for each pixel, and the strongest one percent is cut to full scale.

    Args:
        samples: noisy copies, taken in batches of 8.
        noise: standard deviation of the noise in grey levels (0..255).

    Returns:
        float32 `(H, W)` in 0..1.

    Raises:
        UnknownClass: the class index lies outside the network's classes.
    """
    net.check_class(class_index)

    def make() -> Any:
        def logit(x: Any, one_hot: Any) -> Any:
            return ops.sum(net.model(x, training=False) * one_hot)

        return backend.value_and_gradient(logit)

    step = net.compiled("saliency", make)
    one_hot = backend.tensor(np.eye(len(net.class_names))[class_index])
    generator, batch = np.random.default_rng(seed), min(samples, 8)
    total = np.zeros(picture.shape, "float32")
    for _ in range(0, samples, batch):
        copies = picture + generator.normal(0.0, noise / 255.0, (batch, *picture.shape))
        _, gradient = step(backend.tensor(copies), one_hot)
        total += backend.numpy(gradient).sum(axis=0)
    strength = np.abs(total).max(axis=-1)
    top = max(float(np.percentile(strength, 99)), 1e-12)
    return np.clip(strength / top, 0.0, 1.0).astype("float32")


def mean_response(net: Backbone, pictures: Sequence[np.ndarray], layer_name: str) -> np.ndarray:
    """The mean of each channel of a layer over some pictures, `(c,)`.

    Args:
        pictures: each `(H, W, 3)` in 0..1 at the network's input size.

    Raises:
        UnknownLayer: there is no such layer, or its output is a vector.
    """
    _map_layer(net, layer_name)
    up_to = _up_to(net, layer_name)
    means = [backend.numpy(up_to(backend.tensor(x[None]))).mean(axis=(0, 1, 2)) for x in pictures]
    return np.mean(means, axis=0)


def kernels(net: Backbone) -> np.ndarray:
    """The first convolution's kernels in RGB, `(n, kh, kw, 3)`: the only ones that have colours.

    Raises:
        UnknownLayer: the network does not begin with a convolution of the three colours.
    """
    for _, layer in graph.walk(net.plain):
        if isinstance(layer, keras.layers.Conv2D):
            kernel = backend.numpy(layer.kernel)  # (kh, kw, 3, n)
            if kernel.shape[2] == 3:
                reads_bgr = net.spec.scaling == "caffe"
                return (kernel[:, :, ::-1] if reads_bgr else kernel).transpose(3, 0, 1, 2)
    raise UnknownLayer(f"{net.name} does not begin with a convolution of the three colours.")


def nearest_layer(net: Backbone, depth: float) -> LayerInfo:
    """The layer with maps at the relative depth nearest to `depth` (0 input, 1 logits)."""
    return min((i for i in net.layers if i.has_maps), key=lambda info: abs(info.depth - depth))


def _map_layer(net: Backbone, layer_name: str) -> LayerInfo:
    info = net.layer(layer_name)
    if not info.has_maps:
        raise UnknownLayer(
            f"{layer_name} of {net.name} has a vector of shape {info.shape} as output, not "
            "maps. Choose a layer before the pooling."
        )
    return info


def _up_to(net: Backbone, layer_name: str) -> Any:
    model = keras.Model(net.plain.inputs[0], net.output(layer_name))
    return lambda x: model(x, training=False)


def peaks(net: Backbone, pictures: Sequence[np.ndarray], layer_name: str) -> Peaks:
    """Where every channel of a layer has its largest magnitude, in each of some pictures.

    Args:
        pictures: each `(H, W, 3)` in 0..1 at the network's input size.

    Raises:
        UnknownLayer: there is no such layer, or its output is a vector.
    """
    _map_layer(net, layer_name)
    maps = backend.numpy(_up_to(net, layer_name)(backend.tensor(np.stack(pictures))))
    n, h, w, c = maps.shape
    flat = maps.reshape(n, h * w, c)
    at = np.abs(flat).argmax(axis=1)
    rows, columns = np.unravel_index(at, (h, w))
    values = np.take_along_axis(flat, at[:, None], axis=1)[:, 0]
    return Peaks(rows=(rows + 0.5) / h, columns=(columns + 0.5) / w, values=values, side=h)


def strongest_patches(peaks: Peaks, pictures: Sequence[np.ndarray], channel: int) -> list[Patch]:
    """The places in real pictures where one channel is largest in magnitude, the strongest first.

    The patch is centred on the strongest value of the channel's map. Its side grows with the
    layer's stride, from a sixth of the picture to half of it; the true receptive field is larger
    in late layers, but its middle counts most (Luo et al., 2016, arXiv:1701.04128).

    Args:
        peaks: of the layer in these pictures.
        pictures: each `(H, W, 3)` in 0..1 at the network's input size.
    """
    found = []
    for number, picture in enumerate(pictures):
        height, width = picture.shape[:2]
        side = int(np.clip(6 * height / peaks.side, height / 6, height / 2))
        row, column = peaks.rows[number, channel], peaks.columns[number, channel]
        top = int(np.clip(row * height - side / 2, 0, height - side))
        left = int(np.clip(column * width - side / 2, 0, width - side))
        patch = picture[top : top + side, left : left + side].copy()  # not a view of the whole
        response = float(peaks.values[number, channel])
        found.append(Patch(picture=number, pixels=patch, response=response))
    return sorted(found, key=lambda patch: -abs(patch.response))
