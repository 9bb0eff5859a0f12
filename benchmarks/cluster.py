"""Runs on a real Ray cluster of several nodes on this machine, beside the same runs without it.

python -m benchmarks.cluster

All nodes share this machine's cores, so what is computed cannot become faster; what waits can. The
three thousand pupils at the end are simulated: workers in turns as `engine.runs.Schedule` has them,
runs placed by `engine.cluster.pool`, with the cost of a run as it is measured here.
"""

import random
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from engine import backbones, cluster, synthesis
from engine.backbones import Store
from engine.cluster import driver_process, pool
from engine.runs import SLICE, IdealImage, LocalRunner, Run, Runs, Schedule
from engine.storage import weights

TITLE = "A Ray cluster of several nodes on these two cores"
NAMES = ("MobileNetV2", "Pocket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Sends the time, with as much beside it as a snapshot has; waits before each step."""

    values: int
    wait: float
    count: int
    backbones: tuple[str, ...] = ("Pocket",)
    key: None = None

    def steps(self, nets: Any, live: Any = None, resume: Any = None) -> Iterator[Any]:
        for _ in range(self.count):
            time.sleep(self.wait)
            yield time.time(), np.zeros(self.values, "float32")


def here() -> LocalRunner:
    """What computes in this process."""
    return LocalRunner(Schedule(2), Store())


@contextmanager
def nodes(count: int, cpus: int = 1) -> Iterator[cluster.Cluster]:
    """A runner on so many nodes, a worker each, all of them ready."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(count):
        made.add_node(num_cpus=cpus)
    process = driver_process.DriverProcess(
        made.address, pool.Bounds(least=count, most=count, cpus=cpus)
    )
    runner = cluster.Cluster(process, here())
    try:
        with ThreadPoolExecutor(count) as each:  # so many at once that every worker has one
            list(
                each.map(
                    lambda _: Runs(runner).view(Clock(values=1, wait=3, count=1)).run.result(),
                    range(count),
                )
            )
        yield runner
    finally:
        process.close()
        made.shutdown()


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    costs = {}
    with nodes(1, cpus=2) as runner:
        for name in NAMES:
            if name in weights.available():
                yield from compared(runner, name, costs)
        for values, words in ((96 * 96 * 3, "Pocket's"), (224 * 224 * 3, "MobileNetV2's")):
            delays = latency(runner, values)
            yield (
                f"a snapshot on its way, a picture of {words} size ({4 * values / 1000:.0f} kB)",
                f"median {1000 * median(delays):.1f} ms, 95th percentile "
                f"{1000 * np.percentile(delays, 95):.1f} ms",
            )
    alone = None
    for count in (1, 2, 4):
        with nodes(count) as runner:
            took = waiting(runner)
        alone = alone or took
        yield (
            f"24 jobs that wait 10 times 50 ms, nodes: {count}",
            f"{took:.1f} s, {alone / took:.1f} times as fast as one",
        )
    for count in (10, 25, 50, 100, 200):
        yield f"simulated: 3 000 pupils, {count} nodes of two cores", simulated(count, costs)


def compared(
    runner: cluster.Cluster, name: str, costs: dict[str, float]
) -> Iterator[tuple[str, str]]:
    """The same ideal image here and there, in turns: its pixels, and the time of a step."""
    net = backbones.load(name)
    settings = replace(synthesis.preset("clear", net), steps=40)
    task = IdealImage(backbone=name, target=5, settings=settings)
    both = {"here": here(), "there": runner}
    times: dict[str, list[float]] = {where: [] for where in both}
    made: dict[str, Any] = {}
    for attempt in range(4):
        for where, one in both.items():
            started = time.perf_counter()
            made[where] = Runs(one).view(task).run
            made[where].result()
            if attempt:  # the first one compiles
                seconds = time.perf_counter() - started
                times[where].append(seconds / len(made[where].frames))
    equal = all(
        np.array_equal(picture, made["there"].pictures[step])
        for step, picture in made["here"].pictures.items()
    )
    alone, on_ray = (median(times[where]) for where in both)
    costs[name] = 160 * alone * 2  # both cores work
    yield f"{name}: 41 pictures here and on Ray", "equal bit for bit" if equal else "not equal"
    yield (
        f"{name}: a step here, on Ray",
        f"{1000 * alone:.1f} ms, {1000 * on_ray:.1f} ms: {1000 * (on_ray - alone):+.1f} ms",
    )


def latency(runner: cluster.Cluster, values: int) -> list[float]:
    """Seconds from a worker's step to this process."""
    task = Clock(values=values, wait=0.02, count=60)
    run = Run(task, runner)
    run.check = lambda: None  # type: ignore[method-assign] -- watched by nobody but this
    return [time.time() - sent for sent, _ in runner.steps(run)][10:]


def waiting(runner: cluster.Cluster) -> float:
    """Seconds that jobs take which only wait; a worker of one core lets one wait at a time."""
    task = Clock(values=1, wait=0.05, count=10)
    started = time.perf_counter()
    with ThreadPoolExecutor(24) as each:
        list(each.map(lambda _: Runs(runner).view(task).run.result(), range(24)))
    return time.perf_counter() - started


def simulated(count: int, costs: dict[str, float], pupils: int = 3000, minutes: int = 10) -> str:
    """Waits of pupils who think for a minute, make a picture of 160 steps, and think again.

    Half of the runs are somebody else's too and cost nothing; of the others half are MobileNetV2's.
    """
    chance = random.Random(0)
    workers = [_Simulated() for _ in range(count)]
    coming = [(chance.uniform(0, 60), k) for k in range(pupils)]
    wholes: list[float] = []
    asked = 0
    agenda: dict[int, list[int]] = {}
    for at, pupil in coming:
        agenda.setdefault(int(at / SLICE), []).append(pupil)
    for slot in range(int(60 * minutes / SLICE)):
        for pupil in agenda.pop(slot, []):
            if chance.random() < 0.5:
                _later(agenda, slot, chance, pupil)
                continue
            name, asked = NAMES[pupil % 2], asked + 1
            worker = pool.fittest(workers, (name,))
            worker.loaded.add(name)
            worker.runs += 1
            worker.fresh.append(_Run(pupil, slot, costs.get(name, 10.0)))
        for worker in workers:
            for run in worker.turn():
                if run.left <= 0:
                    worker.runs -= 1
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


class _Simulated(pool.Actor):
    """A worker of two cores: two runs at a time, a slice each, who has had nothing yet first."""

    def __init__(self) -> None:
        super().__init__(handle=None, answer=None)
        self.fresh: deque[_Run] = deque()
        self.line: deque[_Run] = deque()

    def turn(self) -> list[_Run]:
        """Who computes in this slice."""
        now = []
        for _ in range(2):
            if run := (self.fresh or self.line) and (self.fresh or self.line).popleft():
                run.left -= SLICE
                now.append(run)
        self.line.extend(run for run in now if run.left > 0)
        return now


def main() -> None:
    """Prints the table."""
    print(f"## {TITLE}\n\n| what | measured |\n|---|---|")
    for what, value in measure():
        print(f"| {what} | {value} |", flush=True)


if __name__ == "__main__":
    from benchmarks import cluster as this  # workers import it, too, and not as the main program

    this.main()
