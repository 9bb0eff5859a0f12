"""Walking a Keras graph: its operations in order, their outputs, also through nested models."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from engine.core.types import LayerInfo


def describe(model: keras.Model) -> tuple[LayerInfo, ...]:
    """All layers in order, with their stage (of about equal resolution) and relative depth."""
    rows = [
        (path, layer, tuple(int(n) for n in layer.output.shape[1:])) for path, layer in walk(model)
    ]
    sides = [shape[0] if len(shape) == 3 else 1 for *_, shape in rows]
    found, stage, resolution = [], 0, sides[0]
    for number, (path, layer, shape) in enumerate(rows):
        # A squeeze-and-excitation branch is 1x1 in the middle of a stage; it opens no new one.
        if sides[number] < 0.6 * resolution and max(sides[number:]) < 1.3 * sides[number]:
            stage, resolution = stage + 1, sides[number]
        found.append(
            LayerInfo(
                name=path,
                kind=type(layer).__name__,
                shape=shape,
                parameters=layer.count_params() if isinstance(layer, layers.Layer) else 0,
                stage=stage,
                depth=number / max(len(rows) - 1, 1),
            )
        )
    return tuple(found)


def last_maps(described: Sequence[LayerInfo]) -> LayerInfo:
    """The last layer whose maps are larger than 1x1."""
    return [info for info in described if info.has_maps and info.shape[:2] > (1, 1)][-1]


def walk(model: keras.Model, prefix: str = "") -> list[tuple[str, keras.Operation]]:
    """All operations in order, those of a nested model after each other as `outer/inner`.

    Operations, not layers: ConvNeXt adds its shortcuts with a bare `+`.
    """
    found = []
    for operation in _operations(model):
        if isinstance(operation, layers.InputLayer):
            continue
        if isinstance(operation, keras.Model):
            found += walk(operation, f"{prefix}{operation.name}/")
        else:
            found.append((prefix + operation.name, operation))
    return found


def _operations(model: keras.Model) -> list[keras.Operation]:
    return model.layers if isinstance(model, keras.Sequential) else model.operations


def layer_of(model: Any, path: str) -> Any:
    """The layer of that path, through nested models.

    Raises:
        KeyError: there is no such layer.
    """
    first, _, rest = path.partition("/")
    layer = {operation.name: operation for operation in _operations(model)}[first]
    return layer_of(layer, rest) if rest else layer


def output_of(model: Any, path: str) -> Any:
    """The symbolic output of a layer, through nested models, as a tensor of `model`'s own graph.

    Raises:
        KeyError: there is no such layer.
    """
    first, _, rest = path.partition("/")
    layer = {operation.name: operation for operation in _operations(model)}[first]
    if not rest:
        return layer.output
    node, inside = layer._inbound_nodes[-1], output_of(layer, rest)  # as the outer graph calls it
    if inside is layer.outputs[0]:
        return node.outputs[0]
    return keras.Model(layer.inputs[0], inside)(node.input_tensors[0])


def inputs_of(model: Any, path: str) -> list[Any]:
    """The symbolic inputs of a layer, through nested models, as tensors of `model`'s own graph.

    Raises:
        KeyError: there is no such layer.
    """
    first, _, rest = path.partition("/")
    layer = {operation.name: operation for operation in _operations(model)}[first]
    if not rest:
        return keras.tree.flatten(layer.input)
    outer = layer._inbound_nodes[-1].input_tensors[0]  # as the outer graph calls it
    given = keras.Model(layer.inputs[0], inputs_of(layer, rest))(outer)
    return keras.tree.flatten(given)


def before_relu(target: Any) -> Any:
    """What enters the ReLU that a tensor comes from; the tensor itself where it comes from none.

    Of a layer that ends in a ReLU of its own, the output of a copy without.
    """
    made = target._keras_history
    layer = made.operation
    entering = layer._inbound_nodes[made.node_index].input_tensors[0]
    if isinstance(layer, layers.ReLU):
        return entering
    if getattr(layer, "activation", None) is not keras.activations.relu:
        return target
    if isinstance(layer, layers.Activation):
        return entering
    config = layer.get_config() | {"activation": "linear", "name": f"{layer.name}_linear"}
    linear = type(layer).from_config(config)
    before = linear(entering)
    linear.set_weights(layer.get_weights())
    return before
