"""Networks as they are run against Keras' own: forward and input gradient, in turns."""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
from keras import ops

from engine import backbones, backend

TITLE = "Networks folded, against Keras' own operations (224 px)"
ROUNDS = 12


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    yield from rows("MobileNetV2", pretrained=True, batches=(1, 8), rounds=ROUNDS)
    yield from rows("ConvNeXtTiny", pretrained=False, batches=(1,), rounds=2)


def rows(
    name: str, *, pretrained: bool, batches: tuple[int, ...], rounds: int
) -> Iterator[tuple[str, str]]:
    """How much faster a network is folded; that its weights are random changes nothing."""
    plain, folded = (backbones.load(name, pretrained=pretrained, fold=f) for f in (False, True))
    for batch in batches:
        x = backend.tensor(np.random.default_rng(0).random((batch, 224, 224, 3), "float32"))
        for what, make in (("forward", forward), ("input gradient", gradient)):
            times = in_turns([make(plain), make(folded)], x, rounds)
            ratio = times[0] / times[1]
            each = ", ".join(f"{1000 * t / batch:.0f}" for t in times)
            yield (
                f"{name}, {what}, batch {batch}",
                f"{ratio:.2f} times faster ({each} ms a picture)",
            )


def forward(net: backbones.Backbone) -> Callable:
    """The compiled network."""
    return backend.compile(lambda x: net.model(x, training=False))


def gradient(net: backbones.Backbone) -> Callable:
    """The compiled gradient of one logit by the picture."""

    def logit(x):
        return ops.sum(net.model(x, training=False)[:, 284])

    return backend.compile(backend.value_and_gradient(logit))


def in_turns(functions: list[Callable], x, rounds: int = ROUNDS) -> list[float]:
    """Median seconds of each function, called one after the other, round by round."""
    times: list[list[float]] = [[] for _ in functions]
    for round_number in range(rounds + 2):
        for function, list_of_times in zip(functions, times, strict=True):
            started = time.perf_counter()
            result = function(x)
            backend.numpy(result[0] if isinstance(result, tuple) else result)
            if round_number >= 2:  # the first rounds compile and warm up
                list_of_times.append(time.perf_counter() - started)
    return [statistics.median(t) for t in times]
