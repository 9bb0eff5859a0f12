"""Adversarial transferability: whether a picture that fools one network also fools others.

Papernot, McDaniel and Goodfellow, "Transferability in Machine Learning", 2016 (arXiv:1605.07277).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from engine.attacks.goals import Targeted, Untargeted
from engine.attacks.gradient import Attack
from engine.attacks.robustness import attacked
from engine.backbones import Backbone
from engine.core import images
from engine.core.errors import BadSettings
from engine.core.types import Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """One attacked network (or several, joined by " + ") and the result for each tested one.

    `fooled` is `{tested network: share of the pictures}` that are now the target (without one:
    anything else than before), `changed` the share that is anything else than before, `labels`
    what each network now predicts, `{tested network: (first label of each picture)}`.
    """

    attacked: str
    fooled: dict[str, float]
    changed: dict[str, float]
    labels: dict[str, tuple[str, ...]]


def transfer_matrix(
    nets: Sequence[Backbone],
    pictures: Sequence[np.ndarray],
    wanted: str | None,
    attack: Attack,
    *,
    ensemble: bool = False,
    seed: int = 0,
) -> Iterator[TransferRow]:
    """Attacks each network and shows the pictures to all.

    A network is fooled when its prediction changes: `wanted`, where that is given.
    Classes are compared by name, as networks may number them differently.

    Args:
        nets: attacked and tested.
        pictures: each `(H, W, 3)` in 0..1, of any size.
        wanted: name of the target class; None for any other class than before.
        attack: how.
        ensemble: attack those of one class list together, in a last row.

    Yields:
        A row for each attacked network, as soon as it is there.

    Raises:
        BadSettings: no network knows the wanted class.
    """
    for group in transfer_groups(nets, wanted, ensemble=ensemble):
        yield transfer_row(nets, group, pictures, wanted, attack, seed=seed)


def transfer_groups(
    nets: Sequence[Backbone], wanted: str | None, *, ensemble: bool = False
) -> list[list[Backbone]]:
    """The networks attacked in each row of `transfer_matrix`; same arguments and errors."""
    able = [net for net in nets if wanted is None or wanted in net.class_names]
    if not able:
        raise BadSettings(f"Expected a class that a network knows; received: {wanted!r}.")
    together = [net for net in able if net.class_names == able[0].class_names]
    return [[net] for net in able] + ([together] if ensemble and len(together) > 1 else [])


def transfer_row(
    nets: Sequence[Backbone],
    group: Sequence[Backbone],
    pictures: Sequence[np.ndarray],
    wanted: str | None,
    attack: Attack,
    *,
    seed: int = 0,
) -> TransferRow:
    """One row of `transfer_matrix`: `group` is attacked together."""
    fitted = np.stack([images.fit(picture, group[0].input_size) for picture in pictures])
    goal = Untargeted() if wanted is None else Targeted(group[0].class_names.index(wanted))
    found = attacked(group, fitted, goal, attack, seed).pictures
    before = {net.name: _labels(net, list(fitted)) for net in nets}  # of the same size as `found`
    labels = {net.name: _labels(net, list(found)) for net in nets}
    pairs = {name: list(zip(after, before[name], strict=True)) for name, after in labels.items()}
    changed = {name: [now != was for now, was in both] for name, both in pairs.items()}
    reached = {
        name: [now != was and wanted in (None, now) for now, was in both]
        for name, both in pairs.items()
    }
    return TransferRow(
        attacked=" + ".join(net.name for net in group),
        fooled={name: float(np.mean(flags)) for name, flags in reached.items()},
        changed={name: float(np.mean(flags)) for name, flags in changed.items()},
        labels=labels,
    )


def _labels(net: Backbone, pictures: Sequence[np.ndarray]) -> tuple[str, ...]:
    batch = np.stack([images.fit(picture, net.input_size) for picture in pictures])
    return tuple(net.class_names[k] for k in net.logits(batch).argmax(axis=1))


def vote(nets: Sequence[Backbone], picture: np.ndarray, top: int = 5) -> tuple[Prediction, ...]:
    """Ensemble prediction: mean probabilities of the classes that all networks know.

    Args:
        picture: `(H, W, 3)` in 0..1, of any size.

    Raises:
        BadSettings: there is no network, or no class that all know.
    """
    known = [set(net.class_names) for net in nets]
    shared = (
        [name for name in nets[0].class_names if name in set.intersection(*known)] if nets else []
    )
    if not shared:
        raise BadSettings("Expected networks with a class in common.")
    total = np.zeros(len(shared))
    for net in nets:
        index = {name: k for k, name in enumerate(net.class_names)}
        logits = net.logits(images.fit(picture, net.input_size)[None])[0]
        total += softmax(logits[[index[name] for name in shared]]) / len(nets)
    order = np.argsort(-total, kind="stable")[:top]
    return tuple(
        Prediction(class_index=int(k), label=shared[k], probability=float(total[k])) for k in order
    )
