"""Fine-tuning: a backbone's last layers are trained with a head, or all layers from scratch."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from engine import backbones
from engine.backbones import Backbone
from engine.core import backend, images
from engine.core.errors import BadDataset, BadImage, Diverged
from engine.storage import Data
from engine.transfer.evaluation import measure_logits
from engine.transfer.extraction import head_input
from engine.transfer.initial import initialize
from engine.transfer.optimizers import WeightAverage, optimizer_of
from engine.transfer.tuning import Tuning, check_memory, learning

MEASURED = 256  # photos at most that an epoch is measured on, of those it learns from


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningStep:
    """A few batches; `epoch` is a number with a fraction.

    `loss` and `accuracy` are of (256 of) the photos it learns from, `val_loss` and `val_accuracy`
    of the test photos. Both are measured in the same way, on whole photos in inference mode, at
    the beginning and after each epoch; they are None between. `val_logits` are those of the test
    photos then, and `rows` their numbers. `model` maps pictures to logits and is the network as it
    is now; when the training is stopped, as it was when it was last measured.
    """

    epoch: float
    epochs: int
    model: Any
    learnt: int
    loss: float | None = None
    accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    val_logits: np.ndarray | None = None
    rows: np.ndarray | None = None


def fine_tune(
    net: Backbone, data: Data, head: keras.Model | None, tuning: Tuning
) -> Iterator[TuningStep]:
    """Trains a copy of the backbone together with a head; the backbone itself is left as it is.

    Batch normalization keeps what it learnt from the large data set (it runs in inference mode),
    except from scratch, where there is nothing to keep and training ends once every training
    photo is classified correctly.

    Args:
        net: the backbone.
        data: the photos.
        head: a trained head to start from; None for one of zeros.
        tuning: how.

    Raises:
        BadSettings: an option is out of range.
        BadDataset: the photos do not fit in memory, or fewer than two classes can be read.
        Diverged: the loss became NaN or infinite.
    """
    tuning.check()
    rows, learn = check_memory(net, data, tuning)
    tuned = trainable(net, len(data.class_names), head, tuning)
    divided: Any = _Divided(tuned)
    model = keras.Model(tuned.inputs[0], divided(tuned.inputs[0]))
    smoothing = tuning.label_smoothing
    model.compile(
        optimizer=optimizer_of(tuning, tuning.epochs * -(-len(learn) // tuning.batch)),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        jit_compile=backend.JIT_COMPILE,
    )
    generator = np.random.default_rng([tuning.seed, 8])

    def state(epoch: float) -> TuningStep:
        """A step between two measurements."""
        return TuningStep(epoch=epoch, epochs=tuning.epochs, model=tuned, learnt=len(learn))

    def measured(epoch: float) -> Generator[TuningStep, None, TuningStep]:
        """Measures both sets of photos; between the batches it can be stopped."""
        own = yield from _watched(model, pictures, seen, lambda: state(epoch))
        logits = yield from _watched(model, pictures, test, lambda: state(epoch))
        loss, accuracy = measure_logits(own, labels[seen])
        val_loss, val_accuracy = measure_logits(logits, labels[test]) if len(test) else (None, None)
        return replace(
            state(epoch),
            loss=loss,
            accuracy=accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            val_logits=logits,
            rows=rows[test],
        )

    def fits(epoch: float) -> Generator[TuningStep, None, bool]:
        """Whether all photos that it learns from are classified correctly, not only a sample."""
        logits = yield from _watched(model, pictures, learn, lambda: state(epoch))
        return bool((logits.argmax(axis=1) == labels[learn]).all())

    labels, test = data.labels[rows], np.zeros(0, int)
    pictures = np.empty((len(rows), *net.input_size, 3), "uint8")
    read = np.zeros(len(rows), bool)
    for places, readable in _decoded(data, rows, pictures):
        read[places] = readable
        yield state(0.0)
    learn = learn[read[learn]]
    test = np.flatnonzero(~data.train[rows] & read)
    if len(np.unique(labels[learn])) < 2:
        raise BadDataset("Expected photos of at least two classes to learn from.")
    seen = np.random.default_rng([tuning.seed, 9]).permutation(learn)[:MEASURED]
    average = WeightAverage(tuned, tuning.average)
    kept, truth = tuned.get_weights(), np.eye(len(data.class_names), dtype="float32")
    try:
        batches = -(-len(learn) // tuning.batch)
        if tuning.scratch:
            _fit_batch_norm(tuned, batches)
        yield (yield from measured(0.0))
        for epoch in range(tuning.epochs):
            order = generator.permutation(learn)
            average.learn()
            for number in range(batches):
                # the last batch is filled up from the beginning: a part of one weighs too much
                places = number * tuning.batch + np.arange(min(tuning.batch, len(order)))
                batch = order.take(places, mode="wrap")
                x = images.from_uint8(pictures[batch])
                x = augmented(x, generator) if tuning.augment else x
                loss: Any = model.train_on_batch(x, truth[labels[batch]])
                if not np.isfinite(loss):
                    raise Diverged("The loss became NaN or infinite. Choose a lower learning rate.")
                yield state(epoch + (number + 1) / batches)
            average.add((epoch + 1) / tuning.epochs)
            step = yield from measured(epoch + 1.0)
            kept = tuned.get_weights()
            yield step
            if tuning.scratch and step.accuracy == 1.0 and (yield from fits(epoch + 1.0)):
                break  # there is no more to learn from its photos
    finally:
        tuned.set_weights(kept)  # if stopped between measurements, go back to the last one


def _fit_batch_norm(model: keras.Model, batches: int) -> None:
    """Lets batch normalization forget what it began with within an epoch of `batches` steps.

    Keras' momentum of 0.99 to 0.999 is for thousands of steps: after fifty, the statistics used in
    inference would still be the initial ones, and a network that has learnt would seem not to.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, max(0.9, 1 - 4 / batches))


