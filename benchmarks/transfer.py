"""Transfer learning: from the click to a classifier, against a plain Keras pipeline, in memory.

    python -m benchmarks.transfer PETS

PETS is Oxford-IIIT Pets in its original layout. Draws `docs/transfer-learning.svg`.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import keras
import numpy as np

from benchmarks.apart import Apart
from engine import backbones, backend, transfer
from engine.storage import datasets
from training.curves import draw_curves

TITLE = "Transfer learning (MobileNetV2, 224 px)"
FIGURE = Path("docs/transfer-learning.svg")
TITLE_OF_FIGURE = "Accuracy on 111 photos of 37 breeds that were not learnt from, by epoch"


def measure(root: Path) -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    net, data = backbones.load("MobileNetV2"), datasets.pets(root)
    transfer.vectors(net, np.zeros((32, *net.input_size, 3), "float32"))  # compiles: a warm server
    with tempfile.TemporaryDirectory() as folder:
        for words in ("cold", "warm"):
            seconds, report = clicked(net, data, Path(folder), transfer.Recipe())
            yield f"from the click to 37 breeds, {words} cache", f"{seconds:.1f} s, {said(report)}"
        _, report = clicked(net, datasets.by_group(data), Path(folder), transfer.Recipe())
        yield "cat or dog", said(report)
    yield from extraction(root)
    yield head_training()
    yield at_once(net)
    yield from memory(root)
    yield from three_ways(net, data)


def said(report: transfer.Report) -> str:
    """Accuracy with its interval."""
    return (
        f"{100 * report.accuracy:.1f} % of {len(report.labels)} test photos "
        f"({100 * report.low:.0f} to {100 * report.high:.0f} %)"
    )


def clicked(net, data, folder: Path, recipe: transfer.Recipe) -> tuple[float, transfer.Report]:
    """What one click does: features, head, report."""
    started = time.perf_counter()
    *_, found = transfer.extract(net, data, folder)
    *_, epoch = transfer.train_head(found.features, recipe)
    seconds = time.perf_counter() - started
    return seconds, judged(found.features, epoch.head)


def judged(features: transfer.Features, head: keras.Model) -> transfer.Report:
    """The head on the test photos."""
    test = ~features.train
    values = np.asarray(features.values[test, 0], "float32")
    logits = transfer.logits_of(head, values)
    return transfer.evaluate(logits, features.labels[test], features.rows[test])


def extraction(root: Path, rounds: int = 3) -> Iterator[tuple[str, str]]:
    """Photos a second, ours and `model.predict` over Keras' own pipeline, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        tree = by_class(root, Path(folder) / "photos")
        ways: dict[str, Callable] = {"ours": ours(root), "Keras": Apart(plain_keras, tree)}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for run in ways.values():
            run()
        for _ in range(rounds):
            for name, run in ways.items():
                started = time.perf_counter()
                count = run()
                times[name].append((time.perf_counter() - started) / count)
    a, b = (median(times[name]) for name in ("ours", "Keras"))
    yield (
        "features of photos",
        f"{1 / a:.0f} a second; model.predict over image_dataset_from_directory {1 / b:.0f}: ours "
        f"{b / a:.2f} times as fast",
    )


def by_class(root: Path, into: Path) -> Path:
    """The photos again as a folder a class, which Keras' pipeline asks for."""
    data = datasets.pets(root)
    for path, label in zip(data.paths, data.labels, strict=True):
        folder = into / data.class_names[label]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)
    return into


def ours(root: Path) -> Callable[[], int]:
    """One view of every photo, nothing kept from the time before."""
    net, data = backbones.load("MobileNetV2"), datasets.pets(root)

    def run() -> int:
        with tempfile.TemporaryDirectory() as folder:
            *_, found = transfer.extract(net, data, Path(folder), views=1)
        return len(found.features.values)

    return run


def plain_keras(tree: Path) -> Callable[[], int]:
    """As Keras' guides write it: the network as it comes, its dataset, `predict`."""
    model = keras.applications.MobileNetV2(weights="imagenet")
    inputs = keras.Input((224, 224, 3))
    x = keras.applications.mobilenet_v2.preprocess_input(inputs)
    pooled = keras.Model(model.inputs[0], model.layers[-2].output)
    features = keras.Model(inputs, pooled(x))
    photos = keras.utils.image_dataset_from_directory(
        tree, image_size=(224, 224), batch_size=32, shuffle=False, verbose=False
    )

    def run() -> int:
        return len(features.predict(photos, verbose=0))

    return run


