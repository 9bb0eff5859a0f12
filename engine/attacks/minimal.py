"""Attacks that seek the smallest change: the nearest picture on the other side of the border."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from engine.attacks.gradient import Asks, Attack, Look
from engine.errors import BadSettings


@dataclass(frozen=True, kw_only=True)
class DeepFool(Attack):
    """The straight way to the nearest border (Moosavi-Dezfooli et al., 2015, arXiv:1511.04599).

    Attributes:
        candidates: how many of the strongest other classes are looked at.
        overshoot: share by which each step goes beyond the border.
    """

    steps: int = 50
    candidates: int = 10
    overshoot: float = 0.02
    loss: ClassVar[Asks] = "differences"
    smallest: ClassVar[bool] = True
    stops: ClassVar[bool] = True

    def direction(self, look: Look, memory: dict[str, Any]) -> np.ndarray:
        step = np.zeros_like(look.change)
        order = np.argsort(-look.logits, axis=1)
        if "candidates" not in memory:
            memory["candidates"] = [
                row[row != own][: self.candidates]
                for row, own in zip(order, look.classes, strict=True)
            ]
        for k in np.flatnonzero(~look.fooled):
            own, top = look.classes[k], order[k]
            goals = np.array([own]) if look.targeted else memory["candidates"][k]
            reference = top[top != own][0] if look.targeted else own
            ahead, grad = look.box.differences(look.pictures[k], goals, int(reference))
            grad = grad / 255.0
            size = np.sqrt(np.square(grad).sum(axis=(1, 2, 3))) + 1e-12
            nearest = int(np.argmin(np.abs(ahead) / size))
            far = (np.abs(ahead[nearest]) + 1e-4) / size[nearest] ** 2
            step[k] = (1 + self.overshoot) * far * grad[nearest]
        return step


@dataclass(frozen=True, kw_only=True)
class CarliniWagner(Attack):
    """The smallest change by Adam on squared length and margin (2017, arXiv:1608.04644), L2.

    Attributes:
        searches: how often the weight of the margin is chosen anew, by bisection.
        weight: of the margin at first, beside the squared length in 0..1.
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

    def direction(self, look: Look, memory: dict[str, Any]) -> np.ndarray:
        n = len(look.change)
        if not memory:
            start = np.arctanh(np.clip(look.original / 127.5 - 1, -0.999999, 0.999999))
            memory |= {"start": start, "weight": np.full(n, self.weight), "low": np.zeros(n)}
            memory |= {"high": np.full(n, np.inf), "count": 0}
        if memory["count"] % max(self.steps // self.searches, 1) == 0:
            self._search(memory)
        memory["fooled"] |= look.fooled
        memory["count"] += 1
        memory["age"] += 1
        away = look.change / 255.0
        pull = (memory["weight"] * (look.margin <= 0)).astype("float32")
        grad = 2 * away + 255.0 * pull[:, None, None, None] * look.gradient
        bent = np.tanh(memory["w"])
        grad = grad * 0.5 * (1 - np.square(bent))
        memory["m"] = 0.9 * memory["m"] + 0.1 * grad
        memory["v"] = 0.999 * memory["v"] + 0.001 * np.square(grad)
        m = memory["m"] / (1 - 0.9 ** memory["age"])
        v = memory["v"] / (1 - 0.999 ** memory["age"])
        memory["w"] = memory["w"] - self.step_size * m / (np.sqrt(v) + 1e-8)
        return (127.5 * (np.tanh(memory["w"]) + 1) - look.original - look.change).astype("float32")

    def _search(self, memory: dict[str, Any]) -> None:
        """Bisects the weight, by whether the one before was enough, and begins anew."""
        if memory["count"]:
            fooled, weight = memory["fooled"], memory["weight"]
            memory["high"] = np.where(fooled, weight, memory["high"])
            memory["low"] = np.where(fooled, memory["low"], weight)
            open_end = np.isinf(memory["high"])
            memory["weight"] = np.where(
                open_end, 10 * weight, (memory["low"] + np.where(open_end, 0, memory["high"])) / 2
            )
        zeros = np.zeros_like(memory["start"])
        memory |= {"w": memory["start"], "m": zeros, "v": zeros, "age": 0}
        memory["fooled"] = np.zeros(len(zeros), bool)
