"""An experiment on the transfer screen: its plan in words, the view of its run, its classifier."""

import secrets
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components.shell import cache, class_link, last_result
from components.widgets import run_panel
from engine import images
from engine.core.types import FROZEN, SCRATCH

if TYPE_CHECKING:
    from engine.backbones import Backbone
    from engine.runs import View
    from engine.transfer import (
        Project,
        Report,
        Trained,
        TrainingPlan,
        TrainingPoint,
        TrainingStep,
        Tuning,
    )

KEY = "training"
KEPT = 6  # runs that stay on the chart


class Experiment:
    """One start of the screen: its plan, and a view of its run."""

    def __init__(self, plan: "TrainingPlan") -> None:
        self.plan = plan
        self.views: list[View] = []
        self.address: dict[str, str] = {}  # parameters of the page's link, as it was set
        self.saved: Project | None = None  # opened, not trained here
        self._opened: Trained | None = None
        self._usable: Trained | None = None  # the last that this person has seen
        self._kept: tuple[list[TrainingPoint], Report | None, TrainingStep] | None = None
        self._report: tuple[int, Report | None] = (-1, None)
        self._classifier: Backbone | None = None

    @classmethod
    def opened(cls, project: "Project", model: Any) -> "Experiment":
        """One that ended elsewhere: there is its network, and no photo.

        Args:
            project: what was saved.
            model: its trained network; None where only a head was trained.
        """
        from engine.transfer import PhotoSource, Trained, TrainingPlan

        source = PhotoSource(data=None, folder=Path(), called=project.data)
        plan = TrainingPlan(
            backbone=project.backbone,
            source=source,
            how=project.how,
            recipe=project.recipe,
            tuning=project.tuning,
        )
        run, head = cls(plan), project.head
        run.saved = project
        run._opened = Trained(
            class_names=project.class_names,
            network=head,
            weights=None if head is None else tuple(head.get_weights()),
            model=model,
        )
        return run

    def project(self) -> "Project":
        """What is saved of it."""
        from engine import transfer

        plan, made, report = self.plan, self.trained, self.report()
        project = self.saved or transfer.Project(
            backbone=plan.backbone,
            data=plan.source.name,
            class_names=made.class_names,
            how=plan.how,
            recipe=plan.recipe,
            tuning=plan.tuning,
            photos=transfer.digests(plan.source.data, plan.tuning),
            accuracy=report.accuracy if report else float("nan"),
            head=None if made.weights is None else made.head,
        )
        if made.model is None:
            return project
        return transfer.changes(cache.backbone(plan.backbone), project, made.model)

    def begin(self) -> None:
        """Starts the run, and puts it on the chart."""
        from engine.runs.tasks import Training

        runs = [run for run in st.session_state.get("training_runs", []) if run.points]
        st.session_state.training_runs = [*runs, self][-KEPT:]
        st.session_state[f"{KEY}_run"] = self
        self.views = run_panel.start(KEY, [Training(plan=self.plan)])
        self.address = class_link.as_set({"backbone": self.plan.backbone})
        for run in runs:
            run.let_go()
        # Not kept: a whole fine-tuned network, and photos that go with their session.
        if self.plan.how == FROZEN and self.plan.source.holder is None:
            last_result.keep(KEY, self)

    def let_go(self) -> None:
        """Keeps the figures and no network: one fine-tuned network in memory is enough."""
        if self.plan.how != FROZEN and self.views and self.last is not None:
            self._kept = (self.points, self.report(), self.last)
            self.views, self._usable = [], None

    @property
    def photos(self) -> tuple[object, ...]:
        """What tells its photos from others, as far as that is known without reading files."""
        source = self.plan.source
        data = source.data
        numbers = (len(data.paths), int(data.train.sum()), data.class_names) if data else ()
        return source.name, source.grouped, source.holder and source.holder.name, *numbers

    @property
    def last(self) -> "TrainingStep | None":
        """The last step this person has seen."""
        if self._kept is not None:
            return self._kept[2]
        return self.views[0].latest if self.views else None

    @property
    def points(self) -> "list[TrainingPoint]":
        """What was measured, an epoch after the other."""
        if self._kept is not None:
            return self._kept[0]
        return [step.point for view in self.views for step in view.frames if step.point]

    @property
    def epochs(self) -> int:
        """How many epochs it has in all, if nothing stops it early."""
        head = self.plan.recipe.epochs if self.plan.how != SCRATCH else 0
        return head + (self.plan.tuning.epochs if self.plan.how != FROZEN else 0)

    @property
    def trained(self) -> "Trained":
        """What there is by now; where a step that others went past is shown, what was before it."""
        from engine.transfer import Trained

        if self._opened is not None:
            return self._opened
        if self.last is None or self._kept is not None:
            return Trained()
        if self.last.trained.usable or self._usable is None:
            self._usable = self.last.trained
        return self._usable

    @property
    def class_names(self) -> tuple[str, ...]:
        """Its classes, also once the network is gone."""
        return self.trained.class_names or (self.last.trained.class_names if self.last else ())

    @property
    def latest(self) -> "TrainingPoint | None":
        """The last point that was measured on photos it does not learn from."""
        return next((p for p in reversed(self.points) if p.val_accuracy is not None), None)

    def report(self) -> "Report | None":
        """What it is worth on the test photos as it is now; None while there are none."""
        if self._kept is not None:
            return self._kept[1]
        steps = self.views[0].seen if self.views else 0
        if self._report[0] != steps:
            self._report = (steps, self.trained.report())
        return self._report[1]

    def classifier(self) -> "Backbone":
        """The trained network as a backbone, made once."""
        from engine import transfer

        if self._classifier is None:
            net, made = cache.backbone(self.plan.backbone), self.trained
            what = self.plan.source.name + (", cat or dog" if self.plan.source.grouped else "")
            name = f"{what}, by {self.plan.backbone} ({secrets.token_hex(4)})"
            if made.model is not None:
                self._classifier = transfer.from_model(net, made.model, made.class_names, name)
            else:
                self._classifier = transfer.as_backbone(net, made.head, made.class_names, name)
        return self._classifier

    def taught(self) -> str:
        """Puts the classifier beside the backbones of this session, once; returns its name."""
        if self.classifier().name not in cache.taught():
            cache.teach(self.classifier())
        return self.classifier().name

    def logits(self, picture: np.ndarray) -> np.ndarray:
        """The trained classifier's logits of a picture `(H, W, 3)` in 0..1, `(classes,)`."""
        from engine import transfer

        net, made = cache.backbone(self.plan.backbone), self.trained
        batch = images.fit(picture, net.input_size)[None]
        if made.model is not None:
            return transfer.predicted(made.model, images.to_uint8(batch))[0]
        return transfer.logits_of(made.head, transfer.vectors(net, batch))[0]


