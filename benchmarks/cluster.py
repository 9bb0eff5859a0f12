"""Runs computed by a service on a real Ray cluster of this machine, beside the same runs here.

    python -m benchmarks.cluster

All nodes share this machine's cores, so what is computed cannot become faster; what waits can. The
three thousand pupils at the end are simulated, with the times of loading and scaling measured here.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from benchmarks.simulation import simulated
from engine import backbones, cluster, synthesis
from engine.backbones import Store
from engine.cluster.connection import Connections
from engine.runs import LocalRunner, Run, Runs, Schedule, View
from engine.runs.tasks import IdealImage
from engine.storage import weights
from harness.ray_serve import RayServe
from harness.service import Machine

TITLE = "A service on a Ray cluster of several nodes, on these two cores"
NAMES = ("MobileNetV2", "Pocket")
PAUSE = 60.0  # seconds for which a run stands still


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Sends the time, with as much beside it as a frame has; waits before each step."""

    values: int
    wait: float
    count: int
    live: float = 0.0
    backbones: tuple[str, ...] = ("Pocket",)
    key: None = None

    def steps(self, nets: Any, live: Any = None, resume: Any = None) -> Iterator[Any]:
        for step in range(self.count):
            time.sleep(self.wait)
            yield time.time(), live(step), np.zeros(self.values, "uint8")


def here() -> LocalRunner:
    """What computes in this process."""
    return LocalRunner(Schedule(2), Store())


def there(address: str) -> cluster.Cluster:
    """What computes with a service."""
    return cluster.Cluster(Connections(address), here())


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    costs = {}
    machine = Machine()
    for name in NAMES:
        if name in weights.available():
            yield from compared(there(machine.address), "the service alone", name, costs)
    machine.kill()
    started = time.perf_counter()
    with closing(RayServe()) as serve:
        yield "start of Ray, of Serve and of a replica", f"{time.perf_counter() - started:.0f} s"
        runner = there(serve.address)
        for name in NAMES:
            if name in weights.available():
                yield from compared(runner, "Ray Serve", name, costs)
        for values, words in ((96 * 96 * 3, "Pocket's"), (224 * 224 * 3, "MobileNetV2's")):
            delays = latency(runner, values)
            yield (
                f"a frame on its way, with a picture of {words} size ({values / 1000:.0f} kB)",
                f"median {1000 * median(delays):.1f} ms, 95th percentile "
                f"{1000 * np.percentile(delays, 95):.1f} ms",
            )
        yield "a changed number acts", f"median {1000 * median(steered(runner)):.0f} ms"
        yield "a stopped run has ended", f"median {1000 * median(stopped(runner)):.0f} ms"
        before, after = paused(runner, serve)
        yield (
            f"memory of the proxy, a run paused for {PAUSE:.0f} s",
            f"{before / 1e6:.0f} MB, then {after / 1e6:.0f} MB",
        )
        back = killed(runner, serve)
        yield "a replica killed: the next frame, from another one", f"{back:.1f} s"
    alone = None
    for count in (1, 2, 4):
        with closing(RayServe(nodes=count, replicas=(count, count))) as serve:
            took = waiting(there(serve.address), count)
        alone = alone or took
        yield (
            f"24 jobs that wait 10 times 50 ms, nodes: {count}",
            f"{took:.1f} s, {alone / took:.1f} times as fast as one",
        )
    for count in (10, 25, 50, 100, 200):
        yield (
            f"simulated: 3 000 pupils, up to {count} replicas of two cores, {back:.0f} s to start",
            simulated(count, [costs.get(name, 10.0) for name in NAMES], back),
        )


