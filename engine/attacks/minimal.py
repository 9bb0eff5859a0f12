"""Attacks that look for the smallest change: the nearest picture across the decision boundary."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.attacks.gradient import Asks, Attack, Query
from engine.core.errors import BadSettings


@dataclass(frozen=True, kw_only=True)
class DeepFool(Attack):
    """Steps straight to the nearest boundary (Moosavi-Dezfooli et al., 2015, arXiv:1511.04599).

    Attributes:
        candidates: how many of the most probable other classes are considered.
        overshoot: share by which each step goes beyond the boundary.
    """

    steps: int = 50
    candidates: int = 10
    overshoot: float = 0.02
    loss: ClassVar[Asks] = "differences"
    smallest: ClassVar[bool] = True
    stops: ClassVar[bool] = True

    def state(self, generator: np.random.Generator) -> Any:
        return []  # of each picture the classes considered, chosen at the first step

    def direction(self, query: Query, state: Any) -> np.ndarray:
        step = np.zeros_like(query.change)
        order = np.argsort(-query.logits, axis=1)
        if not state:
            pairs = zip(order, query.classes, strict=True)
            state += [row[row != own][: self.candidates] for row, own in pairs]
        for k in np.flatnonzero(~query.fooled):
            own, top = query.classes[k], order[k]
            goals = np.array([own]) if query.targeted else state[k]
            reference = top[top != own][0] if query.targeted else own
            ahead, grad = query.box.differences(query.pictures[k], goals, int(reference))
            grad = grad / 255.0
            size = np.sqrt(np.square(grad).sum(axis=(1, 2, 3))) + 1e-12
            nearest = int(np.argmin(np.abs(ahead) / size))
            distance = (np.abs(ahead[nearest]) + 1e-4) / size[nearest] ** 2
            step[k] = (1 + self.overshoot) * distance * grad[nearest]
        return step


@dataclass(frozen=True, kw_only=True)
class CarliniWagner(Attack):
    """Adam on squared length plus margin, L2 (Carlini and Wagner, 2017, arXiv:1608.04644).

    Attributes:
        searches: how often the weight of the margin is chosen again, by bisection.
        weight: the first weight of the margin, relative to the squared length in 0..1.
        step_size: of Adam, in the space before the hyperbolic tangent.
    """

    steps: int = 200
    searches: int = 5
    weight: float = 1.0
    step_size: float = 0.01
    loss: ClassVar[Asks] = "margin"
    smallest: ClassVar[bool] = True

    def check(self) -> None:
        super().check()
        if not 1 <= self.searches <= max(self.steps, 1):
            raise BadSettings(f"Expected 1 search a step at most; received: {self.searches}.")

    def state(self, generator: np.random.Generator) -> Any:
        return _Search()

    def direction(self, query: Query, state: Any) -> np.ndarray:
        now = query.change
        if state.steps % max(self.steps // self.searches, 1) == 0:
            query = state.begin(query, self.weight)
        state.fooled |= query.fooled
        pull = (state.weight * (query.margin <= 0)).astype("float32")
        grad = 2 * query.change / 255.0 + 255.0 * pull[:, None, None, None] * query.gradient
        bent = np.tanh(state.position)
        position = state.adam(grad * 0.5 * (1 - np.square(bent)), self.step_size)
        moved = 127.5 * (np.tanh(position) + 1) - query.original - now
        return moved.astype("float32")


class _Search:
    """Carlini and Wagner's bisection of the margin's weight; each try is an Adam run of its own."""

    def __init__(self) -> None:
        self.steps = 0
        self.weight: Any = None
        self.first: Any = None

    def begin(self, query: Query, weight: float) -> Query:
        """Starts from the original again, with a weight chosen by whether the last one fooled.

        Args:
            query: where the last try has ended.
            weight: the first one.

        Returns:
            The query of the original.
        """
        n = len(query.original)
        if self.first is None:
            self.first = query
            self.origin = np.arctanh(np.clip(query.original / 127.5 - 1, -0.999999, 0.999999))
            self.weight, self.low, self.high = np.full(n, weight), np.zeros(n), np.full(n, np.inf)
        else:
            self.fooled |= query.fooled
            self.high = np.where(self.fooled, self.weight, self.high)
            self.low = np.where(self.fooled, self.low, self.weight)
            unbounded = np.isinf(self.high)
            middle = (self.low + np.where(unbounded, 0, self.high)) / 2
            self.weight = np.where(unbounded, 10 * self.weight, middle)
        self.position = self.origin
        self.first_moment = self.second_moment = np.zeros_like(self.origin)
        self.age, self.fooled = 0, np.zeros(n, bool)
        return self.first

    def adam(self, gradient: np.ndarray, step_size: float) -> np.ndarray:
        """One step of Adam (Kingma and Ba, 2014, arXiv:1412.6980); returns the new position."""
        self.steps += 1
        self.age += 1
        self.first_moment = 0.9 * self.first_moment + 0.1 * gradient
        self.second_moment = 0.999 * self.second_moment + 0.001 * np.square(gradient)
        m = self.first_moment / (1 - 0.9**self.age)
        v = self.second_moment / (1 - 0.999**self.age)
        self.position = self.position - step_size * m / (np.sqrt(v) + 1e-8)
        return self.position
