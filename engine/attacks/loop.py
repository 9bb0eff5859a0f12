"""Adversarial attacks: gradient descent on a photo, with a change too small to see.

    for frame in attacks.run(net, picture, attacks.Targeted(284), attacks.PGD(epsilon=4)):
        frame.picture, frame.succeeded

One loop runs them all: query the network, keep the best picture so far, take the attack's step,
project the change onto what is allowed. An attack is a handful of numbers and three hooks: `start`,
`direction` and `project`. Changes are in grey levels (0..255) inside the hooks. The network is
always shown the picture rounded to 8 bits, the one that would be saved, while the unrounded change
is what moves (a straight-through gradient; Athalye, Carlini and Wagner, 2018, arXiv:1802.00420).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import softmax

from engine.attacks.goals import Batch, Frame, Targeted, Untargeted
from engine.attacks.gradient import Attack, Query
from engine.attacks.white_box import WhiteBox
from engine.backbones import Backbone, top_predictions
from engine.core import images
from engine.core.errors import BadSettings


def run(
    net: Backbone | Sequence[Backbone],
    picture: np.ndarray,
    goal: Targeted | Untargeted,
    attack: Attack,
    *,
    seed: int = 0,
) -> Iterator[Frame]:
    """Attacks one picture.

    Args:
        net: the network, or several whose mean logits are attacked.
        picture: `(H, W, 3)` in 0..1 at the (first) network's input size.
        goal: the target class, or any class but the original one.
        attack: the attack with its settings.
        seed: of the attack's random numbers.

    Yields:
        A frame for each step, and a last one with the best picture.

    Raises:
        BadSettings: a setting is out of range, or the networks cannot be attacked together.
        UnknownClass: the network has no such class.
    """
    box = WhiteBox(net)
    first = box.logits(_grid(picture[None]))[0]
    before = int(first.argmax())
    targeted = isinstance(goal, Targeted)
    about = before if goal.class_index is None else goal.class_index
    for batch in run_batch(
        box.nets, picture[None], np.array([about]), attack, targeted=targeted, seed=seed
    ):
        logits = batch.logits[0]
        probabilities = softmax(logits)
        others = np.delete(probabilities, about)
        yield Frame(
            picture=batch.pictures[0],
            step=int(batch.steps[0]),
            predictions=top_predictions(logits, box.class_names),
            before=float(probabilities[before]),
            wanted=float(probabilities[about] if targeted else others.max()),
            succeeded=bool(batch.fooled[0]),
            already=bool(batch.already[0]),
            last=batch.last,
        )


def run_batch(
    nets: Backbone | Sequence[Backbone],
    pictures: np.ndarray,
    classes: np.ndarray,
    attack: Attack,
    *,
    targeted: bool,
    seed: int = 0,
    rounded: bool = True,
) -> Iterator[Batch]:
    """Attacks several pictures at once, which costs far less than one after the other.

    Args:
        nets: the network, or several whose mean logits are attacked.
        pictures: `(N, H, W, 3)` in 0..1 at the (first) network's input size.
        classes: `(N,)`, the target class of each picture if `targeted`, else the class to avoid.
        attack: the attack with its settings.
        targeted: whether `classes` are targets.
        seed: of the attack's random numbers.
        rounded: False does not round the pictures to 8 bits, as in most papers; they then differ
            from what can be saved.

    Yields:
        All pictures at every step, and at the end the best version of each: of those that succeed,
        the one with the largest margin or, for attacks that seek the smallest change, the least
        changed; if none succeeds, the one closest to success.

    Raises:
        BadSettings: a setting is out of range, or the pictures have another size.
        UnknownClass: the network has no such class.
    """
    attack.check()
    box = WhiteBox(nets)
    for class_index in np.unique(classes):
        box.first.check_class(class_index)
    if pictures.shape[1:] != (*box.size, 3):
        raise BadSettings(f"Expected pictures of {(*box.size, 3)}; received: {pictures.shape[1:]}.")
    original = 255.0 * (_grid(pictures) if rounded else pictures).astype("float32")
    loop = _Loop(box, attack, original, np.asarray(classes), targeted, rounded)
    generator = np.random.default_rng([seed, 2])
    state = attack.state(generator)
    change = attack.project(attack.start(original, generator), original)
    for step in range(attack.steps + 1):
        seen = loop.saved(change)
        query = loop.query(seen, change, generator, final=step == attack.steps)
        yield loop.batch(seen, query, step)
        if step == attack.steps or (attack.stops and query.fooled.all()):
            break
        change = attack.project(change + attack.direction(query, state), original)
    if attack.smallest:
        loop.shrink(step)
    yield loop.best()


class _Loop:
    """What one run of the loop knows: the pictures, the goal, and the best change so far."""

    def __init__(
        self,
        box: WhiteBox,
        attack: Attack,
        original: np.ndarray,
        classes: np.ndarray,
        targeted: bool,
        rounded: bool,
    ) -> None:
        self.box, self.attack, self.original = box, attack, original
        self.classes, self.targeted, self.rounded = classes, targeted, rounded
        self._signs = np.full(len(original), 1.0 if targeted else -1.0, "float32")
        nothing = np.zeros_like(original)
        before = self.query(nothing, nothing, np.random.default_rng(0), final=True)
        self.already = before.fooled
        self._asked = self.classes
        if (rivals := attack.rivals(before.logits, self.classes)) is not None:
            if targeted:
                raise BadSettings(
                    f"Expected the goal Untargeted for {type(attack).__name__}, which chooses the "
                    "other class itself; received: Targeted."
                )
            self._asked = np.stack([self.classes, rivals], axis=1)
        self._best: dict[str, np.ndarray] = {}

    def saved(self, change: np.ndarray) -> np.ndarray:
        """The change that is left when the picture is saved, still within what is allowed."""
        return self.attack.rounded(change, self.original) if self.rounded else change

    def query(
        self, seen: np.ndarray, change: np.ndarray, generator: np.random.Generator, final: bool
    ) -> Query:
        """Queries the network for its logits and, unless `final`, for the gradient."""
        pictures, attack = self._pictures(seen), self.attack
        loss = grad = None
        if final or attack.loss in ("differences", "logits"):
            logits = self.box.logits(pictures)
        else:
            views = attack.views(generator, *pictures.shape[:3])
            logits, loss, grad = self.box.gradient(
                pictures, self._asked, self._signs, attack.loss, views
            )
            grad = grad / np.float32(255.0)
        return Query(
            box=self.box,
            original=self.original,
            change=change,
            pictures=pictures,
            logits=logits,
            loss=loss,
            gradient=grad,
            classes=self.classes,
            targeted=self.targeted,
        )

    def batch(self, seen: np.ndarray, query: Query, step: int) -> Batch:
        """The step as a snapshot; notes which pictures are better than all before."""
        size = np.zeros(len(seen))
        if self.attack.smallest:
            size = np.sqrt(np.square(seen).mean(axis=(1, 2, 3)))
        steps = np.full(len(seen), step)
        new = {
            "change": seen,
            "logits": query.logits,
            "margin": query.margin,
            "size": size,
            "steps": steps,
        }
        if not self._best:
            self._best = {name: value.copy() for name, value in new.items()}
        better = self._better(new)
        for name, value in new.items():
            self._best[name][better] = value[better]
        return Batch(
            pictures=query.pictures,
            logits=query.logits,
            margin=query.margin,
            steps=steps,
            already=self.already,
        )

    def _better(self, new: dict[str, np.ndarray]) -> np.ndarray:
        old = self._best
        both = (new["margin"] > 0) & (old["margin"] > 0)
        surer = new["margin"] > old["margin"]
        if self.attack.shared:
            now, then = ((np.mean(m > 0), np.mean(m)) for m in (new["margin"], old["margin"]))
            return np.full(len(surer), now > then)
        return np.where(both & self.attack.smallest, new["size"] < old["size"], surer)

    def shrink(self, step: int, rounds: int = 10) -> None:
        """Finds, by bisection, the smallest share of the change that still fools the network.

        The result counts as found in `step`, the last one.
        """
        change = self._best["change"].copy()
        fooled = self._best["margin"] > 0
        low, high = np.zeros(len(change), "float32"), np.ones(len(change), "float32")
        for _ in range(rounds if fooled.any() else 0):
            middle = (low + high) / 2
            seen = self.saved(change * middle[:, None, None, None])
            query = self.query(seen, seen, np.random.default_rng(0), final=True)
            self.batch(seen, query, step)
            high, low = np.where(query.fooled, middle, high), np.where(query.fooled, low, middle)

    def best(self) -> Batch:
        best = self._best
        return Batch(
            pictures=self._pictures(best["change"]),
            logits=best["logits"],
            margin=best["margin"],
            steps=best["steps"],
            already=self.already,
            last=True,
        )

    def _pictures(self, change: np.ndarray) -> np.ndarray:
        pictures = self.original + change
        pictures /= 255.0
        return pictures.astype("float32", copy=False)


def _grid(pictures: np.ndarray) -> np.ndarray:
    return images.from_uint8(images.to_uint8(pictures))
