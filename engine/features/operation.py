"""How one value of a map comes about: the window it reads, the kernel, the products and their sum.

After CNN Explainer (Wang et al., 2020, arXiv:2004.15004), for the layers of any network.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from engine.backbones import Backbone, graph
from engine.core import backend
from engine.core.errors import UnknownLayer

ELEMENTWISE = "a function of one value"
ADDED, MULTIPLIED = "sum of several maps", "product of several maps"
ONE_OF = "one of several inputs"
SCALED = "scaled over all channels"
_EACH_VALUE = (
    layers.ReLU,
    layers.LeakyReLU,
    layers.Activation,
    layers.BatchNormalization,
    layers.Rescaling,
    layers.Normalization,
    layers.Dropout,
)
_EACH_VALUE_TOO = ("LayerScale", "StochasticDepth")  # of Keras' ConvNeXt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Value:
    """One value of a layer's maps, taken apart.

    Attributes:
        number: the value.
        kind: what the layer does, in words.
        window: what it reads, `(kh, kw, n)`: of n maps, or the same place in n inputs or
            channels, or a whole map; zeros where it lies outside. None for a layer that is not
            taken apart.
        kernel: what the window is multiplied by, of its shape; None where it is not.
        bias: what is added to the sum of the products.
        activation: what the layer itself applies to that sum, like "relu"; "" for nothing.
        influence: how much each pixel moves the value, `(H, W)` in 0..1.
    """

    number: float
    kind: str
    window: np.ndarray | None
    kernel: np.ndarray | None
    bias: float
    activation: str
    influence: np.ndarray

    @property
    def products(self) -> np.ndarray | None:
        """The window times the kernel."""
        if self.window is None or self.kernel is None:
            return None
        return self.window * self.kernel

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """`(top, left, bottom, right)` of the pixels that move it, in px; None if none does."""
        rows, columns = (np.flatnonzero(self.influence.any(axis=k)) for k in (1, 0))
        if not rows.size:
            return None
        return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def value(
    net: Backbone, picture: np.ndarray, layer_name: str, channel: int, row: int, column: int
) -> Value:
    """Takes one value of a layer's maps apart.

    Args:
        net: a loaded backbone.
        picture: `(H, W, 3)` in 0..1 at the network's input size.
        layer_name: a layer with maps.
        channel, row, column: the value's place in them.

    Raises:
        UnknownLayer: there is no such layer, its output is a vector, or it has no such place.
    """
    info = net.layer(layer_name)
    place = (row, column, channel)
    if not info.has_maps or not all(0 <= k < n for k, n in zip(place, info.shape, strict=True)):
        raise UnknownLayer(
            f"{layer_name} of {net.name} has values {info.shape}; received the place {place}."
        )
    operation: Any = graph.layer_of(net.plain, layer_name)
    read = _reader(net, layer_name)
    *inputs, maps = (backend.numpy(given)[0] for given in read(backend.tensor(picture[None])))
    kind, window, kernel, bias = _apart(operation, inputs, place)
    return Value(
        number=float(maps[place]),
        kind=kind,
        window=window,
        kernel=kernel,
        bias=bias,
        activation=_activation(operation),
        influence=_influence(net, layer_name, picture, info.shape, place),
    )


def _activation(operation: Any) -> str:
    name = getattr(getattr(operation, "activation", None), "__name__", "linear")
    return "" if name == "linear" or not isinstance(operation, layers.Conv2D) else name


def _reader(net: Backbone, layer_name: str) -> Any:
    """A function of a batch to the layer's inputs and its output."""

    def make() -> Any:
        given = [*graph.inputs_of(net.plain, layer_name), net.output(layer_name)]
        model = keras.Model(net.plain.inputs[0], given)
        return lambda x: model(x, training=False)

    return net.kept(("inputs and output", layer_name), make)