def head_training() -> tuple[str, str]:
    """As many features as the whole data set has for training."""
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(37), 100)[:3680]
    centres = generator.standard_normal((37, 1280))
    values = centres[labels] + 4 * generator.standard_normal((3680, 1280))
    features = transfer.Features(
        backbone="MobileNetV2",
        values=values[:, None].astype("float16"),
        labels=labels,
        train=np.arange(3680) % 10 > 0,
        class_names=tuple(map(str, range(37))),
        groups=(),
        rows=np.arange(3680),
    )
    features = replace(features, train=np.ones(3680, bool))
    started = time.perf_counter()
    *_, epoch = transfer.train_head(features, transfer.Recipe())
    return "30 epochs on 3 680 features of 1 280 numbers", (
        f"{time.perf_counter() - started:.1f} s, {100 * epoch.accuracy:.0f} % learnt"
    )


def at_once(net, photos: int = 100, classes: int = 12) -> tuple[str, str]:
    """What a new photo from the camera costs: its features, and a head for all photos anew."""
    generator = np.random.default_rng(0)
    labels = np.arange(photos) % classes
    centres = generator.standard_normal((classes, transfer.width(net)))
    x = (centres[labels] + 4 * generator.standard_normal((photos, len(centres[0])))).astype("f4")
    picture = generator.random((1, *net.input_size, 3), "float32")
    transfer.vectors(net, picture)  # compiles
    times = []
    for _ in range(9):
        started = time.perf_counter()
        transfer.vectors(net, picture)
        transfer.fit_at_once(x, labels, classes)
        times.append(time.perf_counter() - started)
    return f"a new photo beside {photos} of {classes} classes, to the fitted head", (
        f"{1000 * sorted(times)[4]:.0f} ms"
    )


def memory(root: Path) -> Iterator[tuple[str, str]]:
    """Largest memory of a process that extracts features, for a data set and for twenty of it."""
    for times in (1, 20):
        grown, count = Apart(extracting, root, times)()
        yield f"memory taken by extraction, {count} photos", f"{grown:.0f} MB"


def extracting(root: Path, times: int) -> Callable[[], tuple[float, int]]:
    """Extracts features of the photos, each so many times."""
    net, data = backbones.load("MobileNetV2"), datasets.pets(root)
    many = replace(
        data,
        paths=data.paths * times,
        labels=np.tile(data.labels, times),
        train=np.tile(data.train, times),
    )
    transfer.vectors(net, np.zeros((32, *net.input_size, 3), "float32"))

    def run() -> tuple[float, int]:
        Path("/proc/self/clear_refs").write_text("5")  # the largest so far is forgotten
        before = kilobytes("VmHWM")
        with tempfile.TemporaryDirectory() as folder:
            for _ in transfer.extract(net, many, Path(folder), views=1):
                pass
        return (kilobytes("VmHWM") - before) / 1024, len(many.paths)

    return run


def kilobytes(name: str) -> int:
    """A line of what Linux says of this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def three_ways(net, data, epochs: int = 16) -> Iterator[tuple[str, str]]:
    """Frozen, fine-tuned, from scratch: the same photos, the same axes."""
    curves: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        *_, found = transfer.extract(net, data, Path(folder))
        recipe = transfer.Recipe(epochs=epochs)
        curve = curves["frozen backbone, a new head"] = []
        for epoch in transfer.train_head(found.features, recipe):
            curve.append((epoch.number, epoch.val_accuracy))
        *_, half = transfer.train_head(found.features, replace(recipe, epochs=epochs // 2))
    before = curves["frozen backbone, a new head"][: epochs // 2]
    for name, head, start, tuning in (
        ("then the last blocks too", half.head, epochs // 2, transfer.Tuning(epochs=epochs // 2)),
        (
            "everything from scratch",
            None,
            0,
            transfer.Tuning(
                epochs=epochs, scratch=True, stages=0, learning_rate=1e-3, schedule="cosine"
            ),
        ),
    ):
        curve = curves[name] = before[-1:] if start else []
        for step in transfer.fine_tune(net, data, head, tuning):
            if step.val_accuracy is not None and step.epoch:
                curve.append((start + step.epoch, step.val_accuracy))
    draw_curves(curves, TITLE_OF_FIGURE, FIGURE)
    for name, curve in curves.items():
        share, photos = curve[-1][1], int((~data.train).sum())
        low, high = transfer.interval(round(share * photos), photos)
        yield (
            name,
            f"{100 * share:.1f} % after {epochs} epochs ({100 * low:.0f} to {100 * high:.0f} %)",
        )


if __name__ == "__main__":
    print(f"{backend.device().name}\n\n| what | measured |\n|---|---|")
    for what, value in measure(Path(sys.argv[1])):
        print(f"| {what} | {value} |", flush=True)
