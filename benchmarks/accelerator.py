"""The engine's loops on whatever device and backend Keras runs on; needs no TensorFlow.

    KERAS_BACKEND=jax python -m benchmarks.accelerator

`KERAS_HOME` must hold MobileNetV2. The photos are the app's own samples. Times are medians of
rounds after the compilation, and include bringing every frame back to the host.
"""

import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import keras
import numpy as np

from benchmarks import transfer as pipeline
from benchmarks.folding import forward, gradient
from engine import attacks, backbones, backend, images, synthesis, transfer
from engine.attacks.loop import run_batch
from engine.storage import samples

TITLE = "The engine's loops"
ROUNDS = 5
CAT = "Egyptian cat"


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    mobile, robust = backbones.load("MobileNetV2"), backbones.load("Pocket Robust")
    yield says(mobile)
    for batch in (1, 64):
        x = backend.tensor(np.random.default_rng(0).random((batch, 224, 224, 3), "float32"))
        for what, make in (("forward", forward), ("input gradient", gradient)):
            each = typical(bound(make(mobile), x)) / batch
            yield f"MobileNetV2, {what}, batch {batch}", f"{1000 * each:.2f} ms a picture"
    yield from pictures(mobile, "lesson", steps=100)
    yield from pictures(mobile, "clear")
    yield from pictures(robust, "clear")
    yield many_attacked(mobile, 16)
    yield features(mobile)
    yield pipeline.head_training()


def says(net: backbones.Backbone) -> tuple[str, str]:
    """What it predicts for the cat, to compare devices by."""
    top = net.predict(images.fit(images.load(samples.path("Cat")), net.input_size), 3)
    return f"{net.name} on the cat", ", ".join(f"{p.label} {p.probability:.4f}" for p in top)


def pictures(
    net: backbones.Backbone, preset: str, steps: int | None = None
) -> Iterator[tuple[str, str]]:
    """A whole ideal image, the first of a process and the next ones."""
    settings = synthesis.preset(preset, net)
    settings = replace(settings, steps=steps or settings.steps)
    target = net.class_names.index(CAT)

    def run() -> None:
        for _ in synthesis.ideal_image(net, target, settings):
            pass

    started = time.perf_counter()
    run()
    first = time.perf_counter() - started
    seconds = typical(run)
    yield (
        f"{net.name}, ideal image, {preset}, {settings.steps} steps",
        f"{seconds:.2f} s, {1000 * seconds / settings.steps:.1f} ms a step with its frame; the "
        f"first of a process {first:.1f} s",
    )


def many_attacked(net: backbones.Backbone, batch: int, steps: int = 10) -> tuple[str, str]:
    """PGD on many photos at once."""
    x, y = photos(net, batch)

    def run() -> None:
        for _ in run_batch(net, x, y, attacks.PGD(epsilon=4, steps=steps), targeted=False):
            pass

    each = typical(run) / batch / steps
    return f"{net.name}, PGD on {batch} photos", f"{1000 * each:.2f} ms a picture and step"


def features(net: backbones.Backbone, batch: int = 256) -> tuple[str, str]:
    """Features of decoded photos."""
    x, _ = photos(net, batch)
    seconds = typical(lambda: transfer.vectors(net, x))
    return f"{net.name}, features of {batch} photos", f"{batch / seconds:.0f} photos a second"


def photos(net: backbones.Backbone, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random crops of the samples, and what the network predicts for them."""
    generator, crops = np.random.default_rng(0), []
    loaded = [images.load(samples.path(name)) for name in samples.SAMPLES]
    for k in range(count):
        picture = loaded[k % len(loaded)]
        side = int(min(picture.shape[:2]) * generator.uniform(0.6, 1.0))
        top, left = (int(generator.integers(n - side + 1)) for n in picture.shape[:2])
        crops.append(images.fit(picture[top : top + side, left : left + side], net.input_size))
    x = np.stack(crops)
    return x, net.logits(x).argmax(axis=1)


def bound(function: Callable, x: object) -> Callable[[], object]:
    """The function on one batch, its result brought to the host."""
    return lambda: keras.tree.map_structure(backend.numpy, function(x))


def typical(run: Callable[[], object]) -> float:
    """Median seconds of some rounds, after two that compile and warm up."""
    times = []
    for number in range(ROUNDS + 2):
        started = time.perf_counter()
        run()
        if number >= 2:
            times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    version = f"Keras {keras.__version__} on {backend.BACKEND}"
    print(f"Python {platform.python_version()}, {version}, {backend.device().name}\n")
    print("| what | measured |\n|---|---|")
    for what, value in measure():
        print(f"| {what} | {value} |", flush=True)