def unmeasured(run: Experiment) -> str:
    if run.points:
        return "There are no test photos, so accuracy cannot be measured."
    classes, source = len(run.trained.class_names), run.plan.source.name
    opened = f"Opened: {run.plan.backbone} with {classes} classes of {source}"
    saved = float("nan") if run.saved is None else run.saved.accuracy
    measured = "" if np.isnan(saved) else f", {100 * saved:.1f} % accuracy when it was saved"
    photos = (
        f", trained on {len(run.saved.photos)} photos" if run.saved and run.saved.photos else ""
    )
    without = "A project does not include its photos, so accuracy cannot be measured again."
    return f"{opened}{photos}{measured}. {without}"


def words(plan: "TrainingPlan") -> str:
    """What tells a training from others: backbone, what is trained, photos, changed options.

    Two plans on the same photos have the same words only if they are the same training.
    """
    return ", ".join(_parts(plan))


def parts(plan: "TrainingPlan") -> list[str]:
    """The same, and on which photos, in parts."""
    data = plan.source.data
    every = data is not None and plan.recipe.tested is None
    tested = [f"tested on {int((~data.train).sum())} photos"] if every else []
    return [plan.source.name, *_parts(plan), *tested]


def _parts(plan: "TrainingPlan") -> list[str]:
    photos = plan.recipe.photos
    amount = "all photos" if photos is None else f"{photos} per class"
    if plan.recipe.tested is not None:
        amount += f", tested on {plan.recipe.tested} per class"
    task = ["cat or dog"] if plan.source.grouped else []
    return [plan.backbone, plan.how, amount, *task, *_changed(plan)]


def summary(plan: "TrainingPlan") -> list[str]:
    """What is set, in a few words each."""
    source = plan.source.name + (", cat or dog" if plan.source.grouped else "")
    return [f"**{source}**", plan.backbone, *_changed(plan)]


def _changed(plan: "TrainingPlan") -> list[str]:
    """The options that act on this training and are not the usual ones."""
    from engine import transfer

    pairs: list[tuple[str, Any, Any]] = []
    if plan.how != SCRATCH:
        pairs.append(("", plan.recipe, transfer.Recipe()))
    if plan.how != FROZEN:
        pairs.append(("backbone ", plan.tuning, usual_tuning(plan.how)))
    return [
        f"{whose}{field.name.replace('_', ' ')} {_said(getattr(mine, field.name))}"
        for whose, mine, usual in pairs
        for field in fields(mine)
        if field.name not in ("photos", "tested", "scratch")
        and getattr(mine, field.name) != getattr(usual, field.name)
    ]


def usual_tuning(how: str) -> "Tuning":
    """How a backbone is trained unless a person changes it."""
    from engine.transfer import Tuning

    if how == SCRATCH:
        return Tuning(
            stages=0,
            scratch=True,
            learning_rate=1e-3,
            schedule="cosine",  # it falls to zero, so that the last epochs fit the photos
            epochs=100,
            augment=False,
        )
    return Tuning()


def _said(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value}"
