"""Natural statistics: a penalty on channel responses that differ from those to photos.

A picture optimised only for its class is texture in heavy contrast. Matching each channel's mean
and deviation to those of photos gives it the colours, contrasts and shapes of photos (Yin et al.,
"Dreaming to Distill", 2020, arXiv:1912.08795; Gatys, Ecker and Bethge, 2015, arXiv:1505.07376).

Such a picture also activates too much at once: the features that MobileNetV2 classifies by add up
to nearly twice what they do for photos. A network measured on photos is therefore kept from a total
activation higher than theirs.

Batch normalization was fitted to the training photos: for them, each channel of its output has mean
`beta` and deviation `gamma`. Networks without it, and weights with it already folded in, are
measured on photos, once.
"""

import contextlib
import hashlib
import io
import secrets
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from engine.backbones import Backbone, graph
from engine.core import backend, config
from engine.synthesis import objectives
from engine.synthesis.objectives import Part

ops: Any = keras.ops  # its type stubs allow None for every result
LAYERS = 6
_LEAST = 0.2  # of a layer's mean deviation: channels that hardly answer count no more than others
# How photos differ from one another, in units of a channel's deviation over all photos: how far the
# mean of a single photo lies from theirs, what its own deviation is, and how much that varies.
# Medians over 500 ImageNet photos, much the same in all layers of MobileNetV2 and of Pocket Robust.
_MEAN_SCATTER, _WITHIN, _WITHIN_SCATTER = 0.4, 0.9, 0.2
_SPREAD = 0.1  # of a total's mean: its least deviation, where a few photos are all alike
_TOTAL = 0.2  # weight of the total activation beside the channels' means and deviations
_KEY = "natural statistics"
MEASURED = config.ASSETS / "natural_statistics.npz"


@dataclass(frozen=True, slots=True)
class Total:
    """The sum over a layer's channels of their mean activation: mean and deviation over photos.

    Both are for pictures of the network's own size: at 96 px, MobileNetV2's total is three times
    what it is at 224.
    """

    layer: str
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistics:
    """Means and deviations `(c,)` of the channels of some layers, and where they are from.

    `totals` holds the total activation of the last maps, where it was measured and they are never
    negative; of a joint network, one for each such member.
    """

    layers: tuple[str, ...]
    means: tuple[np.ndarray, ...]
    deviations: tuple[np.ndarray, ...]
    totals: tuple[Total, ...] = ()
    source: str


@dataclass(frozen=True)
class NaturalStatistics(Part):
    """Squared distance of channel means, deviations and total activation from those of photos.

    Distances are in units of how photos themselves differ in that number, and averaged over
    channels and layers: a photo has about 2. A channel's moments are averaged over the views of a
    step. The total activation counts only where it is above the mean of photos.
    """

    statistics: Statistics = field(repr=False)

    @property
    def reads(self) -> tuple[str, ...]:
        return self.statistics.layers + tuple(total.layer for total in self.statistics.totals)

    def at_other_sizes(self) -> Part:
        return NaturalStatistics(replace(self.statistics, totals=()))

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        of_layers = answer[: len(self.statistics.layers)]
        known = zip(self.statistics.means, self.statistics.deviations, of_layers, strict=True)
        value = 0.0
        for mean, deviation, moments in known:
            first, second = ops.mean(moments[:, 0], axis=0), ops.mean(moments[:, 1], axis=0)
            own = ops.sqrt(ops.maximum(second - ops.square(first), 0.0) + 1e-8)
            unit = np.maximum(deviation, _LEAST * deviation.mean())
            value += ops.mean(ops.square((first - mean) / (_MEAN_SCATTER * unit)))
            value += ops.mean(ops.square((own - _WITHIN * deviation) / (_WITHIN_SCATTER * unit)))
        return value / len(of_layers) + _TOTAL * self._excess(answer[len(of_layers) :])

    def _excess(self, answer: Any) -> Any:
        """Mean square of how far totals are above those of photos, in units of their deviation."""
        above = [
            (ops.mean(ops.sum(moments[:, 0], axis=-1)) - total.mean) / total.deviation
            for total, moments in zip(self.statistics.totals, answer, strict=True)
        ]
        return sum(ops.square(ops.maximum(one, 0.0)) for one in above) / max(len(above), 1)

    def words(self, net: Backbone) -> str:
        return "natural"


def statistics(net: Backbone) -> Statistics:
    """A network's statistics: measured ones if there are any, else of its batch normalization.

    Those of a joint network are its members', as far as they are known. They are kept with the
    network, so that another run needs no new compilation.
    """
    return net.kept(_KEY, lambda: _of(net))


def _of(net: Backbone) -> Statistics:
    if not net.members:
        trained = _measured(net) or _trained(net)
        return trained if trained.layers else _learned(net) or trained
    known = [statistics(member) for member in net.members]
    return Statistics(
        layers=tuple(
            f"network_{k}/{name}" for k, one in enumerate(known, 1) for name in one.layers
        ),
        means=tuple(mean for one in known for mean in one.means),
        deviations=tuple(deviation for one in known for deviation in one.deviations),
        totals=tuple(
            replace(total, layer=f"network_{k}/{total.layer}")
            for k, one in enumerate(known, 1)
            for total in one.totals
        ),
        source=" and ".join(dict.fromkeys(one.source for one in known if one.layers)),
    )