def _apart(
    operation: Any, inputs: list[np.ndarray], place: tuple[int, int, int]
) -> tuple[str, np.ndarray | None, np.ndarray | None, float]:
    """What an operation does for one place: its kind, window, kernel and bias."""
    row, column, channel = place
    maps = inputs[0]
    if isinstance(operation, layers.SeparableConv2D):
        window_kernel = _separable(operation, channel)
        window = _window(maps, window_kernel.shape[:2], operation, (1, 1), row, column)
        bias = backend.numpy(operation.bias)[channel] if operation.use_bias else 0.0
        return "separable convolution", window, window_kernel, float(bias)
    if isinstance(operation, layers.Conv2D | layers.DepthwiseConv2D):
        weights = backend.numpy(operation.kernel)
        bias = backend.numpy(operation.bias)[channel] if operation.use_bias else 0.0
        if isinstance(operation, layers.DepthwiseConv2D):
            each = weights.shape[-1]
            maps, kernel = maps[..., channel // each, None], weights[:, :, channel // each]
            kernel, kind = kernel[..., channel % each, None], "depthwise convolution"
        else:
            width = weights.shape[2]  # of a group
            group = channel // (weights.shape[3] // operation.groups)
            maps = maps[..., group * width : (group + 1) * width]
            kernel, kind = weights[..., channel], "convolution"
        window = _window(maps, kernel.shape[:2], operation, operation.dilation_rate, row, column)
        return kind, window, kernel, float(bias)
    if isinstance(operation, layers.MaxPooling2D | layers.AveragePooling2D):
        largest = isinstance(operation, layers.MaxPooling2D)
        kind = "maximum of a window" if largest else "mean of a window"
        one, size = maps[..., channel, None], operation.pool_size
        window = _window(one, size, operation, (1, 1), row, column)
        inside = _window(np.ones_like(one), size, operation, (1, 1), row, column)[..., 0] > 0
        window = window[inside.any(axis=1)][:, inside.any(axis=0)]  # it leaves the padding out
        return kind, window, None, 0.0
    if isinstance(operation, layers.GlobalAveragePooling2D):
        return "mean of a window", maps[..., channel, None], None, 0.0
    kind, values = _by_value(operation, inputs, place)
    return kind, None if values is None else values[None, None], None, 0.0


def _by_value(
    operation: Any, inputs: list[np.ndarray], place: tuple[int, int, int]
) -> tuple[str, np.ndarray | None]:
    """What an operation that reads no window makes a value of: its kind, and the values it reads.

    The operation's name and None for one that is not taken apart.
    """
    name, maps = type(operation).__name__, inputs[0]
    alike = all(some.ndim == 3 and some.shape[-1] == maps.shape[-1] for some in inputs)
    if name in ("Add", "Multiply") and len(inputs) > 1 and alike:
        # of maps of one value a channel, as in squeeze and excitation, there is only that place
        there = (
            tuple(min(k, n - 1) for k, n in zip(place, some.shape, strict=True)) for some in inputs
        )
        read = np.array([some[at] for some, at in zip(inputs, there, strict=True)])
        return ADDED if name == "Add" else MULTIPLIED, read
    if isinstance(operation, layers.Concatenate):
        both = np.concatenate([some[place[:2]] for some in inputs])
        return ONE_OF, both[place[2], None]
    if isinstance(operation, layers.LayerNormalization):
        return SCALED, maps[place[:2]]
    alone = isinstance(operation, _EACH_VALUE) or name in (*_EACH_VALUE_TOO, "Add", "Multiply")
    if alone and len(inputs) == 1:  # an Add of one input adds a number
        return ELEMENTWISE, maps[place][None]
    return name, None


def _separable(operation: Any, channel: int) -> np.ndarray:
    """The kernel `(kh, kw, n)` that a depthwise and a pointwise convolution make together."""
    depthwise, pointwise = (
        backend.numpy(kernel) for kernel in (operation.depthwise_kernel, operation.pointwise_kernel)
    )
    shares = pointwise[0, 0, :, channel].reshape(depthwise.shape[2:])  # (n, multiplier)
    return (depthwise * shares).sum(axis=-1)


def _window(
    maps: np.ndarray, size: Any, operation: Any, dilation: Any, row: int, column: int
) -> np.ndarray:
    """What a sliding window reads of maps `(h, w, n)`, zeros outside."""
    found = np.zeros((*size, maps.shape[-1]), maps.dtype)
    starts = []
    for at, length, k, stride, step in zip(
        (row, column), maps.shape, size, operation.strides, dilation, strict=False
    ):
        reach = (k - 1) * step + 1
        padding = 0
        if operation.padding == "same":
            padding = max((-(-length // stride) - 1) * stride + reach - length, 0) // 2
        starts.append(at * stride - padding)
    for i in range(size[0]):
        for j in range(size[1]):
            y, x = starts[0] + i * dilation[0], starts[1] + j * dilation[1]
            if 0 <= y < maps.shape[0] and 0 <= x < maps.shape[1]:
                found[i, j] = maps[y, x]
    return found


def _influence(
    net: Backbone,
    layer_name: str,
    picture: np.ndarray,
    shape: tuple[int, ...],
    place: tuple[int, int, int],
) -> np.ndarray:
    """The gradient's magnitude; of what enters a ReLU, as a value of 0 would have none."""

    def make() -> Any:
        model = keras.Model(net.plain.inputs[0], net.before_relu(layer_name))
        return backend.value_and_gradient(
            lambda x, there: ops.sum(model(x, training=False) * there)
        )

    there = np.zeros((1, *shape), "float32")
    there[(0, *place)] = 1.0
    step = net.kept(("influence", layer_name), make)
    _, gradient = step(backend.tensor(picture[None]), backend.tensor(there))
    strength = np.abs(backend.numpy(gradient)[0]).max(axis=-1)
    return strength / max(float(strength.max()), 1e-12)
