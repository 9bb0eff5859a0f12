"""An attack among pictures: what it gains that short runs pass long ones.

python -m benchmarks.turns
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from unittest import mock

import numpy as np

from engine import attacks, synthesis
from engine.backbones import Store
from engine.runs import LocalRunner, Runs, Schedule, View, schedule
from engine.runs.tasks import Attack, IdealImage

TITLE = "An attack of 20 steps with MobileNetV2 among fourteen ideal images, on two cores"
PICTURES, ROUNDS = 14, 3


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    store = Store()
    runs = Runs(LocalRunner(Schedule(2), store))
    for seed in range(2):
        picture(runs, store, 1000 + seed, steps=2).run.result()  # compiles
    attack(runs, store, 0)
    yield "alone", f"{median(attack(runs, store, 1 + k) for k in range(ROUNDS)):.1f} s"
    modes = (("in turn", (), 10), ("short ones first", schedule.LEVELS, 20))
    for what, levels, seed in modes:
        views = [picture(runs, store, k) for k in range(PICTURES)]
        while any(view.run.share.total < schedule.LEVELS[-2] for view in views):
            time.sleep(0.1)
        with mock.patch.object(schedule, "LEVELS", levels):
            times = [attack(runs, store, seed + k) for k in range(ROUNDS)]
        for view in views:
            view.stop()
            view.run.wait()
        yield f"among {PICTURES} pictures, {what}", f"{median(times):.1f} s"


def picture(runs: Runs, store: Store, seed: int, steps: int = 1000) -> View:
    """A view of an ideal image that is being made; every second one by Pocket."""
    net = store.get(("MobileNetV2", "Pocket")[seed % 2])
    settings = replace(synthesis.preset("clear", net), seed=seed, steps=steps)
    return runs.view(IdealImage(backbone=net.name, target=3, settings=settings))


def attack(runs: Runs, store: Store, seed: int) -> float:
    """Seconds from its start to its end."""
    net = store.get("MobileNetV2")
    noise = np.random.default_rng(0).random((*net.input_size, 3), "float32")
    task = Attack(
        backbones=(net.name,),
        picture=noise,
        goal=attacks.Targeted(284),
        attack=attacks.PGD(epsilon=8, steps=20),
        seed=seed,
    )
    started = time.perf_counter()
    runs.view(task).run.result()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(f"## {TITLE}\n\n| what | measured |\n|---|---|")
    for what, value in measure():
        print(f"| {what} | {value} |", flush=True)
