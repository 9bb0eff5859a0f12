"""Adversarial attacks: how often they fool, how long they take, what transfers.

    python -m benchmarks.attacks PHOTOS

PHOTOS is a folder of ImageNet photos whose names begin with their class number. Foolbox is a test
dependency; ART is measured where it is installed (`make bench-peers`). All in this one run, in
turns, on photos that MobileNetV2 classifies correctly, resized and rounded to 8 bits once for all.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import foolbox
import numpy as np
import tensorflow as tf

from benchmarks.apart import Apart
from engine import attacks, backbones, backend, images
from engine.attacks.loop import run_batch

TITLE = "Adversarial attacks (MobileNetV2, 224 px)"
PHOTOS, BATCH = 100, 16


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    net = backbones.load("MobileNetV2")
    x, y = known([net], folder, PHOTOS)
    yield from speed(net, x[:BATCH], y[:BATCH])
    yield from success(net, x, y)
    yield from smallest(net, x, y)
    yield from transfer(folder)


def known(
    nets: list[backbones.Backbone], folder: Path, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first photos that some networks all classify correctly, at the first one's input size."""
    pictures, classes = [], []
    for file in sorted(folder.iterdir()):
        label = int(file.name[:4])
        picture = images.fit(images.load(file), nets[0].input_size)
        fitted = (images.fit(picture, net.input_size) for net in nets)
        if all(n.predict(p, 1)[0].class_index == label for n, p in zip(nets, fitted, strict=True)):
            pictures.append(picture)
            classes.append(label)
        if len(pictures) == count:
            break
    return np.stack(pictures), np.array(classes)


def fooled(net, x, y, attack, targeted=False, **options) -> tuple[np.ndarray, np.ndarray]:
    """`(fooled, pictures)` of all photos, in batches."""
    ends = []
    for k in range(0, len(x), BATCH):
        *_, end = run_batch(
            net, x[k : k + BATCH], y[k : k + BATCH], attack, targeted=targeted, **options
        )
        ends.append(end)
    return (
        np.concatenate([end.fooled for end in ends]),
        np.concatenate([end.pictures for end in ends]),
    )


def success(net: backbones.Backbone, x: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, str]]:
    """How many of the photos fool, on the saved picture, and by noise of the same epsilon."""
    for epsilon in (1, 2, 4, 8):
        hits = fooled(net, x, y, attacks.PGD(epsilon=epsilon))[0].sum()
        noise = fooled(net, x, y, attacks.RandomNoise(epsilon=epsilon))[0].sum()
        yield (
            f"untargeted PGD, epsilon {epsilon}, 20 steps",
            f"{hits} of {len(x)} fooled; by random noise of that size {noise}",
        )
    target = (y + np.random.default_rng(0).integers(1, 1000, len(y))) % 1000
    hits = fooled(net, x, target, attacks.PGD(epsilon=8, steps=40), targeted=True)[0].sum()
    yield "targeted PGD, a random class each, epsilon 8, 40 steps", f"{hits} of {len(x)}"


def speed(
    net: backbones.Backbone, x: np.ndarray, y: np.ndarray, rounds: int = 3, steps: int = 10
) -> Iterator[tuple[str, str]]:
    """PGD on 16 photos, a picture and step."""
    ways: dict[str, Callable[[], float]] = {
        "ours": lambda: float(fooled(net, x, y, attacks.PGD(epsilon=4, steps=steps))[0].mean()),
        "Foolbox 3.3.4, plain network": Apart(_foolbox, False, x, y, steps),
        "Foolbox 3.3.4, our folded network": Apart(_foolbox, True, x, y, steps),
    }
    try:
        ways["ART 1.20.1, plain network"] = Apart(_art, x, y, steps)
    except ImportError:
        yield "ART", "not installed here"
    times: dict[str, list[float]] = {name: [] for name in ways}
    rates = {name: run() for name, run in ways.items()}  # also compiles
    for _ in range(rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - started) / len(x) / steps)
    first = median(times["ours"])
    for name, seconds in times.items():
        yield (
            f"PGD on {len(x)} photos, {steps} steps, {name}",
            f"{1000 * median(seconds):.1f} ms a picture and step, {median(seconds) / first:.1f} "
            f"times ours; fooled {100 * rates[name]:.0f} %",
        )
    fooled(net, x[:1], y[:1], attacks.PGD(epsilon=4, steps=1))  # compiles
    started = time.perf_counter()
    for k in range(4):
        fooled(net, x[k : k + 1], y[k : k + 1], attacks.PGD(epsilon=4, steps=steps))
    one = (time.perf_counter() - started) / 4 / steps
    yield "ours, one photo at a time", f"{1000 * one:.1f} ms a picture and step"


def _foolbox(fold: bool, x: np.ndarray, y: np.ndarray, steps: int) -> Callable[[], float]:
    model = backbones.load("MobileNetV2", fold=fold).model
    wrapped = foolbox.TensorFlowModel(model, bounds=(0, 1))
    attack = foolbox.attacks.PGD(steps=steps, rel_stepsize=2.5 / steps)
    pictures, labels = tf.constant(x), tf.constant(y)

    def run() -> float:
        return float(attack(wrapped, pictures, labels, epsilons=4 / 255)[2].numpy().mean())

    return run


