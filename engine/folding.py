"""Fold batch normalization into the convolution before it: the same network, fewer operations.

At inference batch normalization is `y = gamma (x - mean) / sqrt(variance + epsilon) + beta`, a
scale and a shift per channel. When its input is a convolution that nobody else reads, scale and
shift move into the kernel and the bias, exactly up to rounding (Jacob et al., 2018,
arXiv:1712.05877, section 3.2). A normalization *before* a convolution (ResNetV2, DenseNet) stays:
with zero padding it cannot be moved without changing the border.
"""

import keras
import numpy as np
from keras import layers


def fold(model: keras.Model) -> keras.Model:
    """Returns a network with the same logits whose convolutions carry their batch normalization.

    Args:
        model: a built functional model; it is left as it is.

    Returns:
        A functional model with the same layer names. A folded normalization is an `Identity`
        layer of its old name, so that every activation can still be asked for by name.
    """
    folded = {bn.name: (conv, bn) for conv, bn in pairs(model)}
    convolutions = {conv.name: (conv, bn) for conv, bn in folded.values()}
    if not folded:
        return model

    def renew(layer: layers.Layer) -> layers.Layer:
        if layer.name in folded:
            return layers.Identity(name=layer.name)
        config = layer.get_config()
        if layer.name in convolutions:
            config["use_bias"] = True
        return layer.__class__.from_config(config)

    def call(layer: layers.Layer, *args, **kwargs):
        return layer(args[0]) if isinstance(layer, layers.Identity) else layer(*args, **kwargs)

    clone = keras.models.clone_model(model, clone_function=renew, call_function=call)
    for layer in clone.layers:
        if layer.name in convolutions:
            layer.set_weights(_folded_weights(*convolutions[layer.name]))
        elif layer.name not in folded:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return clone


def pairs(model: keras.Model) -> list[tuple[layers.Layer, layers.BatchNormalization]]:
    """Lists `(convolution, batch normalization)` where the second alone reads the first."""
    kinds = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
    found = []
    for bn in model.layers:
        if not isinstance(bn, layers.BatchNormalization):
            continue
        source = bn.input._keras_history.operation
        alone = len(source._inbound_nodes) == 1 and len(source._outbound_nodes) == 1
        if isinstance(source, kinds) and alone and source.activation == keras.activations.linear:
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
