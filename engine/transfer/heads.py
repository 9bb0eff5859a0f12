"""A classifier on frozen features: the lesson's training tricks, each a number to change.

for epoch in train_head(features, Recipe()):
    epoch.loss, epoch.accuracy, epoch.val_accuracy
epoch.head                                             # a keras.Model, (N, c) to logits
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from engine.core import backend
from engine.core.errors import BadDataset, BadSettings, Diverged
from engine.storage import few_of
from engine.transfer.evaluation import Report, evaluate, logits_of, measure
from engine.transfer.extraction import Features
from engine.transfer.initial import INITIALIZERS
from engine.transfer.optimizers import OPTIMIZERS, SCHEDULES, WeightAverage, optimizer_of
from engine.transfer.tuning import check_room

FEW = 80  # batches of an epoch: one by one they take no longer than all in one execution
MEASURED = 1024  # photos at most that an epoch is measured on, of those it learns from


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that defines the training of a head, as plain values.

    Attributes:
        epochs, batch, seed: number of epochs, photos per batch, seed of all random numbers.
        photos, tested: how many of each class to learn from, and to test on; None for all.
        hidden: neurons of a layer between features and classes; 0 for a linear probe.
        dropout: share of the features that is left out at random.
        weight_decay: decoupled, of the optimizer.
        batch_norm: whether the features pass a batch normalization.
        optimizer, learning_rate, schedule, clip: of `OPTIMIZERS` and `SCHEDULES`; `clip` bounds
            the gradient's norm, 0 for no bound.
        initializer: of `INITIALIZERS`, for each new layer; a hidden layer that would begin with
            zeros, and could not learn, begins with He's.
        patience: epochs without a better validation loss before it stops; 0 for never. It keeps a
            fifth of the training photos aside for validation.
        label_smoothing: share of the target probability that is spread over all classes.
        average: whether its weights are the mean over the later epochs; see `WeightAverage`.
        standardize: whether the features are scaled to mean 0 and deviation 1.
    """

    epochs: int = 30
    batch: int = 32
    photos: int | None = None
    tested: int | None = None
    hidden: int = 0
    dropout: float = 0.3
    weight_decay: float = 0.01
    batch_norm: bool = False
    optimizer: str = "Adam"
    learning_rate: float = 0.001
    schedule: str = "cosine"
    clip: float = 0.0
    initializer: str = "zeros"
    patience: int = 0
    label_smoothing: float = 0.0
    average: bool = False
    standardize: bool = True
    seed: int = 0

    def check(self) -> None:
        """Raises `BadSettings` if an option is out of range."""
        allowed = {
            "epochs": (1 <= self.epochs <= 1000, "1 to 1000"),
            "batch": (1 <= self.batch <= 4096, "1 to 4096"),
            "photos": (self.photos is None or self.photos >= 1, "1 or more"),
            "tested": (self.tested is None or self.tested >= 1, "1 or more"),
            "hidden": (0 <= self.hidden <= 8192, "0 to 8192"),
            "dropout": (0 <= self.dropout < 1, "0 to below 1"),
            "weight_decay": (0 <= self.weight_decay < 1, "0 to below 1"),
            "learning_rate": (0 < self.learning_rate <= 100, "above 0, at most 100"),
            "clip": (self.clip >= 0, "0 or above"),
            "patience": (self.patience >= 0, "0 or above"),
            "label_smoothing": (0 <= self.label_smoothing < 1, "0 to below 1"),
            "optimizer": (self.optimizer in OPTIMIZERS, ", ".join(OPTIMIZERS)),
            "schedule": (self.schedule in SCHEDULES, ", ".join(SCHEDULES)),
            "initializer": (self.initializer in INITIALIZERS, ", ".join(INITIALIZERS)),
        }
        for name, (right, expected) in allowed.items():
            if not right:
                received = getattr(self, name)
                words = name.replace("_", " ")
                raise BadSettings(f"Invalid {words}: expected {expected}, received {received}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One epoch: losses and accuracies on (1024 of) the photos it learns from, and on others.

    The latter are the test photos or, with early stopping, a fifth of the training photos kept
    aside, so that the test photos choose nothing. `head` is the classifier as it is now, a
    `keras.Model` from features to logits, which goes on changing until the training ends, and
    `weights` are its weights as they are now.
    """

    number: int
    epochs: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    head: Any
    weights: tuple[np.ndarray, ...]
    learnt: int


def train_head(features: Features, recipe: Recipe) -> Iterator[Epoch]:
    """Trains a classifier on features.

    It stops early only where photos can be kept aside, so not with one photo of each class.

    Args:
        features: of photos by a frozen backbone.
        recipe: how.

    Yields:
        Each epoch, with the head as it is after it.

    Raises:
        BadSettings: an option is out of range.
        BadDataset: fewer than two classes to learn from, or the features do not fit in memory.
        Diverged: the loss became NaN or infinite.
    """
    recipe.check()
    learn, judge = _split(features, recipe)
    if len(np.unique(features.labels[learn])) < 2:
        raise BadDataset("Expected photos of at least two classes to learn from.")
    _, views, width = features.values.shape
    check_features(width, views, int(learn.sum()), int(judge.sum()))
    x = np.asarray(features.values[learn], "float32")
    x, y = x.reshape(-1, x.shape[-1]), np.repeat(features.labels[learn], views)
    seen = np.random.default_rng([recipe.seed, 9]).permutation(len(y) // views)[:MEASURED] * views
    x_val, y_val = np.asarray(features.values[judge, 0], "float32"), features.labels[judge]
    mean, deviation = np.zeros(x.shape[-1], "float32"), np.ones(x.shape[-1], "float32")
    if recipe.standardize:
        least = 1e-3 * max(float(x.std()), 1e-6)  # a dead feature is not to be blown up
        mean, deviation = x.mean(axis=0), np.maximum(x.std(axis=0), least)
    head = build(mean, deviation, len(features.class_names), recipe)
    steps = -(-len(x) // recipe.batch)
    truth = np.eye(len(features.class_names), dtype="float32")[y]
    smoothing = recipe.label_smoothing
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    head.compile(
        optimizer=optimizer_of(recipe, recipe.epochs * steps),
        loss=loss_of,
        jit_compile=backend.JIT_COMPILE,
        steps_per_execution=steps if steps > FEW else 1,
    )
    generator = np.random.default_rng([recipe.seed, 6])
    average = WeightAverage(head, recipe.average)
    patience = recipe.patience if judge.any() else 0
    best, best_weights, waited = np.inf, None, 0
    for number in range(1, recipe.epochs + 1):
        order = generator.permutation(len(x))
        average.learn()
        _learn(head, x[order], truth[order], recipe.batch)
        average.add(number / recipe.epochs)
        loss, accuracy = measure(head, x[seen], y[seen])
        if not np.isfinite(loss):
            raise Diverged("The loss became NaN or infinite. Choose a lower learning rate.")
        val_loss, val_accuracy = measure(head, x_val, y_val)
        yield Epoch(
            number=number,
            epochs=recipe.epochs,
            loss=loss,
            accuracy=accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            head=head,
            weights=tuple(head.get_weights()),
            learnt=int(learn.sum()),
        )
        if patience and val_loss < best - 1e-4:
            best, best_weights, waited = val_loss, head.get_weights(), 0
        elif patience:
            waited += 1
            if waited >= patience:
                break
    if best_weights is not None:
        head.set_weights(best_weights)


def _learn(head: Any, x: np.ndarray, truth: np.ndarray, batch: int) -> None:
    """One epoch, in this order. `fit` takes 50 ms to begin, a batch by itself 1 ms."""
    if len(x) > FEW * batch:
        head.fit(x, truth, batch_size=batch, shuffle=False, verbose=0)
        return
    for k in range(0, len(x), batch):
        head.train_on_batch(x[k : k + batch], truth[k : k + batch])


def check_features(width: int, views: int, learn: int, judge: int) -> None:
    """Raises `BadDataset` unless there is room for the features, and once more in an epoch's order.

    Those of VGG, 25 088 numbers a photo, take twenty times as much as others'.

    Args:
        width: numbers of a photo.
        views: of each photo.
        learn, judge: how many photos it learns from, and is measured on.
    """
    check_room(
        4 * width * (2 * views * learn + judge),
        "Training on these features",
        "Choose fewer photos of each class, or another backbone.",
    )


def cross_validate(features: Features, recipe: Recipe, folds: int = 5) -> Iterator[Report | None]:
    """Tests every photo on a head that was not trained on it: for few photos, a fairer figure.

    Args:
        features: of all photos; which of them are to train or to test on does not matter.
        recipe: how each head is trained.
        folds: into how many parts the photos of each class are divided.

    Yields:
        None after each fold but the last, then the report on all photos.

    Raises:
        BadDataset: fewer than two classes have two photos.
    """
    labels, values = features.labels, features.values
    fold = np.full(len(labels), -1)  # a class's only photo is learnt from and never tested
    several = [k for k in np.unique(labels) if (labels == k).sum() > 1]
    if len(several) < 2:
        raise BadDataset("Expected at least two classes with two photos each.")
    for label in several:
        own = np.flatnonzero(labels == label)
        order = np.random.default_rng([recipe.seed, 10, label]).permutation(own)
        fold[order] = np.arange(len(own)) % folds
    logits = np.zeros((len(labels), len(features.class_names)), "float32")
    present, tested = np.unique(fold[fold >= 0]), fold >= 0
    for k in present:
        test = fold == k
        *_, epoch = train_head(replace(features, train=~test), recipe)
        logits[test] = logits_of(epoch.head, np.asarray(values[test, 0], "float32"))
        if k != present[-1]:
            yield None
    yield evaluate(logits[tested], labels[tested], features.rows[tested])


def build(mean: np.ndarray, deviation: np.ndarray, classes: int, recipe: Recipe) -> keras.Model:
    """The head before training; the features' mean and deviation `(c,)` are part of it."""
    kernel: Any = INITIALIZERS[recipe.initializer](recipe.seed)
    inputs: Any = keras.Input(mean.shape, name="features")
    standardize = keras.layers.Normalization(
        mean=mean, variance=np.square(deviation), name="standardize"
    )
    h = standardize(inputs)
    if recipe.batch_norm:
        h = keras.layers.BatchNormalization()(h)
    if recipe.dropout:
        h = keras.layers.Dropout(recipe.dropout, seed=recipe.seed)(h)
    if recipe.hidden:
        name = "He" if recipe.initializer == "zeros" else recipe.initializer  # zeros stay equal
        first: Any = INITIALIZERS[name](recipe.seed)
        h = keras.layers.Dense(recipe.hidden, "relu", kernel_initializer=first)(h)
        if recipe.dropout:
            h = keras.layers.Dropout(recipe.dropout, seed=recipe.seed + 1)(h)
    logits = keras.layers.Dense(classes, kernel_initializer=kernel, name="classes")(h)
    return keras.Model(inputs, logits, name="head")


def _split(features: Features, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Which photos to learn from and which to judge by, `(n,)` bool each."""
    labels, train = features.labels, features.train
    learn, judge = train.copy(), ~train
    if recipe.patience:
        judge = np.zeros(len(labels), bool)
        for label in np.unique(labels):
            own = np.flatnonzero((labels == label) & train)
            aside = max(1, len(own) // 5) if len(own) > 1 else 0
            judge[np.random.default_rng([recipe.seed, 7, label]).permutation(own)[:aside]] = True
        learn &= ~judge
    return few_of(labels, learn, recipe.photos, recipe.seed), judge
