"""Every backbone the app knows, as plain data: readable before TensorFlow is imported."""

import json
from functools import cache

from engine import config
from engine.errors import UnknownBackbone, WeightsDamaged
from engine.storage.applications import APPLICATIONS, Spec

POCKET_FACTS = config.ASSETS / "pocket.json"
POCKET_SIZE = 80  # px; trained on crops of 40 to 64, where things look larger than in a whole photo


def _pocket() -> tuple[Spec, ...]:
    """The built-in backbone, with what its training script measured; none if that is damaged."""
    try:
        measured = json.loads(POCKET_FACTS.read_text())
        parameters, top1 = int(measured["parameters"]), float(measured["top1"])
    except (OSError, ValueError, KeyError):
        return ()
    return (
        Spec(
            name="Pocket",
            builder="pocket",
            filename="pocket.npz",
            size=POCKET_SIZE,
            parameters=parameters,
            top1=top1,
            year=2026,
            scaling="tf",
            trained_on="Tiny ImageNet, 200 classes",
            note="Our own small network; it comes with the app.",
            bytes_per_weight=2,
        ),
    )


@cache
def specs() -> dict[str, Spec]:
    """All registered backbones by name, the quickest first, the built-in one last."""
    return {spec.name: spec for spec in (*APPLICATIONS, *_pocket())}


def spec(name: str) -> Spec:
    """Returns the facts of one backbone.

    Raises:
        UnknownBackbone: `name` is not registered.
        WeightsDamaged: it is the built-in one, and what came with the app is not there any more.
    """
    try:
        return specs()[name]
    except KeyError:
        if name == "Pocket":
            raise WeightsDamaged(
                f"{POCKET_FACTS.name} is missing or damaged. Restore engine/assets from the "
                "project's repository."
            ) from None
        known = ", ".join(specs())
        raise UnknownBackbone(
            f"There is no backbone named {name!r}. Choose from {known}."
        ) from None
