"""A training as it travels to another machine, and its steps as they come back."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.transfer.extraction import Features
from engine.transfer.training import TrainingPlan, TrainingStep
from engine.transfer.tuning import rows_of
from engine.types import FROZEN

MOST_SENT = 1_000_000_000  # bytes of photos


def portable(plan: TrainingPlan, features: Features | None) -> TrainingPlan | None:
    """The rest of a training, for a machine without its files; None if it has too many photos.

    Args:
        plan: what to learn from, and how.
        features: of its photos; None from scratch.
    """
    data = plan.source.data if plan.how != FROZEN else None
    if data is not None:
        rows, _ = rows_of(data, plan.tuning)
        contents, size = [b""] * len(data.paths), 0
        for row in rows:
            with contextlib.suppress(OSError):  # like a photo that cannot be read
                contents[row] = data.paths[row].read_bytes()
            size += len(contents[row])
            if size > MOST_SENT:
                return None
        data = replace(data, paths=tuple(contents))
    source = replace(plan.source, data=data, features=features, holder=None)
    return replace(plan, source=source)


def slim(step: TrainingStep) -> TrainingStep:
    """A step without what the other side has, or has had."""
    made = step.trained
    return replace(
        step,
        trained=replace(
            made,
            features=None,
            network=None if made.weights is None else made.head,
            model=None if step.point is None else made.model,
        ),
    )


def whole(
    steps: Iterator[TrainingStep], features: Features | None, seconds: float
) -> Iterator[TrainingStep]:
    """The steps as they were before `slim`.

    Args:
        steps: from the other machine.
        features: of the photos; None from scratch.
        seconds: what reading them has taken here.
    """
    model: Any = None
    for step in steps:
        model = step.trained.model or model
        made = replace(step.trained, features=features, model=model)
        yield replace(step, seconds=seconds + step.seconds, trained=made)
