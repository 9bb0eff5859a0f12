"""A training as it travels to another machine, and its steps as they come back."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.core.types import FROZEN
from engine.transfer.extraction import Features
from engine.transfer.training import TrainingPlan, TrainingStep
from engine.transfer.tuning import rows_of

MOST_SENT = 1_000_000_000  # bytes of photos and of their features


def portable(plan: TrainingPlan, features: Features | None) -> TrainingPlan | None:
    """The rest of a training, for a machine without its files; None where that is too much.

    Args:
        plan: what to learn from, and how.
        features: of its photos; None from scratch.
    """
    data = plan.source.data if plan.how != FROZEN else None
    size = 0 if features is None else features.values.nbytes
    if size > MOST_SENT:
        return None
    if data is not None:
        rows, _ = rows_of(data, plan.tuning)
        contents = [b""] * len(data.paths)
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
    learning = made.weights is not None and made.model is None  # else the head stays as it is
    return replace(
        step,
        trained=replace(
            made,
            features=None,
            network=made.head if learning else None,
            weights=made.weights if learning else None,
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
    head: tuple[Any, Any] = (None, None)
    model: Any = None
    for step in steps:
        made = step.trained
        head = head if made.network is None else (made.network, made.weights)
        model = made.model or model
        made = replace(made, features=features, network=head[0], weights=head[1], model=model)
        yield replace(step, seconds=seconds + step.seconds, trained=made)