def layers(net: Backbone) -> tuple[str, ...]:
    """Six layers at even depths: normalizations, or activations where there are none."""
    kinds = ("BatchNormalization",), ("ReLU", "Activation", "Conv2D")
    for kind in kinds:
        found = [info.name for info in net.layers if info.has_maps and info.kind in kind]
        if found:
            return tuple(found[k] for k in _spread(len(found)))
    return ()


def _spread(n: int) -> list[int]:
    return sorted({round(k * (n - 1) / (LAYERS - 1)) for k in range(LAYERS)})


def measure(net: Backbone, photos: np.ndarray, source: str) -> Statistics:
    """Measures a network on photos `(N, H, W, 3)` in 0..1 at its input size."""
    names, last = layers(net), graph.last_maps(net.layers).name
    unknown = Statistics(
        layers=names, means=(), deviations=(), totals=(Total(last, 0.0, 1.0),), source=""
    )
    part = NaturalStatistics(unknown)
    ask = backend.compile(objectives.answers(net, (part,)))
    batches = [
        [backend.numpy(moments) for moments in part.answer(ask(backend.tensor(photos[k : k + 10])))]
        for k in range(0, len(photos), 10)
    ]
    *of_layers, of_last = [np.concatenate(moments) for moments in zip(*batches, strict=True)]
    both = [moments.mean(axis=0) for moments in of_layers]
    activations = of_last[:, 0]
    return Statistics(
        layers=names,
        means=tuple(b[0] for b in both),
        deviations=tuple(np.sqrt(np.maximum(b[1] - b[0] ** 2, 0.0)) for b in both),
        totals=_total(last, activations) if activations.min() >= 0 else (),
        source=source,
    )


def _total(layer: str, activations: np.ndarray) -> tuple[Total, ...]:
    """Of mean activations `(N, c)`; nothing of a layer that no photo activates."""
    totals = activations.sum(axis=-1)
    mean, deviation = float(totals.mean()), float(totals.std())
    return (Total(layer, mean, max(deviation, _SPREAD * mean)),) if mean else ()


def learn(net: Backbone, photos: np.ndarray, source: str) -> Statistics:
    """Measures a network on photos as `measure` does, for all runs from now on.

    The numbers are kept beside Keras' files, by the digest of the weights, where that folder is
    writable.
    """
    found = measure(net, photos, source)
    net.keep(_KEY, found)
    file, content = _file(net), io.BytesIO()
    np.savez_compressed(content, source=source, **arrays(found))
    part = file.with_suffix(f".{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content.getvalue())
        part.replace(file)  # whole, or not at all
    return found


def arrays(found: Statistics) -> dict[str, Any]:
    """What a file keeps: of each layer `(2, c)`, of a total `(2,)`, means and deviations."""
    rows = zip(found.layers, found.means, found.deviations, strict=True)
    return {name: np.stack([mean, deviation]) for name, mean, deviation in rows} | {
        _of_total(total.layer): np.array([total.mean, total.deviation]) for total in found.totals
    }


def _of_total(layer: str) -> str:
    return f"total of {layer}"


def _learned(net: Backbone) -> Statistics | None:
    return _saved(net, _file(net))


def _file(net: Backbone) -> Path:
    digest = hashlib.blake2b(digest_size=16)
    for array in net.plain.get_weights():
        digest.update(np.ascontiguousarray(array).data)
    return config.keras_home() / "ideal-cat" / "natural" / f"{digest.hexdigest()}.npz"


def _measured(net: Backbone) -> Statistics | None:
    """The numbers that come with the app for the networks it is most used with."""
    return _saved(net, MEASURED, f"{net.spec.name}/")


def _saved(net: Backbone, file: Path, prefix: str = "") -> Statistics | None:
    """A network's statistics in a file; None where it lacks a layer or is not whole."""
    names, last = layers(net), graph.last_maps(net.layers).name
    try:
        with np.load(io.BytesIO(file.read_bytes())) as saved:
            rows = [saved[prefix + name].astype("float32") for name in names]
            key = prefix + _of_total(last)
            totals = (Total(last, *saved[key].tolist()),) if key in saved else ()
            source = str(saved["source"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error):
        return None
    return Statistics(
        layers=names,
        means=tuple(row[0] for row in rows),
        deviations=tuple(row[1] for row in rows),
        totals=totals,
        source=source,
    )


def _trained(net: Backbone) -> Statistics:
    """The statistics of the training photos that batch normalization holds."""
    names, rows = [], []
    for name in layers(net):
        layer = graph.layer_of(net.plain, name)
        if not isinstance(layer, keras.layers.BatchNormalization) or _identity(layer):
            continue
        mean = backend.numpy(layer.beta) if layer.center else np.zeros(layer.output.shape[-1])
        deviation = np.abs(backend.numpy(layer.gamma)) if layer.scale else np.ones(mean.shape)
        names.append(name)
        rows.append((mean.astype("float32"), deviation.astype("float32")))
    return Statistics(
        layers=tuple(names),
        means=tuple(mean for mean, _ in rows),
        deviations=tuple(deviation for _, deviation in rows),
        source="its own batch normalization",
    )


def _identity(layer: keras.layers.BatchNormalization) -> bool:
    """Whether a layer does nothing: it is untrained, or was folded into the weights before."""
    variance = backend.numpy(layer.moving_variance)
    scale = backend.numpy(layer.gamma) if layer.scale else np.ones(1)
    return bool(np.allclose(variance, 1.0, atol=0.01) and np.allclose(scale, 1.0))
