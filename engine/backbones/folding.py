"""The same network in fewer and faster operations: batch normalization folded, and more.

At inference batch normalization is `y = gamma (x - mean) / sqrt(variance + epsilon) + beta`, a
scale and a shift per channel. When its input is a convolution with no other consumer, scale and
shift move into the kernel and the bias, exactly up to rounding (Jacob et al., 2018,
arXiv:1712.05877, section 3.2). A normalization *before* a convolution (ResNetV2, DenseNet) stays:
with zero padding it cannot be moved without changing the border.

A layer of zeros before a convolution (MobileNet, EfficientNet) moves into it too, where the
convolution would pad by just as much itself.

A grouped convolution of one channel a group (ConvNeXt) becomes a depthwise one. Keras leaves
grouped ones to XLA, which took four times as long for a picture on a CPU, and nine for a gradient.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_SHARED = ("name", "kernel_size", "strides", "padding", "dilation_rate", "use_bias", "activation")


def fold(model: keras.Model) -> keras.Model:
    """Returns a network with the same logits whose convolutions carry normalization and padding.

    Args:
        model: a built functional model; it is left as it is.

    Returns:
        A functional model with the same layer names. A folded normalization is an `Identity`
        layer of its old name, so that every activation can still be found by name.
    """
    folded = {bn.name: (conv, bn) for conv, bn in pairs(model)}
    convolutions = {conv.name: (conv, bn) for conv, bn in folded.values()}
    padded = {padding.name: conv.name for padding, conv in paddings(model)}
    if not folded and not padded:
        return model

    def renew(layer: layers.Layer) -> layers.Layer:
        if layer.name in folded or layer.name in padded:
            return layers.Identity(name=layer.name)
        config = layer.get_config()
        if layer.name in convolutions:
            config["use_bias"] = True
        if layer.name in padded.values():
            config["padding"] = "same"
        return layer.__class__.from_config(config)

    def call(layer: layers.Layer, *args, **kwargs):
        return layer(args[0]) if isinstance(layer, layers.Identity) else layer(*args, **kwargs)

    clone = keras.models.clone_model(model, clone_function=renew, call_function=call)
    for layer in clone.layers:
        if layer.name in convolutions:
            layer.set_weights(_folded_weights(*convolutions[layer.name]))
        elif layer.name not in folded and layer.name not in padded:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return clone


def depthwise(model: keras.Model) -> keras.Model:
    """Returns a network whose grouped convolutions of one channel a group are depthwise ones.

    Its logits, layer names and number of weights are the same.

    Args:
        model: a built functional model; it is left as it is.
    """
    grouped = {
        layer.name
        for layer in model.layers
        if isinstance(layer, layers.Conv2D) and 1 < layer.groups == layer.input.shape[-1]
    }
    if not grouped:
        return model

    def renew(layer: Any) -> layers.Layer:
        config = layer.get_config()
        if layer.name not in grouped:
            return layer.__class__.from_config(config)
        return layers.DepthwiseConv2D(
            depth_multiplier=layer.filters // layer.groups, **{k: config[k] for k in _SHARED}
        )

    clone = keras.models.clone_model(model, clone_function=renew)
    for layer in clone.layers:
        weights = model.get_layer(layer.name).get_weights()
        if layer.name in grouped:  # (kh, kw, 1, c * multiplier) to (kh, kw, c, multiplier)
            weights[0] = weights[0].reshape(layer.kernel.shape)
        layer.set_weights(weights)
    return clone


def paddings(model: keras.Model) -> list[tuple[layers.ZeroPadding2D, layers.Layer]]:
    """Lists `(padding, convolution)` where padding "same" would add the very same zeros."""
    found = []
    for padding in model.layers:
        if not isinstance(padding, layers.ZeroPadding2D) or len(padding._outbound_nodes) != 1:
            continue
        reader: Any = padding._outbound_nodes[0].operation
        if not isinstance(reader, _CONVOLUTIONS) or len(reader._inbound_nodes) != 1:
            continue
        sizes = zip(padding.input.shape[1:3], reader.kernel_size, reader.strides, strict=True)
        same = tuple(_same(n, kernel, stride) for n, kernel, stride in sizes)
        if reader.padding == "valid" and reader.dilation_rate == (1, 1) and padding.padding == same:
            found.append((padding, reader))
    return found


def _same(n: int | None, kernel: int, stride: int) -> tuple[int, int] | None:
    """Zeros before and after an axis of n values that padding "same" adds."""
    if n is None:
        return None
    total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def pairs(model: keras.Model) -> list[tuple[layers.Layer, layers.BatchNormalization]]:
    """Lists `(convolution, batch normalization)` where the second alone reads the first."""
    found = []
    for bn in model.layers:
        if not isinstance(bn, layers.BatchNormalization):
            continue
        source = bn.input._keras_history.operation
        alone = len(source._inbound_nodes) == 1 and len(source._outbound_nodes) == 1
        if (
            isinstance(source, _CONVOLUTIONS)
            and alone
            and source.activation == keras.activations.linear
        ):
            found.append((source, bn))
    return found


def _folded_weights(convolution: layers.Layer, bn: layers.BatchNormalization) -> list[np.ndarray]:
    mean, variance = np.asarray(bn.moving_mean), np.asarray(bn.moving_variance)
    gamma = np.asarray(bn.gamma) if bn.scale else 1.0
    beta = np.asarray(bn.beta) if bn.center else 0.0
    scale = gamma / np.sqrt(variance + bn.epsilon)  # (c,)
    *kernels, last = [np.asarray(w) for w in convolution.weights if w is not convolution.bias]
    bias = np.asarray(convolution.bias) if convolution.use_bias else 0.0
    if isinstance(convolution, layers.DepthwiseConv2D):
        kernel = last * scale.reshape(last.shape[2:])  # (kh, kw, c, multiplier)
    else:
        kernel = last * scale  # (kh, kw, c_in, c)
    return [*kernels, kernel, (bias - mean) * scale + beta]
