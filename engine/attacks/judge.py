"""Robustness evaluation: several strong attacks of different kinds, one after the other.

An attack that fails proves little: it may have been the wrong one. These are three of the four
parts of AutoAttack (Croce and Hein, 2020, arXiv:2003.01690): Auto-PGD on the cross-entropy,
Auto-PGD towards each of the strongest other classes, and Square, which needs no gradient. Only
pictures that no attack has fooled yet go on to the next.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import softmax

from engine.attacks import loop
from engine.attacks.adaptive import APGD, Square, TargetedAPGD
from engine.attacks.gradient import Bounded
from engine.backbones import Backbone, top_predictions
from engine.core.types import Prediction

BATCH = 50  # pictures attacked at once
_SHOWN = 20  # every so many queries of Square are a frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard a judge tries; the numbers are AutoAttack's.

    `steps` of Auto-PGD, `rivals` that the targeted one goes to, `queries` of Square.
    """

    steps: int = 100
    rivals: int = 9
    queries: int = 5000


QUICK = Effort(steps=50, queries=800)  # of one picture, while a person waits


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustAccuracy:
    """Shares of pictures classified correctly whatever was tried.

    `clean` without an attack; `after` each attack and all before it, by name; `right`, `(N,)` bool,
    after all of them.
    """

    clean: float
    after: dict[str, float]
    right: np.ndarray = field(repr=False)

    @property
    def robust(self) -> float:
        """Share that no attack has changed."""
        return float(self.right.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One step of a judge on one picture.

    `picture` is `(H, W, 3)` in 0..1, `attack` the name of the one at work, `step` counts over all
    of them, `predictions` are of the picture, `before` is the probability of the class that was
    predicted for the original, `other` of the strongest other one. The last trial has the picture
    that `fooled`, or the one that came nearest.
    """

    picture: np.ndarray
    attack: str
    step: int
    predictions: tuple[Prediction, ...]
    before: float
    other: float
    fooled: bool
    last: bool = False


def accuracy(
    net: Backbone,
    pictures: np.ndarray,
    classes: np.ndarray,
    epsilon: float,
    *,
    effort: Effort = Effort(),
    seed: int = 0,
) -> RobustAccuracy:
    """Measures robust accuracy: the share classified correctly within a ball of radius epsilon.

    Args:
        net: the network.
        pictures: `(N, H, W, 3)` in 0..1 at its input size.
        classes: `(N,)`, the true ones.
        epsilon: largest change of a value, in grey levels; pictures are not rounded, as is usual.
        effort: how hard to try.
        seed: of all that is random.
    """
    right = np.zeros(len(pictures), bool)
    for rows in _parts(np.arange(len(pictures))):
        right[rows] = net.logits(pictures[rows]).argmax(axis=1) == classes[rows]
    clean, after = float(right.mean()), {}
    for name, attacks in _attacks(net, epsilon, effort):
        for attack in attacks:
            for rows in _parts(np.flatnonzero(right)):
                right[rows] = ~_fooled(net, pictures[rows], classes[rows], attack, seed)
        after[name] = float(right.mean())
    return RobustAccuracy(clean=clean, after=after, right=right)


def judged(
    net: Backbone, picture: np.ndarray, epsilon: float, *, effort: Effort = QUICK, seed: int = 0
) -> Iterator[Trial]:
    """Attacks one picture until the prediction changes or every attack has been tried.

    Args:
        net: the network.
        picture: `(H, W, 3)` in 0..1 at its input size.
        epsilon: largest change of a value, in grey levels.
        effort: how hard to try.
        seed: of all that is random.

    Yields:
        A trial for each step (for Square, every 20th), and a last one with the result.
    """
    logits = net.logits(picture[None])[0]
    own, made = int(logits.argmax()), 0
    nearest = (-np.inf, picture, logits)
    for name, attacks in _attacks(net, epsilon, effort):
        copies, classes = np.repeat(picture[None], len(attacks), axis=0), [own] * len(attacks)
        for batch in loop.run_batch(
            net, copies, np.array(classes), _together(attacks), targeted=False, seed=seed
        ):
            k = int(batch.margin.argmax())
            now = float(batch.margin[k]), batch.pictures[k], batch.logits[k]
            nearest = max(nearest, now, key=lambda one: one[0])
            fooled = nearest[0] > 0
            if not batch.last and (fooled or not made % (_SHOWN if name == "Square" else 1)):
                yield _trial(net, *now[1:], name, made, own)
            if fooled:
                break
            made += not batch.last
        if nearest[0] > 0:
            break
    yield _trial(net, *nearest[1:], name, made, own, last=True)


def smallest_epsilon(
    net: Backbone,
    pictures: np.ndarray,
    classes: np.ndarray,
    epsilons: Sequence[float],
    *,
    steps: int = 20,
    seed: int = 0,
) -> np.ndarray:
    """The smallest of some epsilons, in grey levels, at which Auto-PGD fools; infinite for none.

    Args:
        net: the network.
        pictures: `(N, H, W, 3)` in 0..1 at its input size; they are not rounded.
        classes: `(N,)`, the classes to get away from.
        epsilons: ascending.
        steps: of each attack.
        seed: of the random start.
    """
    found = np.full(len(pictures), np.inf)
    for epsilon in epsilons:
        attack = APGD(epsilon=epsilon, steps=steps)
        for rows in _parts(np.flatnonzero(np.isinf(found))):
            found[rows[_fooled(net, pictures[rows], classes[rows], attack, seed)]] = epsilon
    return found


def _fooled(
    net: Backbone, pictures: np.ndarray, classes: np.ndarray, attack: Bounded, seed: int
) -> np.ndarray:
    """Which pictures an attack fools, `(N,)` bool; only the last of its steps is kept."""
    steps = loop.run_batch(net, pictures, classes, attack, targeted=False, seed=seed, rounded=False)
    return deque(steps, maxlen=1).pop().fooled


def _attacks(net: Backbone, epsilon: float, effort: Effort) -> list[tuple[str, list[Bounded]]]:
    """The judge's attacks by name; those of one name differ in the class they go to."""
    ranks = range(1, min(effort.rivals, len(net.class_names) - 1) + 1)
    return [
        ("Auto-PGD", [APGD(epsilon=epsilon, steps=effort.steps)]),
        (
            "Auto-PGD, targeted",
            [TargetedAPGD(epsilon=epsilon, steps=effort.steps, ranks=(rank,)) for rank in ranks],
        ),
        ("Square", [Square(epsilon=epsilon, steps=effort.queries)]),
    ]


def _together(attacks: list[Bounded]) -> Bounded:
    """The attacks of one name as one, for as many copies of a picture."""
    if len(attacks) == 1:
        return attacks[0]
    ranks = tuple(range(1, len(attacks) + 1))
    return TargetedAPGD(epsilon=attacks[0].epsilon, steps=attacks[0].steps, ranks=ranks)


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[k : k + BATCH] for k in range(0, len(rows), BATCH)]


def _trial(
    net: Backbone,
    picture: np.ndarray,
    logits: np.ndarray,
    attack: str,
    step: int,
    own: int,
    *,
    last: bool = False,
) -> Trial:
    probabilities = softmax(logits)
    return Trial(
        picture=picture,
        attack=attack,
        step=step,
        predictions=top_predictions(logits, net.class_names),
        before=float(probabilities[own]),
        other=float(np.delete(probabilities, own).max()),
        fooled=int(logits.argmax()) != own,
        last=last,
    )
