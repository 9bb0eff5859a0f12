"""A training from photos to a classifier: features, a head, and the backbone where that learns.

for step in train(net, TrainingPlan(backbone=net.name, source=PhotoSource(...))):
    step.fraction, step.message, step.point
step.trained.head, step.trained.report
"""

import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.backbones import Backbone
from engine.storage import Data
from engine.transfer.evaluation import Report, evaluate
from engine.transfer.extraction import Features, builtin, extract, grouped
from engine.transfer.fine_tuning import fine_tune
from engine.transfer.heads import Recipe, cross_validate, logits_of, train_head
from engine.transfer.tuning import Tuning, check_memory
from engine.types import FROZEN, SCRATCH, How

ENOUGH = 20  # test photos; with fewer, accuracy is cross-validated
TWO_VIEWS = 1000  # photos up to which each is also seen mirrored


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSource:
    """Photos, and the folder their features are kept in; without photos, the built-in features.

    `grouped` puts the classes together by group, `called` names a source without photos, `holder`
    is whatever keeps a temporary folder alive.
    """

    data: Data | None
    folder: Path
    grouped: bool = False
    called: str = "Oxford-IIIT Pets"
    holder: Any = field(default=None, compare=False)

    @property
    def name(self) -> str:
        return self.data.name if self.data else self.called

    @property
    def key(self) -> Hashable:
        """What tells these photos from others."""
        return self.data.digest if self.data else self.called, str(self.folder), self.grouped


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

    `head` maps features to logits, `model`, where the backbone is trained too, pictures to logits;
    `learnt` is the number of photos it learns from, `crossed` the cross-validated report where
    there are few test photos, `judged` the logits of test photos and their rows.
    """

    class_names: tuple[str, ...] = ()
    features: Features | None = None
    head: Any = None
    model: Any = None
    learnt: int = 0
    crossed: Report | None = None
    judged: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def usable(self) -> bool:
        """Whether there is a classifier to ask."""
        return self.head is not None or self.model is not None

    def report(self) -> Report | None:
        """What it is worth on photos it has not learnt from; None where there are none."""
        if self.crossed is not None:
            return self.crossed
        if self.judged is not None:
            logits, labels, rows = self.judged
            return evaluate(logits, labels, rows) if len(labels) else None
        if self.features is None or self.head is None or self.features.train.all():
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


def train(
    net: Backbone, plan: TrainingPlan, elsewhere: Callable | None = None
) -> Iterator[TrainingStep]:
    """Trains a classifier.

    Args:
        net: the plan's backbone.
        plan: what to learn from, and how.
        elsewhere: computes features on other machines; see `extract`.

    Yields:
        A step for each batch of photos that is read, and for each epoch.

    Raises:
        BadDataset, BadSettings: photos or numbers that nothing can be learnt from.
        Diverged: the loss is no number any more.
    """
    started = time.monotonic()
    made = Trained()
    frozen = plan.how == FROZEN

    def step(
        fraction: float, message: str, at: float | None = None, epoch: Any = None
    ) -> TrainingStep:
        point = None
        if at is not None:
            point = TrainingPoint(
                epoch=at,
                loss=epoch.loss,
                accuracy=epoch.accuracy,
                val_loss=epoch.val_loss,
                val_accuracy=epoch.val_accuracy,
            )
        seconds = time.monotonic() - started
        return TrainingStep(
            fraction=fraction, message=message, seconds=seconds, trained=made, point=point
        )

    if not frozen and plan.source.data is not None:
        check_memory(net, plan.source.data, plan.tuning)
    before = 0.0
    if plan.how != SCRATCH:
        for message, features in _features(net, plan, elsewhere):
            if features is not None:
                made = replace(made, features=features, class_names=features.class_names)
            yield step(0.0, message)
        for epoch in train_head(_known(made.features), plan.recipe):
            made = replace(made, head=epoch.head, learnt=epoch.learnt)
            before = float(epoch.number)
            fraction = (1.0 if frozen else 0.3) * epoch.number / epoch.epochs
            yield step(fraction, f"epoch {epoch.number} of {epoch.epochs}", before, epoch)
    if frozen:
        if _too_few(_known(made.features)):
            message = f"epoch {before:.0f}, cross-validation"
            yield step(1.0, message)
            for report in cross_validate(_known(made.features), plan.recipe):
                made = replace(made, crossed=report)
                yield step(1.0, message)
        return
    data = _known(plan.source.data)
    made = replace(made, class_names=data.class_names)
    begun = 0.0 if plan.how == SCRATCH else 0.3
    yield step(begun, "reading the photos")
    who = "all layers" if plan.how == SCRATCH else "backbone and head"
    for tuned in fine_tune(net, data, made.head, plan.tuning):
        at = None
        if tuned.val_logits is not None:
            judged = (tuned.val_logits, data.labels[tuned.rows], tuned.rows)
            made = replace(made, model=tuned.model, learnt=tuned.learnt, judged=judged)
            at = before + tuned.epoch
        fraction = begun + (1 - begun) * tuned.epoch / tuned.epochs
        message = f"epoch {tuned.epoch:.1f} of {tuned.epochs}, training {who}"
        yield step(fraction, message, at, tuned)


def _features(
    net: Backbone, plan: TrainingPlan, elsewhere: Callable | None
) -> Iterator[tuple[str, Features | None]]:
    """How far the features are, and the features at the end."""
    source = plan.source
    if source.data is None:
        features = builtin()
        yield "", grouped(features) if source.grouped else features
        return
    views = 2 if len(source.data.paths) <= TWO_VIEWS else 1
    for done in extract(net, source.data, source.folder, views, elsewhere):
        left = f", about {done.seconds_left:.0f} s left" if done.seconds_left > 1 else ""
        yield f"reading photo {done.done} of {done.total}{left}", done.features


def _too_few(features: Features) -> bool:
    """Whether test photos are so few that accuracy is better cross-validated."""
    several = np.bincount(features.labels) > 1  # classes with photos to learn and to test
    return int((~features.train).sum()) < ENOUGH and bool(several.sum() >= 2)


def _known(value: Any) -> Any:
    """What is there by now."""
    assert value is not None  # noqa: S101
    return value
