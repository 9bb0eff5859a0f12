"""How a backbone is trained, and whether that fits in memory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.backbones import Backbone
from engine.core import backend
from engine.core.errors import BadDataset, BadSettings
from engine.core.types import LayerInfo
from engine.storage import Data, few_of
from engine.transfer.extraction import last_layer
from engine.transfer.initial import INITIALIZERS, OWN
from engine.transfer.optimizers import OPTIMIZERS, SCHEDULES

MOST_BYTES = 1_500_000_000  # of photos in memory
AT_ONCE = 2  # trainings of this kind that the app lets run at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a backbone is trained.

    Attributes:
        stages: how many of its last stages (of equal resolution) are trained; 0 for all of them.
        layers: trains that many of its last layers instead, as Keras counts them; with 0, only the
            head learns, from pictures that pass the whole network; None goes by stages.
        learning_rate: low, so that the pretrained weights change little.
        optimizer, schedule, weight_decay, clip: see `Recipe`.
        label_smoothing: share of the target probability that is spread over all classes.
        epochs, batch, seed: number of epochs, photos per batch, seed of all random numbers.
        photos, tested: how many of each class to learn from, and to test on; None for all.
        augment: random flips, shifts and changes of brightness.
        average: whether its weights are the mean over the later epochs; see `WeightAverage`.
        scratch: train all layers from random weights, for comparison.
        initializer: of these weights: of `INITIALIZERS`, or `OWN`, each layer's own.
    """

    stages: int = 1
    layers: int | None = None
    learning_rate: float = 1e-5
    optimizer: str = "Adam"
    schedule: str = "constant"
    weight_decay: float = 0.0
    clip: float = 0.0
    label_smoothing: float = 0.0
    epochs: int = 5
    batch: int = 16
    photos: int | None = None
    tested: int | None = None
    augment: bool = True
    average: bool = False
    scratch: bool = False
    initializer: str = OWN
    seed: int = 0

    def check(self) -> None:
        """Raises `BadSettings` if an option is out of range."""
        if not (
            0 <= self.stages <= 50
            and (self.layers is None or self.layers >= 0)
            and 0 < self.learning_rate <= 10
            and 1 <= self.epochs <= 200
            and 1 <= self.batch <= 512
            and (self.photos is None or self.photos >= 1)
            and (self.tested is None or self.tested >= 1)
        ):
            raise BadSettings("Expected at least one epoch, one photo and a learning rate above 0.")
        if self.optimizer not in OPTIMIZERS or self.schedule not in SCHEDULES:
            raise BadSettings(
                f"Expected an optimizer of {', '.join(OPTIMIZERS)} and a schedule of "
                f"{', '.join(SCHEDULES)}; received: {self.optimizer!r}, {self.schedule!r}."
            )
        if self.initializer not in (OWN, *INITIALIZERS):
            raise BadSettings(
                f"Expected initial weights of {', '.join((OWN, *INITIALIZERS))}; received: "
                f"{self.initializer!r}."
            )
        if self.clip < 0 or not (0 <= self.weight_decay < 1 and 0 <= self.label_smoothing < 1):
            raise BadSettings(
                "Expected a weight decay and a label smoothing of 0 to below 1, and no bound below "
                f"0; received: {self.weight_decay}, {self.label_smoothing}, {self.clip}."
            )


def check_memory(net: Backbone, data: Data, tuning: Tuning) -> tuple[np.ndarray, np.ndarray]:
    """The photos that are needed, and which of these to learn from, `(n,)` each.

    Raises:
        BadDataset: the photos, or the network with its gradients and Adam's two averages, do not
            fit in memory.
    """
    rows, learn = rows_of(data, tuning)
    need = len(rows) * net.input_size[0] * net.input_size[1] * 3
    if need > MOST_BYTES:
        raise BadDataset(
            f"Fine-tuning needs all photos in memory, {need / 1e9:.1f} GB for these; at most "
            f"{MOST_BYTES / 1e9:.1f} GB. Choose fewer photos of each class, or a backbone with a "
            "smaller input."
        )
    check_room(
        need + memory_of(net, tuning),
        f"Training {net.name} like this",
        "Choose a smaller backbone, fewer stages or a smaller batch.",
    )
    return rows, learn


def check_room(need: int, what: str, advice: str) -> None:
    """Raises `BadDataset`, with the advice, where so many bytes are more than one training gets."""
    free = backend.available_memory()
    if free is not None and need > free / AT_ONCE:
        raise BadDataset(
            f"{what} needs about {need / 1e9:.1f} GB of memory; {free / AT_ONCE / 1e9:.1f} GB are "
            f"free for it. {advice}"
        )


def rows_of(data: Data, tuning: Tuning) -> tuple[np.ndarray, np.ndarray]:
    """The photos that are needed, and which of these to learn from, `(n,)` each."""
    chosen = few_of(data.labels, data.train, tuning.photos, tuning.seed)
    tests = few_of(data.labels, ~data.train, tuning.tested, tuning.seed)
    rows = np.flatnonzero(chosen | tests)
    return rows, np.flatnonzero(chosen[rows])


def memory_of(net: Backbone, tuning: Tuning) -> int:
    """Approximate bytes that training takes in addition to the photos.

    The copy's weights; for each trainable weight, a gradient and Adam's two averages; for a batch,
    every layer's output and its gradient.
    """
    below = body(net)
    weights = sum(info.parameters for info in below)
    trained = sum(info.parameters for info in learning(net, tuning))
    outputs = sum(math.prod(info.shape) for info in below)
    return 4 * (weights + 3 * trained + 2 * outputs * tuning.batch)


def body(net: Backbone) -> Sequence[LayerInfo]:
    """The layers below the head."""
    names = [info.name for info in net.layers]
    return net.layers[: names.index(last_layer(net.plain).name)]


def learning(net: Backbone, tuning: Tuning) -> Sequence[LayerInfo]:
    """The layers of the backbone that learn."""
    below = body(net)
    if tuning.scratch:
        return below
    if tuning.layers is not None:
        return below[max(len(below) - tuning.layers, 0) :]
    stages = sorted({info.stage for info in below if info.parameters})
    first = stages[-tuning.stages :][0]
    return [info for info in below if info.stage >= first]
