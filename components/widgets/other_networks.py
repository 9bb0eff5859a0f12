"""The predictions of other, selected networks for a picture that was made for one network."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import streamlit as st

from components.shell import cache
from components.widgets import charts, pickers
from engine import images
from engine.core.types import Prediction
from engine.storage import registry, weights

FIRST = "ResNet50"  # asked before all others where it is here: the lesson asks it
ASKED, MOST = 3, 4  # networks beside the one that the picture was made for, at first and at most

Outcome = Literal["unknown class", "unchanged", "target", "changed"]


def attack_outcome(
    before: str, after: str, source: str, target: str | None, known: Collection[str]
) -> tuple[Outcome, str]:
    """Tells what an attack made for one network does to another.

    Args:
        before, after: what the other network predicts for the original and the attacked picture.
        source: what the attacked network predicted for the original.
        target: the class the attack was to reach; None if any other class will do.
        known: the other network's classes.

    Returns:
        The outcome, and a sentence that goes on from the network's name.
    """
    for name in (source, target):
        if name is not None and name not in known:
            return "unknown class", f"has no class “{name}”"
    if after == target != before:
        return "target", f"is fooled: from “{before}” to the target “{after}”"
    if after != before:
        return "changed", f"changed from “{before}” to “{after}”"
    if before == source:
        return "unchanged", f"still predicts “{after}”: it is not fooled"
    return "unchanged", f"predicts “{after}” for both pictures"


def under_attack(
    name: str, original: np.ndarray, attacked: np.ndarray, source: str, target: str | None
) -> None:
    """Shows what other networks predict before and after an attack on `name`.

    Args:
        name: the attacked backbone; it is not asked.
        original, attacked: `(H, W, 3)` in 0..1.
        source: what the attacked backbone predicted for the original.
        target: the target class; None for an untargeted attack.
    """
    for other, net in _asked(name):
        before, after = (_predictions(other, picture) for picture in (original, attacked))
        _, words = attack_outcome(before[0].label, after[0].label, source, target, net.class_names)
        st.markdown(f"**{other}** {words}")
        for side, predictions in (("Before", before), ("After", after)):
            st.caption(side)
            _bars(predictions, f"transfer_{other}_{side}")


def recognition(name: str, picture: np.ndarray, target: str) -> None:
    """Shows whether other networks recognise the ideal image that `name` was asked for."""
    for other, net in _asked(name):
        predictions = _predictions(other, picture)
        if target not in net.class_names:
            words = f"has no class “{target}”"
        elif predictions[0].label == target:
            words = f"recognises “{target}”"
        else:
            words = f"predicts “{predictions[0].label}” instead"
        st.markdown(f"**{other}** {words}")
        _bars(predictions, f"verdict_{other}")


def recognised_by(name: str, picture: np.ndarray, target: str) -> tuple[list[str], int]:
    """Which other pretrained networks predict `target` for an ideal image, of how many."""
    nets = [n for n in _pretrained(name) if target in cache.class_names(n)][:ASKED]
    return [n for n in nets if _predictions(n, picture)[0].label == target], len(nets)


def fooled_by(
    names: Sequence[str], original: np.ndarray, attacked: np.ndarray
) -> tuple[list[str], int]:
    """Which pretrained networks beside those attacked predict something else, of how many."""
    nets = _pretrained(registry.JOINT.join(names))[:ASKED]
    fooled = [
        name
        for name in nets
        if _predictions(name, original)[0].label != _predictions(name, attacked)[0].label
    ]
    return fooled, len(nets)


def _pretrained(name: str) -> list[str]:
    """The same without a person's own classifiers, which are no independent judges."""
    return _beside(name, weights.available())


def _others(name: str) -> list[str]:
    """Networks that are ready, besides one, or those it consists of."""
    return _beside(name, cache.ready())


def _beside(name: str, names: Sequence[str]) -> list[str]:
    others = [other for other in names if other not in registry.members(name)]
    return sorted(others, key=lambda other: other != FIRST)


def _asked(name: str) -> Iterator[tuple[str, Any]]:
    """The networks that a person chooses, each within a column of its own."""
    others = _others(name)
    if not others:
        st.caption("No other backbone is on this machine. The home page offers some for download.")
        return
    chosen = pickers.networks(
        "Networks to ask", others, others[:ASKED], most=MOST, name="asked", key=f"asked_{name}"
    )
    for column, other in zip(st.columns(max(len(chosen), 2), gap="medium"), chosen, strict=False):
        with column:
            yield other, cache.backbone(other)


def _predictions(name: str, picture: np.ndarray) -> Sequence[Prediction]:
    fitted = images.fit(picture, cache.backbone(name).input_size)
    return cache.predictions(name, images.digest(fitted), fitted)[0][:3]


def _bars(predictions: Sequence[Prediction], key: str) -> None:
    charts.show(charts.confidence(predictions), key=key)
