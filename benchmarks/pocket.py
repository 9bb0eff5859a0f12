"""The built-in backbone: how soon it is there, and how fast it answers."""

import statistics
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.folding import forward, in_turns
from engine import backbones, backend
from engine.storage import registry

TITLE = "Pocket, the built-in backbone"


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    backbones.load("Pocket")
    times = []
    for _ in range(5):
        started = time.perf_counter()
        backbones.load("Pocket")
        times.append(time.perf_counter() - started)
    yield "loading, batch normalization folded", f"{statistics.median(times):.2f} s"
    pocket, mobilenet = backbones.load("Pocket"), backbones.load("MobileNetV2")
    random = np.random.default_rng(0)
    for batch in (32, 1):
        each = []
        for net in (pocket, mobilenet):
            x = backend.tensor(random.random((batch, *net.input_size, 3), "float32"))
            each.append(in_turns([forward(net)], x)[0])
        sizes = f"{registry.spec('Pocket').size} px against MobileNetV2 at 224 px"
        yield (
            f"forward, batch {batch}, {sizes}",
            f"{1000 * each[0] / batch:.1f} ms a picture, {each[1] / each[0]:.1f} times as fast",
        )
