"""Pocket Robust beside Pocket: what the judge leaves of each, what it takes to fool them, pictures.

    python -m benchmarks.robust TINY_IMAGENET_TAR PETS

The photos are Tiny ImageNet's validation photos that chose nothing in the training, at their own
64 px. Settings of the pictures were chosen with another seed and another judge (MobileNet 0.75).
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from scipy.stats import binomtest

from engine import backbones, backend, images, robustness, synthesis
from training import pets
from training.robust import reporting
from training.tiny_imagenet import photos

TITLE = "Pocket Robust beside Pocket"
NAMES = ("Pocket", "Pocket Robust")
PHOTOS, FEW = 1000, 200
EPSILONS = tuple(0.1 * 1.25**k for k in range(28))  # 0.1 to 41 grey levels


def measure(archive: Path, pets_root: Path) -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    data = photos(archive)
    rows = reporting(data)[:PHOTOS]
    x, y = images.from_uint8(data["val_x"][rows]), data["val_y"][rows]
    nets = [backbones.load(name, size=64) for name in NAMES]
    for net in nets:
        yield from judge(net, x, y)
    yield smallest(nets, x, y)
    try:
        yield agreement(nets[-1], x[:FEW], y[:FEW])
    except ImportError:
        yield "ART", "not installed here"
    for name in NAMES:
        yield pictures(backbones.load(name))
    for name in NAMES:
        yield from breeds(backbones.load(name), pets_root)


def judge(net: backbones.Backbone, x: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, str]]:
    """Accuracy after each of the judge's attacks."""
    for epsilon in (2, 4):
        found = robustness.accuracy(net, x, y, epsilon)
        steps = ", ".join(f"after {name} {100 * share:.1f}" for name, share in found.after.items())
        yield (
            f"{net.name}, epsilon {epsilon}, {len(x)} photos",
            f"{100 * found.clean:.1f} % without an attack; {steps} %",
        )


def smallest(nets: list[backbones.Backbone], x: np.ndarray, y: np.ndarray) -> tuple[str, str]:
    """The median smallest epsilon on photos that both classify correctly."""
    right = np.all([net.logits(x).argmax(axis=1) == y for net in nets], axis=0)
    x, y = x[right][:FEW], y[right][:FEW]
    medians = [np.median(robustness.smallest_epsilon(net, x, y, EPSILONS)) for net in nets]
    words = ", ".join(f"{n.name} {m:.2f}" for n, m in zip(nets, medians, strict=True))
    return (
        f"smallest epsilon that fools, median of {len(x)} photos both classify correctly",
        f"{words} grey levels: {medians[1] / medians[0]:.1f} times",
    )


def agreement(net: backbones.Backbone, x: np.ndarray, y: np.ndarray) -> tuple[str, str]:
    """The judge beside Adversarial Robustness Toolbox's attacks, in its order, with its budgets."""
    from art.attacks import evasion
    from art.estimators.classification import TensorFlowV2Classifier

    epsilon, effort = 4, robustness.Effort()
    ours, theirs = robustness.accuracy(net, x, y, epsilon).after, {}
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = TensorFlowV2Classifier(
        model=net.model,
        nb_classes=len(net.class_names),
        input_shape=x.shape[1:],
        loss_object=loss,
        clip_values=(0, 1),
    )
    size, quiet = epsilon / 255, {"verbose": False, "batch_size": 64}
    ranks = np.argsort(-net.logits(x), axis=1)
    standing = ranks[:, 0] == y

    def left(name: str, attack: Any, goals: np.ndarray) -> None:
        rows = np.flatnonzero(standing)
        made = attack.generate(x[rows], goals[rows]).astype("float32")
        made = np.clip(made, x[rows] - size, x[rows] + size)  # float32 leaves the ball by a hair
        standing[rows] = net.logits(made).argmax(axis=1) == y[rows]
        theirs[name] = standing.mean()

    auto = {"eps": size, "eps_step": 2 * size, "max_iter": effort.steps, "nb_random_init": 1}
    auto |= quiet
    plain, margin, blind = ours
    attack = evasion.AutoProjectedGradientDescent(model, loss_type="cross_entropy", **auto)
    left(plain, attack, y)
    auto |= {"targeted": True, "loss_type": "difference_logits_ratio"}  # a margin, as the judge's
    for rank in range(1, effort.rivals + 1):
        left(margin, evasion.AutoProjectedGradientDescent(model, **auto), ranks[:, rank])
    left(blind, evasion.SquareAttack(model, eps=size, max_iter=effort.queries, **quiet), y)
    both = (f"{name} {100 * ours[name]:.1f}, {100 * theirs[name]:.1f} %" for name in ours)
    return (
        f"{net.name}, epsilon {epsilon}, {len(x)} photos: left by the judge, by ART, after each",
        "; ".join(both),
    )


def pictures(net: backbones.Backbone) -> tuple[str, str]:
    """Ideal images of plain pixels without a penalty, as a network that was never asked sees it."""
    judge = backbones.load("MobileNetV2")
    settings = replace(synthesis.preset("noise", net), seed=0)
    shared = [k for k, name in enumerate(net.class_names) if name in judge.class_names]
    first = five = 0
    for k in shared:
        *_, frame = synthesis.ideal_image(net, k, settings)
        top = judge.predict(images.fit(frame.picture, judge.input_size), 5)
        names = [prediction.label for prediction in top]
        first += names[0] == net.class_names[k]
        five += net.class_names[k] in names
    n = len(shared)
    return (
        f"{net.name}, ideal images of plain pixels, {settings.steps} steps, {n} classes",
        f"MobileNetV2 names {_share(first, n)} first, {_share(five, n)} in its top five",
    )


def breeds(net: backbones.Backbone, root: Path) -> Iterator[tuple[str, str]]:
    """A linear probe on the pooled features of Oxford-IIIT Pets."""
    rows = pets.annotations(root)
    train = np.array([row[3] == "trainval" for row in rows])
    x = pets.features(net, root, [row[0] for row in rows])
    for what, column in (("cat or dog", 2), ("37 breeds", 1)):
        y = np.array([row[column] for row in rows])
        learned = x[train].reshape(-1, x.shape[-1])
        guesses = pets.probe(learned, np.repeat(y[train], 2), x[~train][:, 0])
        hits, n = int((guesses == y[~train]).sum()), int((~train).sum())
        yield f"{net.name}, Pets, {what}, {train.sum()} photos to learn", _share(hits, n)


def _share(hits: int, n: int) -> str:
    low, high = binomtest(hits, n).proportion_ci(method="wilson")
    return f"{100 * hits / n:.1f} % ({100 * low:.0f} to {100 * high:.0f})"


if __name__ == "__main__":
    print(f"{backend.device().name}\n\n| what | measured |\n|---|---|")
    for what, value in measure(Path(sys.argv[1]), Path(sys.argv[2])):
        print(f"| {what} | {value} |", flush=True)
