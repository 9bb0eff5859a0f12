"""A training as the transfer screen knows it: what to learn from, how, and a run of it."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components.shell import cache, last_result
from components.widgets import run_panel
from engine import images
from engine.types import Prediction

if TYPE_CHECKING:
    from engine.backbones import Backbone
    from engine.storage import Data
    from engine.transfer import Features, Project, Recipe, Report, Tuning

KEY = "training"
FROZEN, TUNED, SCRATCH = "only a new head", "the last blocks too", "everything, from scratch"
HOWS = (FROZEN, TUNED, SCRATCH)
ENOUGH = 20  # test photos; with fewer, accuracy is cross-validated
KEPT = 6  # runs that stay on the chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Photos, and where their features are kept; without photos, the features that come along.

    `holder` is whatever keeps a temporary folder alive.
    """

    data: "Data | None"
    folder: Path
    grouped: bool = False
    holder: Any = None
    called: str = "Oxford-IIIT Pets"

    @property
    def name(self) -> str:
        return self.data.name if self.data else self.called


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One training: by which backbone, of what, how."""

    backbone: str
    source: Source
    how: str
    recipe: "Recipe"
    tuning: "Tuning"

    @property
    def words(self) -> str:
        """What tells it from other runs: backbone, what learns, photos, and every changed option.

        Two plans on the same photos have the same words only if they are the same training.
        """
        photos = self.recipe.photos
        amount = "all photos" if photos is None else f"{photos} per class"
        how = {FROZEN: "frozen", TUNED: "fine-tuned", SCRATCH: "from scratch"}[self.how]
        task = ["cat or dog"] if self.source.grouped else []
        return ", ".join([self.backbone, how, amount, *task, *self._changed()])

    def _changed(self) -> list[str]:
        """The options that act on this training and are not the usual ones."""
        from engine import transfer

        pairs = []
        if self.how != SCRATCH:
            pairs.append(("", self.recipe, transfer.Recipe()))
        if self.how != FROZEN:
            pairs.append(("backbone ", self.tuning, usual_tuning(self.how)))
        return [
            f"{whose}{field.name.replace('_', ' ')} {_said(getattr(mine, field.name))}"
            for whose, mine, usual in pairs
            for field in fields(mine)
            if field.name not in ("photos", "scratch")
            and getattr(mine, field.name) != getattr(usual, field.name)
        ]


def usual_tuning(how: str) -> "Tuning":
    """How a backbone learns along unless a person changes it."""
    from engine.transfer import Tuning

    if how == SCRATCH:
        return Tuning(stages=0, scratch=True, learning_rate=1e-3, epochs=100, augment=False)
    return Tuning()


def _said(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One step of a training; what was not measured in it is None."""

    at: float
    loss: float | None
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None


