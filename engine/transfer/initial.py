"""The weights that new layers begin with; each a function of a seed."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from engine.backbones import graph

_KINDS = keras.initializers
INITIALIZERS: dict[str, Callable[[int], Any]] = {
    "zeros": lambda seed: _KINDS.Zeros(),
    "uniform, -1 to 1": lambda seed: _KINDS.RandomUniform(-1, 1, seed=seed),
    "normal, deviation 1": lambda seed: _KINDS.RandomNormal(0, 1, seed=seed),
    "normal, deviation 1/sqrt(n)": lambda seed: _KINDS.VarianceScaling(
        1.0, "fan_in", "untruncated_normal", seed=seed
    ),
    "Glorot (Xavier)": lambda seed: _KINDS.GlorotUniform(seed=seed),
    "He": lambda seed: _KINDS.HeNormal(seed=seed),
}
OWN = "as published"  # each layer's own initializer
_KERNELS = (
    ("kernel", "kernel_initializer"),
    ("kernel", "depthwise_initializer"),
    ("depthwise_kernel", "depthwise_initializer"),
    ("pointwise_kernel", "pointwise_initializer"),
)


def initialize(model: keras.Model, name: str, seed: int) -> None:
    """Gives every kernel of a network new values, which the seed determines.

    Args:
        model: the network.
        name: of `INITIALIZERS`, or `OWN`.
        seed: of all kernels; Keras would draw one at random for each.
    """
    generator = np.random.default_rng([seed, 11])
    for _, layer in graph.walk(model):
        for kernel, initializer in _KERNELS:
            weight: Any = getattr(layer, kernel, None)
            own: Any = getattr(layer, initializer, None)
            if weight is None or not hasattr(own, "seed"):
                continue
            drawn = int(generator.integers(2**31))
            config = own.get_config() | {"seed": drawn}
            made = type(own).from_config(config) if name == OWN else INITIALIZERS[name](drawn)
            weight.assign(made(weight.shape, weight.dtype))