class _Divided(keras.layers.Layer):
    """A network that processes the parts of a batch in parallel, one part per core.

    But not where it learns to normalize: a batch's statistics are those of the whole batch (Ioffe
    and Szegedy, 2015, arXiv:1502.03167).
    """

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network
        self.whole = any(
            isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
            for layer in network._flatten_layers()
        )

    def call(self, pictures: Any, training: bool | None = None) -> Any:
        if training and self.whole:
            return self.network(pictures, training=True)
        return backend.data_parallel(lambda part: self.network(part, training=training), pictures)


def trainable(net: Backbone, classes: int, head: keras.Model | None, tuning: Tuning) -> keras.Model:
    """A copy of the backbone with a head; only its last layers and the head are trainable."""
    copy = backbones.folding.depthwise(backbones.build(net.spec))  # as `net.plain`
    if tuning.scratch:
        initialize(copy, tuning.initializer, tuning.seed)
    else:
        copy.set_weights(net.plain.get_weights())
        names = {info.name.partition("/")[0] for info in learning(net, tuning)}
        for layer in copy.layers:
            frozen = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = layer.name in names and not frozen
    for k, layer in enumerate(copy._flatten_layers()):  # those of EfficientNet drop out by chance
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([tuning.seed, k])
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
    return np.concatenate(list(_batches(model, pictures, np.arange(len(pictures)))))


def _batches(model: keras.Model, pictures: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    for k in range(0, len(rows), 32):
        some = rows[k : k + 32]
        logits: Any = model.predict_on_batch(images.from_uint8(pictures[np.resize(some, 32)]))
        yield logits[: len(some)]


def _watched(
    model: keras.Model, pictures: np.ndarray, rows: np.ndarray, snapshot: Any
) -> Generator[TuningStep, None, np.ndarray]:
    """Logits of the pictures of some rows; between the batches it can be stopped."""
    found = []
    for logits in _batches(model, pictures, rows):
        found.append(logits)
        yield snapshot()
    return np.concatenate(found) if found else np.zeros((0, 1), "float32")


def augmented(x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Flips, crops and brightens or darkens pictures `(N, H, W, 3)` in 0..1 at random."""
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


def _decoded(
    data: Data, rows: np.ndarray, into: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Reads photos into an array, a few at a time: yields their places, and which can be read."""

    def decode(place: int) -> bool:
        try:
            photo = images.load(data.paths[rows[place]])
        except BadImage:
            return False
        into[place] = images.to_uint8(images.fit(photo, into.shape[1:3]))
        return True

    with ThreadPoolExecutor(backend.cores()) as pool:
        for k in range(0, len(rows), 64):
            places = np.arange(k, min(k + 64, len(rows)))
            yield places, np.array(list(pool.map(decode, places.tolist())))
