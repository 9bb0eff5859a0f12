"""The pocket backbone's architecture: small enough to carry, plain enough to look into.

Ten 3x3 convolutions in five blocks, each with batch normalization and ReLU, joined by average
pooling (no strided convolution, so no checkerboard in its gradients), then global average pooling
and one dense layer: the VGG recipe (Simonyan and Zisserman, 2014) without its three large dense
layers. Fully convolutional up to the pooling, so any size from 32 px upwards will do.
"""

import keras
from keras import layers

BLOCKS = ((24, 1), (48, 2), (96, 2), (192, 3), (320, 2))  # (channels, convolutions) of a block


def build(classes: int = 200, input_shape: tuple[int | None, int | None, int] = (64, 64, 3)):
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
