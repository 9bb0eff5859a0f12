"""A simulation of many pupils and of a cluster that grows with them."""

import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from engine.runs import SLICE


def simulated(
    most: int, costs: Sequence[float], start: float, pupils: int = 3000, minutes: int = 10
) -> str:
    """Waits of pupils who think for a minute, make a picture of 160 steps, and think again.

    Half of the runs are somebody else's too and cost nothing; the others cost one of `costs`, in
    seconds of one core.
    As Serve does it, a run goes to the less busy of two replicas chosen at random, and there are as
    many replicas as half the runs; one more needs `start` seconds.
    """
    chance = random.Random(0)
    replicas = [_Replica()]
    coming: list[int] = []  # slots at which replicas are ready
    agenda: dict[int, list[int]] = {}
    for pupil in range(pupils):
        agenda.setdefault(int(chance.uniform(0, 60) / SLICE), []).append(pupil)
    wholes: list[float] = []
    asked = 0
    for slot in range(int(60 * minutes / SLICE)):
        replicas += [_Replica() for ready in coming if ready == slot]
        coming = [ready for ready in coming if ready > slot]
        runs = sum(replica.runs for replica in replicas)
        for _ in range(min(math.ceil(runs / 2), most) - len(replicas) - len(coming)):
            coming.append(slot + int(start / SLICE))
        for pupil in agenda.pop(slot, []):
            if chance.random() < 0.5:
                _later(agenda, slot, chance, pupil)
                continue
            asked += 1
            two = chance.choices(replicas, k=2)
            cost = costs[pupil % len(costs)]
            min(two, key=lambda one: one.runs).fresh.append(_Run(pupil, slot, cost))
        for replica in replicas:
            for run in replica.turn():
                if run.left <= 0:
                    wholes.append((slot + 1 - run.asked) * SLICE)
                    _later(agenda, slot, chance, run.pupil)
    return (
        f"{100 * len(wholes) / asked:.0f} % of {asked} pictures are made within {minutes} minutes, "
        f"each after {spread(wholes)}"
    )


def spread(times: list[float]) -> str:
    """Median and 95th percentile."""
    if not times:
        return "more than ten minutes"
    return f"{median(times):.1f} s (95th percentile {np.percentile(times, 95):.1f} s)"


def _later(agenda: dict[int, list[int]], slot: int, chance: random.Random, pupil: int) -> None:
    agenda.setdefault(slot + int(chance.uniform(30, 90) / SLICE), []).append(pupil)


@dataclass(slots=True)
class _Run:
    pupil: int
    asked: int
    left: float  # core-seconds


@dataclass(slots=True)
class _Replica:
    """Two cores: two runs at a time, a slice each, who has had nothing yet first."""

    fresh: deque[_Run] = field(default_factory=deque)
    line: deque[_Run] = field(default_factory=deque)

    @property
    def runs(self) -> int:
        return len(self.fresh) + len(self.line)

    def turn(self) -> list[_Run]:
        """Who computes in this slice."""
        now = []
        for _ in range(2):
            if run := (self.fresh or self.line) and (self.fresh or self.line).popleft():
                run.left -= SLICE
                now.append(run)
        self.line.extend(run for run in now if run.left > 0)
        return now