def _art(x: np.ndarray, y: np.ndarray, steps: int) -> Callable[[], float]:
    from art.attacks.evasion import ProjectedGradientDescent
    from art.estimators.classification import TensorFlowV2Classifier

    model = backbones.load("MobileNetV2", fold=False).model
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    wrapped = TensorFlowV2Classifier(
        model=model, nb_classes=1000, input_shape=x.shape[1:], loss_object=loss, clip_values=(0, 1)
    )
    attack = ProjectedGradientDescent(
        wrapped,
        eps=4 / 255,
        eps_step=10 / 255 / steps,
        max_iter=steps,
        num_random_init=1,
        batch_size=BATCH,
        verbose=False,
    )

    def run() -> float:
        return float((wrapped.predict(attack.generate(x, y)).argmax(axis=1) != y).mean())

    return run


def smallest(
    net: backbones.Backbone, x: np.ndarray, y: np.ndarray, few: int = 16
) -> Iterator[tuple[str, str]]:
    """DeepFool and Carlini-Wagner against Foolbox's, by the length of the unrounded change."""
    wrapped = foolbox.TensorFlowModel(net.model, bounds=(0, 1))
    budget = {"steps": 40, "binary_search_steps": 5}
    for name, ours, theirs, count in (
        ("DeepFool", attacks.DeepFool(), foolbox.attacks.L2DeepFoolAttack(), PHOTOS),
        (
            "Carlini-Wagner, 5 times 40 steps",
            attacks.CarliniWagner(steps=200, searches=5),
            foolbox.attacks.L2CarliniWagnerAttack(initial_const=1.0, **budget),
            few,
        ),
    ):
        pictures, classes = x[:count], y[:count]
        lengths, seconds = [], []
        started = time.perf_counter()
        hits, made = fooled(net, pictures, classes, ours, rounded=False)
        seconds.append(time.perf_counter() - started)
        lengths.append(np.linalg.norm((made - pictures).reshape(len(made), -1)[hits], axis=1))
        started = time.perf_counter()
        parts = [
            theirs(
                wrapped,
                tf.constant(pictures[k : k + BATCH]),
                tf.constant(classes[k : k + BATCH]),
                epsilons=None,
            )
            for k in range(0, len(pictures), BATCH)
        ]
        seconds.append(time.perf_counter() - started)
        made = np.concatenate([part[1].numpy() for part in parts])
        hits_theirs = np.concatenate([part[2].numpy() for part in parts])
        lengths.append(
            np.linalg.norm((made - pictures).reshape(len(made), -1)[hits_theirs], axis=1)
        )
        saved, rounded = fooled(net, pictures, classes, ours)
        whole = np.linalg.norm((rounded - pictures).reshape(len(rounded), -1)[saved], axis=1)
        yield (
            f"{name}, {len(pictures)} photos",
            f"ours fools {hits.sum()}, median L2 {np.median(lengths[0]):.3f}; Foolbox "
            f"{hits_theirs.sum()}, {np.median(lengths[1]):.3f}, in {seconds[1] / seconds[0]:.1f} "
            f"times our time; ours on saved pictures {saved.sum()}, {np.median(whole):.3f}",
        )


def transfer(folder: Path) -> Iterator[tuple[str, str]]:
    """Untargeted, epsilon 16: attacked on one network, shown to the other."""
    nets = [backbones.load("MobileNetV2"), backbones.load("MobileNet 0.75")]
    for source, other in (nets, nets[::-1]):
        x, y = known([source, other], folder, PHOTOS)
        for name, attacked, attack in (
            ("PGD", source, attacks.PGD(epsilon=16)),
            ("MI-FGSM", source, attacks.MomentumIterative(epsilon=16)),
            ("DIM", source, attacks.DiverseInput(epsilon=16)),
            ("TIM", source, attacks.TranslationInvariant(epsilon=16)),
            ("BSR with SIM", source, attacks.BlockShuffle(epsilon=16)),
            ("ensemble of both, MI-FGSM", [source, other], attacks.MomentumIterative(epsilon=16)),
            ("random noise", source, attacks.RandomNoise(epsilon=16)),
        ):
            own, made = fooled(attacked, x, y, attack)
            fitted = np.stack([images.fit(picture, other.input_size) for picture in made])
            moved = other.logits(fitted).argmax(axis=1) != y
            yield (
                f"{source.name} to {other.name}, epsilon 16, {name}",
                f"{own.sum()} of {len(x)} fooled where attacked, {moved.sum()} on the other",
            )


if __name__ == "__main__":
    print(f"{backend.device().name}\n\n| what | measured |\n|---|---|")
    for what, value in measure(Path(sys.argv[1])):
        print(f"| {what} | {value} |", flush=True)