class Run:
    """One start of the screen: it is its own snapshot, growing while its job runs."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.points: list[Point] = []
        self.said = ""
        self.fraction = 0.0
        self.seconds = 0.0
        self.features: Features | None = None
        self.class_names: tuple[str, ...] = ()
        self.head: Any = None
        self.tuned: Any = None
        self.learnt = 0
        self.crossed: Report | None = None  # cross-validated, where test photos are few
        self.told = float("nan")  # accuracy that an opened project says it had
        self._judged: Any = None
        self._report: tuple[int, Report] | None = None
        self.dropped = False
        self._classifier: Backbone | None = None

    @classmethod
    def opened(cls, project: "Project") -> "Run":
        """A run that ended elsewhere: there is its head, and no photo."""
        from engine.transfer import Tuning

        source = Source(data=None, folder=Path(), called=project.data)
        run = cls(
            Plan(
                backbone=project.backbone,
                source=source,
                how=FROZEN,
                recipe=project.recipe,
                tuning=Tuning(),
            )
        )
        run.head, run.class_names = project.head, project.class_names
        run.told = project.accuracy
        return run

    def begin(self) -> None:
        """Starts the job, and puts the run on the chart."""
        runs = [run for run in st.session_state.get("training_runs", []) if run.points]
        st.session_state.training_runs = [*runs, self][-KEPT:]
        run_panel.start(KEY, self._learn)
        if self.plan.how == FROZEN:  # a whole fine-tuned network is not kept
            last_result.keep(KEY, self)
        for run in runs:
            run.dropped, run.tuned = True, None  # one fine-tuned network in memory is enough

    def _learn(self) -> Iterator["Run"]:
        started = time.monotonic()
        phases = self._phases
        for _ in phases() if self.plan.how == FROZEN else cache.tunings().whole(phases):
            self.seconds = time.monotonic() - started
            if self.dropped:  # its last step, after another was begun
                self.tuned = None
            yield self

    def _phases(self) -> Iterator[None]:
        from engine import transfer

        plan, net = self.plan, cache.backbone(self.plan.backbone)
        scratch = plan.how == SCRATCH
        if plan.how != FROZEN:
            transfer.check_memory(net, plan.source.data, plan.tuning)
        if not scratch:
            yield from self._extracted(net)
            share = 1.0 if plan.how == FROZEN else 0.3
            epochs = partial(transfer.train_head, self.features, plan.recipe)
            for epoch in cache.line().turns(epochs):
                self.head, self.learnt = epoch.head, epoch.learnt
                self._add(epoch.number, epoch)
                self.fraction = share * epoch.number / epoch.epochs
                self.said = f"epoch {epoch.number} of {epoch.epochs}"
                yield
        if plan.how == FROZEN:
            yield from self._cross_validated()
            return
        self.said = "reading the photos"
        yield
        begun, before = self.fraction, len(self.points)
        self.class_names = plan.source.data.class_names
        steps = partial(transfer.fine_tune, net, plan.source.data, self.head, plan.tuning)
        for step in cache.line().turns(steps):
            if step.val_logits is not None:
                self.tuned, self.learnt = step.model, step.learnt
                self._judged = (step.val_logits, step.rows)
                self._add(before + step.epoch, step)
            self.fraction = begun + (1 - begun) * step.epoch / step.epochs
            who = "all layers" if scratch else "backbone and head"
            self.said = f"epoch {step.epoch:.1f} of {step.epochs}, training {who}"
            yield

    def _cross_validated(self) -> Iterator[None]:
        """A figure from all photos, where there are too few to test on."""
        from engine import transfer

        features = self.features
        tested = int((~features.train).sum())
        several = np.bincount(features.labels) > 1  # classes with photos to learn and to test
        if tested >= ENOUGH or several.sum() < 2:
            return
        self.said = f"{self.said}, cross-validation"
        yield
        folds = partial(transfer.cross_validate, features, self.plan.recipe)
        for report in cache.line().turns(folds):
            self.crossed = report
            yield

    def _extracted(self, net) -> Iterator[None]:
        from engine import transfer
        from engine.runs import sharing

        source = self.plan.source
        if source.data is None:
            features = transfer.builtin()
            self.features = transfer.grouped(features) if source.grouped else features
        else:
            views = 2 if len(source.data.paths) <= 1000 else 1
            runner, arguments = cache.runner(), (net, source.data, source.folder, views)
            if source.holder is None:  # photos of this machine: all may want them at once
                steps = sharing.extract(cache.streams(), runner, *arguments)
            else:
                steps = runner.line([net]).turns(partial(sharing.extracted, runner, *arguments))
            for step in steps:
                self.features = step.features
                left = f", about {step.seconds_left:.0f} s left" if step.seconds_left > 1 else ""
                self.said = f"looking at photo {step.done} of {step.total}{left}"
                yield
        self.class_names = self.features.class_names

    def _add(self, at: float, step: Any) -> None:
        point = Point(
            at=at,
            loss=step.loss,
            accuracy=step.accuracy,
            val_loss=step.val_loss,
            val_accuracy=step.val_accuracy,
        )
        self.points.append(point)

    @property
    def usable(self) -> bool:
        """Whether there is a classifier to ask."""
        return self.head is not None or self.tuned is not None

    @property
    def latest(self) -> Point | None:
        """The last point that was measured on photos it does not learn from."""
        return next((p for p in reversed(self.points) if p.val_accuracy is not None), None)

    def report(self) -> "Report | None":
        """What it is worth on the test photos as it is now; None while there are none."""
        from engine import transfer

        if self.crossed is not None:
            return self.crossed
        if self._report is not None and self._report[0] == len(self.points):
            return self._report[1]
        if self._judged is not None:
            logits, rows = self._judged
            labels = self.plan.source.data.labels[rows]
        elif self.features is not None and self.head and not self.features.train.all():
            test = ~self.features.train
            values = np.asarray(self.features.values[test, 0], "float32")
            logits, rows = transfer.logits_of(self.head, values), self.features.rows[test]
            labels = self.features.labels[test]
        else:
            return None
        self._report = (len(self.points), transfer.evaluate(logits, labels, rows))
        return self._report[1]

    def classifier(self) -> "Backbone":
        """The trained network as a backbone, made once."""
        from engine import transfer

        if self._classifier is None:
            net = cache.backbone(self.plan.backbone)
            what = self.plan.source.name + (", cat or dog" if self.plan.source.grouped else "")
            name = f"{what}, by {self.plan.backbone} ({secrets.token_hex(2)})"
            if self.tuned is not None:
                made = transfer.from_model(net, self.tuned, self.class_names, name)
            else:
                made = transfer.as_backbone(net, self.head, self.class_names, name)
            self._classifier = made
        return self._classifier

    def taught(self) -> str:
        """Puts the classifier beside the backbones of this session, once; returns its name."""
        if self.classifier().name not in cache.taught():
            cache.teach(self.classifier())
        return self.classifier().name

    def predict(self, picture: np.ndarray) -> tuple[Prediction, ...]:
        """What the trained classifier says of a picture `(H, W, 3)` in 0..1."""
        from engine import transfer
        from engine.backbones import top_predictions

        net = cache.backbone(self.plan.backbone)
        batch = images.fit(picture, net.input_size)[None]
        if self.tuned is not None:
            logits = transfer.predicted(self.tuned, images.to_uint8(batch))[0]
        else:
            logits = transfer.logits_of(self.head, transfer.vectors(net, batch))[0]
        return top_predictions(logits, self.class_names)
