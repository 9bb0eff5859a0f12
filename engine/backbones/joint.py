"""Several networks as one: the classes that all of them know, the mean of their logits.

A picture that convinces several networks relies less on what is peculiar to one (Liu et al.,
"Delving into Transferable Adversarial Examples", 2017, arXiv:1611.02770).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import keras
import numpy as np
from keras import ops as _ops
from PIL import Image

from engine.backbones import graph
from engine.backbones.network import Backbone
from engine.core.errors import BadSettings
from engine.storage import registry

ops: Any = _ops  # its type stubs allow None for every result
MOST = 4


def together(nets: Sequence[Backbone]) -> Backbone:
    """Returns a backbone that gives the mean logits of several.

    It reads pictures at the largest input size among them; each network is shown them at its own.
    Layers of the networks are named `network_1/...`, `network_2/...`.

    Args:
        nets: 2 to 4 of them.

    Raises:
        BadSettings: they are too few or too many, or no class is known to all.
    """
    names = [net.name for net in nets]
    if not 2 <= len(nets) <= MOST or len(set(names)) < len(names):
        raise BadSettings(
            f"Expected 2 to {MOST} different networks; received: {', '.join(names) or 'none'}."
        )
    lists = [_with_number(net.class_names) for net in nets]
    known = [one for one in lists[0] if all(one in other for other in lists[1:])]
    if not known:
        raise BadSettings(f"Expected networks that share a class; received: {', '.join(names)}.")
    places = [np.array([one.index(each) for each in known]) for one in lists]
    side = max(nets, key=lambda net: net.input_size[0]).input_size
    plain, model = (
        _mean([getattr(net, way) for net in nets], nets, places, side) for way in ("plain", "model")
    )
    spec = replace(nets[0].spec, name=registry.JOINT.join(names), size=side[0])
    return Backbone(
        spec=spec,
        model=model,
        plain=plain,
        class_names=tuple(name for name, _ in known),
        layers=graph.describe(plain),
        members=tuple(nets),
    )


def _with_number(names: Sequence[str]) -> list[tuple[str, int]]:
    """Names with their number among equal ones, so that no class is lost."""
    counts = Counter[str]()
    found = []
    for name in names:
        found.append((name, counts[name]))
        counts[name] += 1
    return found


def _mean(
    models: Sequence[Any],
    nets: Sequence[Backbone],
    places: Sequence[np.ndarray],
    side: tuple[int, int],
) -> keras.Model:
    """The mean of some outputs of several models, each shown the picture at its own size."""
    picture, found = keras.Input((*side, 3), name="picture"), []
    for number, (model, net, own) in enumerate(zip(models, nets, places, strict=True), 1):
        network = keras.Model(model.inputs[0], model.outputs[0], name=f"network_{number}")
        shown = resized(picture, side, net.input_size)
        found.append(ops.take(network(shown), own, axis=-1))
    return keras.Model(picture, sum(found[1:], start=found[0]) / len(found))


def resized(x: Any, size: tuple[int, int], to: tuple[int, int]) -> Any:
    """Pictures at another size, as Pillow's bicubic filter makes them, as two matrix products."""
    if size == to:
        return x
    rows, columns = _resampling(size[0], to[0]), _resampling(size[1], to[1])
    x = ops.clip(ops.einsum("jw,nhwc->nhjc", columns, x), 0.0, 1.0)
    return ops.clip(ops.einsum("ih,nhjc->nijc", rows, x), 0.0, 1.0)


@lru_cache(maxsize=16)
def _resampling(n: int, to: int) -> np.ndarray:
    """The matrix `(to, n)` of Pillow's bicubic filter along one axis."""
    eye = Image.fromarray(np.eye(n, dtype="float32"))
    return np.asarray(eye.resize((to, n), Image.Resampling.BICUBIC)).T.copy()
