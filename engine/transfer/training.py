"""Trains a classifier on photos: features, a head and, for fine-tuning, the backbone.

for step in train(net, TrainingPlan(backbone=net.name, source=PhotoSource(...))):
    step.fraction, step.message, step.point
step.trained.head, step.trained.report
"""

import time
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from engine.backbones import Backbone
from engine.core.errors import BadDataset
from engine.core.types import FROZEN, SCRATCH, How
from engine.storage import Data
from engine.transfer.evaluation import Report, evaluate, logits_of
from engine.transfer.extraction import Features, builtin, grouped
from engine.transfer.fine_tuning import fine_tune
from engine.transfer.heads import Recipe, cross_validate, train_head
from engine.transfer.reading import ENOUGH, check_memory_of, extract_needed
from engine.transfer.tuning import Tuning, check_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSource:
    """Photos, and the folder their features are kept in; without photos, the built-in features.

    `grouped` puts the classes together by group, `called` names a source without photos, `holder`
    is whatever keeps a temporary folder alive, `features` are those of the photos, where another
    machine has computed them.
    """

    data: Data | None
    folder: Path
    grouped: bool = False
    called: str = "Oxford-IIIT Pets"
    holder: Any = field(default=None, compare=False)
    features: Features | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        return self.data.name if self.data else self.called

    @property
    def key(self) -> Hashable:
        """What tells these photos from others."""
        photos = (self.data.digest, self.data.train.tobytes()) if self.data else self.called
        return photos, str(self.folder), self.grouped


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """One training: by which backbone, of what, how."""

    backbone: str
    source: PhotoSource
    how: How = FROZEN
    recipe: Recipe = field(default_factory=Recipe)
    tuning: Tuning = field(default_factory=Tuning)

    @property
    def key(self) -> Hashable:
        """What equal trainings have in common."""
        return self.backbone, self.source.key, self.how, self.recipe, self.tuning


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPoint:
    """What was measured after an epoch: on photos it learns from, and on others.

    `epoch` counts on from the head's epochs to those of the backbone. None: there is no such photo.
    """

    epoch: float
    loss: float | None
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training has made so far.

    `network` is the head being trained, from features to logits, which goes on changing; `weights`
    are its weights after the last epoch, None where only the course of the training is kept.
    `model`, where the backbone is trained too, maps pictures to logits. `learnt` is the number of
    photos it learns from, `crossed` the cross-validated report where there are few test photos,
    `judged` the logits of test photos, their labels and their rows.
    """

    class_names: tuple[str, ...] = ()
    features: Features | None = None
    network: Any = None
    weights: tuple[np.ndarray, ...] | None = None
    model: Any = None
    learnt: int = 0
    crossed: Report | None = None
    judged: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def usable(self) -> bool:
        """Whether there is a classifier yet."""
        return self.weights is not None or self.model is not None

    @property
    def head(self) -> Any:
        """A copy of the head as it was after the last epoch, whoever trains it further."""
        copy = keras.Model.from_config(self.network.get_config())
        copy.set_weights(self.weights)
        return copy

    def report(self) -> Report | None:
        """Its evaluation on photos that it was not trained on; None if there are none."""
        if self.crossed is not None:
            return self.crossed
        if self.judged is not None:
            logits, labels, rows = self.judged
            return evaluate(logits, labels, rows) if len(labels) else None
        if self.features is None or self.weights is None or self.features.train.all():
            return None
        test = ~self.features.train
        logits = logits_of(self.head, np.asarray(self.features.values[test, 0], "float32"))
        return evaluate(logits, self.features.labels[test], self.features.rows[test])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStep:
    """How far a training is: `fraction` in 0..1, a sentence, and what there is already."""

    fraction: float
    message: str
    seconds: float
    trained: Trained
    point: TrainingPoint | None = None

    def light(self) -> "TrainingStep":
        """The step without networks and weights, for the course of the training."""
        return replace(self, trained=replace(self.trained, network=None, weights=None, model=None))


Steps = Generator[TrainingStep, None, None]


def train(net: Backbone, plan: TrainingPlan) -> Steps:
    """Trains a classifier.

    Args:
        net: the plan's backbone.
        plan: what to learn from, and how.

    Yields:
        A step for each batch of photos that is read, and for each epoch.

    Raises:
        BadDataset: the photos cannot be read, have fewer than two classes, or do not fit in memory.
        BadSettings: an option is out of range.
        Diverged: the loss became NaN or infinite.
    """
    course = _Course()
    if plan.how != SCRATCH:
        _check_room(net, plan)  # before photos are read for nothing
    if plan.how == FROZEN:
        features = yield from _read(course, net, plan)
        yield from _train_head(course, features, plan.recipe)
        if _too_few(features):
            yield from _cross_validate(course, features, plan.recipe)
        return
    data = plan.source.data
    if data is None:
        raise BadDataset(
            "Training the backbone needs the photos themselves; only their features are here. "
            "Download the photos, or choose *frozen*."
        )
    check_memory(net, data, plan.tuning)  # before the head is trained for nothing
    if plan.how != SCRATCH:
        features = yield from _read(course, net, plan)
        yield from _train_head(course, features, plan.recipe, share=0.3)
    yield from _train_backbone(course, net, data, plan)


def read(net: Backbone, plan: TrainingPlan, elsewhere: Callable | None = None) -> Steps:
    """The first part of `train`: the last step has the features; for `elsewhere` see `extract`."""
    _check_room(net, plan)
    course = _Course()
    yield from _read(course, net, plan, elsewhere)
    yield course.step("the photos are read")


def _check_room(net: Backbone, plan: TrainingPlan) -> None:
    """Raises `BadDataset` where the features of the photos would not fit in memory."""
    if plan.source.data is not None and plan.source.features is None:
        check_memory_of(net, plan.source.data, plan.recipe)


class _Course:
    """What is there so far, and when it began."""

    def __init__(self) -> None:
        self.trained = Trained()
        self.fraction = self.epochs = 0.0
        self._started = time.monotonic()

    def made(self, **parts: Any) -> None:
        """Adds what has just been made."""
        self.trained = replace(self.trained, **parts)

    def step(self, message: str, epoch: float | None = None, measured: Any = None) -> TrainingStep:
        """A step; with what was measured in an epoch, where it was."""
        point = None
        if epoch is not None:
            point = TrainingPoint(
                epoch=epoch,
                loss=measured.loss,
                accuracy=measured.accuracy,
                val_loss=measured.val_loss,
                val_accuracy=measured.val_accuracy,
            )
        return TrainingStep(
            fraction=self.fraction,
            message=message,
            seconds=time.monotonic() - self._started,
            trained=self.trained,
            point=point,
        )


def _read(
    course: _Course, net: Backbone, plan: TrainingPlan, elsewhere: Callable | None = None
) -> Generator[TrainingStep, None, Features]:
    """The features of the photos, or those that come with the app."""
    source, features = plan.source, plan.source.features
    if features is None and source.data is None:
        features = builtin(plan.backbone)
        features = grouped(features) if source.grouped else features
    elif features is None and source.data is not None:
        for done in extract_needed(net, source.data, source.folder, plan.recipe, elsewhere):
            left = f", about {done.seconds_left:.0f} s left" if done.seconds_left > 1 else ""
            yield course.step(f"reading photo {done.done} of {done.total}{left}")
            features = done.features
    if features is None:
        raise BadDataset("None of the photos can be read. Choose other files.")
    course.made(features=features, class_names=features.class_names)
    return features


def _train_head(course: _Course, features: Features, recipe: Recipe, share: float = 1.0) -> Steps:
    """The head; `share` is its part of the whole training."""
    message = ""
    for epoch in train_head(features, recipe):
        course.made(network=epoch.head, weights=epoch.weights, learnt=epoch.learnt)
        course.fraction, course.epochs = share * epoch.number / epoch.epochs, float(epoch.number)
        message = f"epoch {epoch.number} of {epoch.epochs}"
        yield course.step(message, course.epochs, epoch)
    if recipe.patience:  # early stopping has gone back to the best epoch
        course.made(weights=tuple(course.trained.network.get_weights()))
        yield course.step(message)


def _too_few(features: Features) -> bool:
    """Whether test photos are so few that accuracy is better cross-validated."""
    several = np.bincount(features.labels) > 1  # classes with photos to learn and to test
    return int((~features.train).sum()) < ENOUGH and bool(several.sum() >= 2)


def _cross_validate(course: _Course, features: Features, recipe: Recipe) -> Steps:
    message = f"epoch {course.epochs:.0f}, cross-validation"
    yield course.step(message)
    for report in cross_validate(features, recipe):
        course.made(crossed=report)
        yield course.step(message)


def _train_backbone(course: _Course, net: Backbone, data: Data, plan: TrainingPlan) -> Steps:
    before, begun, scratch = course.epochs, course.fraction, plan.how == SCRATCH
    course.made(class_names=data.class_names)
    yield course.step("reading the photos")
    head = None if scratch else course.trained.head
    who = "all layers" if scratch else "backbone and head"
    for tuned in fine_tune(net, data, head, plan.tuning):
        epoch = None
        if tuned.val_logits is not None:
            judged = (tuned.val_logits, data.labels[tuned.rows], tuned.rows)
            course.made(model=tuned.model, learnt=tuned.learnt, judged=judged)
            epoch = before + tuned.epoch
        course.fraction = begun + (1 - begun) * tuned.epoch / tuned.epochs
        number = min(int(tuned.epoch) + 1, tuned.epochs)
        message = f"epoch {number} of {tuned.epochs}, training {who}"
        yield course.step(message, epoch, tuned)
