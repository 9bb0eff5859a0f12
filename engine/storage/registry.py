"""Every backbone the app knows, as plain data: readable before TensorFlow is imported."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from engine.core import config
from engine.core.errors import UnknownBackbone, WeightsDamaged
from engine.storage.applications import APPLICATIONS, Spec

POCKET_SIZE = 80  # px; trained on crops of 40 to 64, where things look larger than in a whole photo
JOINT = " + "  # joins the names of networks that are asked together
BUILT_IN = {
    "Pocket": ("pocket.npz", "Our own small network; it comes with the app."),
    "Pocket Robust": (
        "pocket_robust.npz",
        "Pocket, trained on adversarial examples: hard to fool; it comes with the app.",
    ),
}


@cache
def facts(filename: str) -> dict[str, Any]:
    """What a training script measured of built-in weights: digest, accuracy, parameters.

    Raises:
        WeightsDamaged: the file is missing or unreadable.
    """
    file = config.ASSETS / Path(filename).with_suffix(".json")
    try:
        found = json.loads(file.read_text())
        return found | {"parameters": int(found["parameters"]), "top1": float(found["top1"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsDamaged(
            f"{file.name} is missing or damaged. Restore engine/assets from the project's "
            "repository."
        ) from error


def _built_in(name: str) -> tuple[Spec, ...]:
    """A backbone that comes with the app; none if its facts are damaged."""
    filename, note = BUILT_IN[name]
    try:
        measured = facts(filename)
    except WeightsDamaged:
        return ()
    return (
        Spec(
            name=name,
            builder="pocket",
            filename=filename,
            size=POCKET_SIZE,
            parameters=measured["parameters"],
            top1=measured["top1"],
            year=2026,
            scaling="tf",
            digest=measured["sha256"],
            trained_on="Tiny ImageNet, 200 classes",
            note=note,
            bytes_per_weight=2,
        ),
    )


@cache
def specs() -> dict[str, Spec]:
    """All registered backbones by name, the quickest first, the built-in ones last."""
    built_in = (spec for name in BUILT_IN for spec in _built_in(name))
    return {spec.name: spec for spec in (*APPLICATIONS, *built_in)}


def members(name: str) -> tuple[str, ...]:
    """The names of the networks that a name stands for: one, or those of a joint network."""
    return tuple(name.split(JOINT))


def spec(name: str) -> Spec:
    """Returns the facts of one backbone.

    Raises:
        UnknownBackbone: `name` is not registered.
        WeightsDamaged: it is a built-in one, and what came with the app is not there any more.
    """
    try:
        return specs()[name]
    except KeyError:
        if name in BUILT_IN:
            facts(BUILT_IN[name][0])  # says what is wrong with them
        known = ", ".join(specs())
        raise UnknownBackbone(
            f"There is no backbone named {name!r}. Choose from {known}."
        ) from None