def compared(
    runner: cluster.Cluster, where: str, name: str, costs: dict[str, float]
) -> Iterator[tuple[str, str]]:
    """The same ideal image here and there, in turns: its pixels, and the time of a step."""
    net = backbones.load(name)
    settings = replace(synthesis.preset("clear", net), steps=40)
    task = IdealImage(backbone=name, target=5, settings=settings)
    both = {"here": here(), where: runner}
    times: dict[str, list[float]] = {place: [] for place in both}
    made: dict[str, Run] = {}
    for attempt in range(4):
        for place, one in both.items():
            started = time.perf_counter()
            made[place] = Runs(one).view(task).run
            made[place].result()
            if attempt:  # the first one compiles
                times[place].append((time.perf_counter() - started) / 41)
    equal = all(
        np.array_equal(picture, made[where].pictures[step])
        for step, picture in made["here"].pictures.items()
    )
    alone, far = (median(times[place]) for place in both)
    costs[name] = 160 * alone * 2  # both cores work
    yield f"{name}: 41 pictures here and on {where}", "equal" if equal else "not equal"
    yield (
        f"{name}: a step here, on {where}",
        f"{1000 * alone:.1f} ms, {1000 * far:.1f} ms: {1000 * (far - alone):+.1f} ms",
    )


def steps(runner: cluster.Cluster, task: Clock) -> tuple[Run, Iterator[Any]]:
    """A run that only this watches, and its frames."""
    run = Run(task, runner)
    run.check = lambda: None  # type: ignore[method-assign]
    return run, runner.steps(run)


def latency(runner: cluster.Cluster, values: int) -> list[float]:
    """Seconds from a replica's step to this process."""
    _, frames = steps(runner, Clock(values=values, wait=0.02, count=60))
    return [time.time() - sent for sent, _, _ in frames][10:]


def steered(runner: cluster.Cluster, times: int = 9) -> list[float]:
    """Seconds from a changed number to a frame that was made with it."""
    run, frames = steps(runner, Clock(values=1, wait=0.02, count=600))
    took = []
    for number in range(1, times + 1):
        next(frames)
        run.live, started = float(number), time.perf_counter()
        while next(frames)[1] != number:
            pass
        took.append(time.perf_counter() - started)
    frames.close()
    return took


def stopped(runner: cluster.Cluster, times: int = 9) -> list[float]:
    """Seconds from a stop to the run's end."""
    took = []
    for _ in range(times):
        view = Runs(runner).view(Clock(values=1, wait=0.02, count=600))
        view.run.wait_beyond(2, 30)
        started = time.perf_counter()
        view.stop()
        view.run.wait(30)
        took.append(time.perf_counter() - started)
    return took


def paused(runner: cluster.Cluster, serve: RayServe) -> tuple[int, int]:
    """Bytes that the proxy holds before and after a pause."""
    view = Runs(runner).view(Clock(values=10**6, wait=0.0, count=10**6))
    view.run.wait_beyond(5, 30)
    view.pause()
    time.sleep(2.0)
    before = serve.proxy_memory()
    time.sleep(PAUSE)
    after = serve.proxy_memory()
    view.stop()
    return before, after


def killed(runner: cluster.Cluster, serve: RayServe) -> float:
    """Seconds without a frame for who watches a run whose replica is killed."""
    net = backbones.load("Pocket")
    settings = replace(synthesis.preset("clear", net), steps=400)
    view: View = Runs(runner).view(IdealImage(backbone="Pocket", target=7, settings=settings))
    view.run.wait_beyond(30, 60)
    serve.kill_replicas()
    started = time.perf_counter()
    time.sleep(0.5)  # what was on its way
    view.run.wait_beyond(len(view.run.frames), 120)
    took = time.perf_counter() - started
    view.stop()
    return took


def waiting(runner: cluster.Cluster, count: int) -> float:
    """Seconds that jobs take which only wait; a replica lets two wait at a time."""
    task = Clock(values=1, wait=0.05, count=10)

    def all_of(jobs: int, task: Clock) -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(jobs) as each:
            list(each.map(lambda _: Runs(runner).view(task).run.result(), range(jobs)))
        return time.perf_counter() - started

    all_of(12 * count, task)  # more than one replica takes: all have begun
    return all_of(24, task)


def main() -> None:
    """Prints the table."""
    print(f"## {TITLE}\n\n| what | measured |\n|---|---|")
    for what, value in measure():
        print(f"| {what} | {value} |", flush=True)


if __name__ == "__main__":
    from benchmarks import cluster as this  # the service imports it, too, and not as the program

    this.main()
