"""Fine-tuning: the last blocks of a backbone learn along, from a trained head or from nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from engine import backbones, backend, images
from engine.backbones import Backbone
from engine.datasets import Data, few_of
from engine.errors import BadDataset, BadImage, BadSettings
from engine.extraction import head_input
from engine.heads import measure_logits


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a backbone learns along.

    Attributes:
        stages: how many of its last stages (of equal resolution) learn; 0 for all of them.
        learning_rate: low, so that what it knows is not lost; of Adam.
        epochs, batch, seed: as their names say.
        photos: how many of each class to learn from; None for all.
        augment: flips, shifts and other brightness at random.
        scratch: begin with random weights, everything learning, as a contrast.
    """

    stages: int = 1
    learning_rate: float = 1e-5
    epochs: int = 5
    batch: int = 16
    photos: int | None = None
    augment: bool = True
    scratch: bool = False
    seed: int = 0

    def check(self) -> None:
        """Raises `BadSettings` for numbers that make no sense."""
        if not (
            0 <= self.stages <= 50
            and 0 < self.learning_rate <= 10
            and 1 <= self.epochs <= 200
            and 1 <= self.batch <= 512
            and (self.photos is None or self.photos >= 1)
        ):
            raise BadSettings("Expected at least one epoch, one photo and a learning rate above 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningStep:
    """A few batches: `epoch` as a number with a fraction, running `loss` and `accuracy`.

    `val_loss` and `val_accuracy` are of the test photos, measured at the beginning and after each
    epoch, None between; `val_logits` are those of these photos then, and `rows` their numbers.
    `model` maps pictures to logits and is the network as it is now.
    """

    epoch: float
    epochs: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    model: Any
    learnt: int
    val_logits: np.ndarray | None = None
    rows: np.ndarray | None = None


def fine_tune(
    net: Backbone, data: Data, head: keras.Model | None, tuning: Tuning
) -> Iterator[TuningStep]:
    """Trains a copy of the backbone together with a head; the backbone itself is left as it is.

    Batch normalization keeps what it learnt from the large data set (it runs in inference mode),
    except from scratch, where there is nothing to keep.

    Args:
        net: the backbone.
        data: the photos.
        head: a trained head to start from; None for one of zeros.
        tuning: how.

    Raises:
        BadSettings, BadDataset: settings or photos that nothing can be learnt from.
    """
    tuning.check()
    chosen = data.train if tuning.photos is None else few_of(
        data.labels, data.train, tuning.photos, tuning.seed
    )  # fmt: skip
    pictures, rows = _decoded(data, net.input_size)
    learn = np.flatnonzero(chosen[rows])
    test = np.flatnonzero(~data.train[rows])
    labels = data.labels[rows]
    if len(np.unique(labels[learn])) < 2:
        raise BadDataset("Expected photos of at least two classes to learn from.")
    tuned = trainable(net, len(data.class_names), head, tuning)
    divided: Any = _Divided(tuned)
    model = keras.Model(tuned.inputs[0], divided(tuned.inputs[0]))
    no_xla: Any = False  # on a CPU it is slower, and compiles again
    model.compile(
        optimizer=keras.optimizers.Adam(tuning.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=no_xla,
    )
    generator = np.random.default_rng([tuning.seed, 8])

    def state(epoch: float, judge: bool) -> TuningStep:
        logits = predicted(model, pictures[test]) if judge and len(test) else None
        val_loss, val_accuracy = (None, None)
        if logits is not None:
            val_loss, val_accuracy = measure_logits(logits, labels[test])
        return TuningStep(
            epoch=epoch, epochs=tuning.epochs, loss=loss, accuracy=accuracy, val_loss=val_loss,
            val_accuracy=val_accuracy, model=tuned, learnt=len(learn), val_logits=logits,
            rows=rows[test],
        )  # fmt: skip

    loss = accuracy = float("nan")
    yield state(0.0, judge=True)
    batches = -(-len(learn) // tuning.batch)
    for epoch in range(tuning.epochs):
        order = generator.permutation(learn)
        model.reset_metrics()
        for number in range(batches):
            batch = np.resize(order[number * tuning.batch :], min(tuning.batch, len(order)))
            x = images.from_uint8(pictures[batch])
            x = augmented(x, generator) if tuning.augment else x
            found: Any = model.train_on_batch(x, labels[batch], return_dict=True)
            loss, accuracy = float(found["loss"]), float(found["accuracy"])
            if number + 1 < batches:
                yield state(epoch + (number + 1) / batches, judge=False)
        yield state(epoch + 1.0, judge=True)


class _Divided(keras.layers.Layer):
    """A network that takes the parts of a batch side by side, a part a core."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network

    def call(self, pictures: Any, training: bool | None = None) -> Any:
        return backend.spread(lambda part: self.network(part, training=training), pictures)


def trainable(net: Backbone, classes: int, head: keras.Model | None, tuning: Tuning) -> keras.Model:
    """A copy of the backbone with a head on it, of which the last stages learn."""
    copy = backbones.build(net.spec)
    if not tuning.scratch:
        copy.set_weights(net.plain.get_weights())
        first = max(info.stage for info in net.layers if info.has_maps) - tuning.stages + 1
        stage = {info.name: info.stage for info in net.layers}
        for layer in copy.layers:
            late = stage.get(layer.name, 0) >= first or not tuning.stages
            frozen = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = late and not frozen
    read = head_input(copy)
    if head is None:
        head = keras.Sequential(
            [keras.Input(read.shape[1:]), keras.layers.Dense(classes, kernel_initializer="zeros")]
        )
    else:
        weights = head.get_weights()
        head = keras.Model.from_config(head.get_config())
        head.set_weights(weights)
    answer: Any = head
    return keras.Model(copy.inputs[0], answer(read), name="tuned")


def predicted(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Logits of uint8 pictures `(N, H, W, 3)`, in batches of one size."""
    found = []
    for k in range(0, len(pictures), 32):
        batch = pictures[k : k + 32]
        logits: Any = model.predict_on_batch(
            images.from_uint8(np.resize(batch, (32, *batch.shape[1:])))
        )
        found.append(logits[: len(batch)])
    return np.concatenate(found)


def augmented(x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Pictures `(N, H, W, 3)` in 0..1, some mirrored, each cut and lit a little differently."""
    n, height, width, _ = x.shape
    out = np.empty_like(x)
    for k in range(n):
        picture = x[k, :, ::-1] if generator.random() < 0.5 else x[k]
        share = generator.uniform(0.75, 1.0)
        h, w = int(share * height), int(share * width)
        top, left = generator.integers(0, height - h + 1), generator.integers(0, width - w + 1)
        cut = images.fit(picture[top : top + h, left : left + w], (height, width))
        out[k] = np.clip(cut * generator.uniform(0.8, 1.2), 0.0, 1.0)
    return out


def _decoded(data: Data, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """All readable photos as uint8, and their numbers. Fine-tuning is for what fits in memory."""
    need = len(data.paths) * size[0] * size[1] * 3
    if need > 1_500_000_000:
        raise BadDataset(
            f"Fine-tuning needs all photos in memory, {need / 1e9:.1f} GB; at most 1.5 GB. Choose "
            "fewer photos."
        )

    def decode(path) -> np.ndarray | None:
        try:
            return images.to_uint8(images.fit(images.load(path), size))
        except BadImage:
            return None

    with ThreadPoolExecutor(backend.cores()) as pool:
        found = list(pool.map(decode, data.paths))
    rows = np.array([k for k, picture in enumerate(found) if picture is not None], int)
    if not len(rows):
        raise BadDataset("None of the photos can be read. Choose other files.")
    return np.stack([found[k] for k in rows]), rows
