"""A network and its head as a table, as `keras.Model.summary` prints it."""

from dataclasses import dataclass

import keras
import numpy as np

from engine.backbones import Backbone
from engine.core.types import FROZEN, SCRATCH
from engine.transfer import heads
from engine.transfer.extraction import width
from engine.transfer.training import TrainingPlan
from engine.transfer.tuning import body, learning


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer: its output's shape, its parameters, and whether a training changes them."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    learns: bool


def summary(net: Backbone, plan: TrainingPlan, classes: int) -> list[Layer]:
    """All layers that a photo passes: those of the backbone, then those of the head.

    Args:
        net: the plan's backbone.
        plan: what is trained.
        classes: that the head tells apart.
    """
    scratch = plan.how == SCRATCH
    changed = [] if plan.how == FROZEN else [info.name for info in learning(net, plan.tuning)]
    found = [
        Layer(
            name=info.name,
            kind=info.kind,
            shape=info.shape,
            parameters=info.parameters,
            learns=info.name in changed
            and info.parameters > 0
            and (scratch or info.kind != "BatchNormalization"),
        )
        for info in body(net)
    ]
    count = width(net)
    if scratch:
        head = keras.Sequential(
            [keras.Input((count,)), keras.layers.Dense(classes, name="classes")]
        )
    else:
        ones = np.ones(count, "float32")
        head = heads.build(0 * ones, ones, classes, plan.recipe)
    own = [layer for layer in head.layers if not isinstance(layer, keras.layers.InputLayer)]
    return [
        *found,
        Layer(name="features", kind="Flatten", shape=(count,), parameters=0, learns=False),
        *(
            Layer(
                name=layer.name,
                kind=type(layer).__name__,
                shape=tuple(layer.output.shape[1:]),
                parameters=layer.count_params(),
                learns=bool(layer.trainable_weights),
            )
            for layer in own
        ),
    ]
