"""The pocket backbone's architecture: small enough to carry, plain enough to look into.

Ten 3x3 convolutions in five blocks, each with batch normalization and ReLU, joined by average
pooling (no strided convolution, so no checkerboard in its gradients), then global average pooling
and one dense layer: the VGG recipe (Simonyan and Zisserman, 2014) without its three large dense
layers. Fully convolutional up to the pooling, so any size from 32 px upwards will do.
"""

import hashlib
from pathlib import Path

import keras
import numpy as np
from keras import layers

from engine.core import config
from engine.core.errors import WeightsDamaged
from engine.storage import registry

WEIGHTS = config.ASSETS / "pocket.npz"

BLOCKS = ((24, 1), (48, 2), (96, 2), (192, 3), (320, 2))  # (channels, convolutions) of a block


def build(
    classes: int = 200, input_shape: tuple[int | None, int | None, int] = (64, 64, 3)
) -> keras.Model:
    """Returns the network with random weights: `(N, H, W, 3)` in 0..1 to `(N, classes)` logits.

    Args:
        classes: number of outputs.
        input_shape: `(H, W, 3)`; `None` for a side that may vary.
    """
    inputs = keras.Input(input_shape, name="picture")
    x = layers.Rescaling(2.0, -1.0, name="preprocessing")(inputs)
    for block, (channels, convolutions) in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            name = f"block{block}_conv{number}"
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
            x = layers.BatchNormalization(name=f"{name}_bn")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        if block < len(BLOCKS):
            x = layers.AveragePooling2D(2, name=f"block{block}_pool")(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    outputs = layers.Dense(classes, name="logits")(x)
    return keras.Model(inputs, outputs, name="pocket")


def load_weights(model: keras.Model, file: Path = WEIGHTS) -> None:
    """Puts float16 weights that come with the app into a network made by `build`.

    Args:
        model: the network.
        file: of a built-in backbone.

    Raises:
        WeightsDamaged: the file is not the one that was shipped.
    """
    try:
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != registry.facts(file.name)["sha256"]:
            raise ValueError("its digest differs")
        with np.load(file) as saved:
            for variable in model.variables:
                variable.assign(saved[variable.path.removeprefix("pocket/")].astype("float32"))
    except (OSError, ValueError, KeyError) as error:
        raise WeightsDamaged(
            f"The built-in weights {file.name} are not those that came with the app ({error}). "
            "Restore engine/assets from the project's repository."
        ) from error


def class_names() -> tuple[str, ...]:
    """The 200 class names in words, the same for all built-in backbones."""
    return tuple(registry.facts(WEIGHTS.name)["class_names"])
