"""Teach Pocket Robust its classes' neighbours: what a bison has that an ox has not.

    python -m training.neighbours teach   # the teacher's logits of all photos, once
    python -m training.neighbours train   # after training.robust train; resumes, too
    python -m training.neighbours export  # float16 weights and their figures into engine/assets

A network that knows 200 classes need not know what tells a bison from an ox, or a teapot from a
coffeepot, where only one of the two is among them, and what it draws is as much the other. So it
learns to predict, of attacked photos, what a teacher says of them in all 1 000 classes of ImageNet:
the logits of a class that no photo shows still say how much each photo is like it (Hinton, Vinyals
and Dean, 2015, arXiv:1503.02531, where a network learns a digit that it never sees). The teacher is
MobileNet 0.75; MobileNetV2, which judges the pictures, has no part in it. Its attacked photos are
those of `training.robust`. Of the thousand outputs, those of the 200 classes are kept.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from scipy.special import softmax

from engine import backbones
from engine.backbones import pocket
from engine.storage import registry, weights
from training import checkpoint, robust
from training.curves import draw_log
from training.muon import for_convolutions
from training.pocket import crops
from training.tiny_imagenet import CACHE, photos

HERE = Path(__file__).parent
LOG = HERE / "neighbours.csv"
TEACHER, SIDES = "MobileNet 0.75", (128, 160)  # px; better at these than at 224 px, enlarged
EPOCHS, PEAK_RATE = 8, 0.003
TEMPERATURE = 2.0
SOFT_SHARE = 0.5  # weight of the teacher's probabilities beside its logits
RIDGE = 10.0
FITTING = 100  # steps to the biases


def teach(archive: Path) -> None:
    """Stores the teacher's logits of both splits, `(N, 1000)` float16, a mean over two sizes."""
    data, net = photos(archive), backbones.load(TEACHER)
    for split in ("val", "train"):
        rows, total = data[f"{split}_x"], 0.0
        for number, side in enumerate(SIDES):
            teacher = net.at_size(side).model

            @tf.function
            def logits(batch, teacher=teacher, side=side):
                x = tf.image.resize(tf.cast(batch, "float32") / 255.0, (side, side), "bicubic")
                return teacher(tf.clip_by_value(x, 0.0, 1.0), training=False)

            turned = rows[:, :, ::-1] if number else rows  # one of the two is mirrored
            chunks = [logits(turned[k : k + 100]).numpy() for k in range(0, len(rows), 100)]
            total = total + np.concatenate(chunks) / len(SIDES)
        np.save(_logits_file(split), total.astype("float16"))
        print(f"{split}: logits of {len(rows)} photos")


def _logits_file(split: str) -> Path:
    return CACHE / f"thousand_{split}.npy"


def _logits(split: str) -> np.ndarray:
    """The teacher's logits less their mean over the classes, which softmax ignores."""
    found = np.load(_logits_file(split)).astype("float32")
    return found - found.mean(axis=1, keepdims=True)


def _with_a_thousand(net: keras.Model) -> keras.Model:
    """Pocket with a second output from the same features: logits of ImageNet's classes."""
    thousand = keras.layers.Dense(1000, name="thousand")(net.get_layer("features").output)
    return keras.Model(net.inputs, [net.outputs[0], thousand])


def _fitted(net: keras.Model, pictures: np.ndarray, logits: np.ndarray) -> list[np.ndarray]:
    """Kernel and bias that give the logits from a network's features, by ridge regression."""
    x = _features(net, pictures, mirrored=True)
    mean, means = x.mean(axis=0), logits.mean(axis=0)
    x = x - mean
    kernel = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (logits - means))
    return [kernel, means - mean @ kernel]


def _features(net: keras.Model, pictures: np.ndarray, *, mirrored: bool) -> np.ndarray:
    """Features `(N, c)` of photos at the size the app reads; a mean with those mirrored, or not."""
    size = (registry.POCKET_SIZE, registry.POCKET_SIZE)
    features = keras.Model(net.inputs, net.get_layer("features").output)

    @tf.function
    def look(batch):
        x = tf.image.resize(tf.cast(batch, "float32") / 255.0, size, "bicubic")
        return features(tf.clip_by_value(x, 0.0, 1.0))

    found = []
    for k in range(0, len(pictures), 250):
        rows = pictures[k : k + 250]
        both = [look(rows), look(rows[:, :, ::-1])] if mirrored else [look(rows)]
        found.append(np.mean(both, axis=0))
    return np.concatenate(found)


def train(archive: Path) -> None:
    """Trains; every epoch ends with a checkpoint and a line in `neighbours.csv`."""
    data = photos(archive)
    labels, pictures, wanted = data["train_y"], data["train_x"], _logits("train")
    usual, deviation = wanted.mean(axis=0), wanted.std(axis=0)
    keras.utils.set_random_seed(2)
    teacher = pocket.build(input_shape=(None, None, 3))
    pocket.load_weights(teacher)
    before = pocket.build(input_shape=(None, None, 3))
    before.load_weights(CACHE / "robust.weights.h5")
    keras.config.set_dtype_policy("mixed_bfloat16")
    fast_teacher = pocket.build(input_shape=(None, None, 3))
    student = _with_a_thousand(pocket.build(input_shape=(None, None, 3)))
    keras.config.set_dtype_policy("float32")
    averaged = _with_a_thousand(pocket.build(input_shape=(None, None, 3)))
    fast_teacher.set_weights(teacher.get_weights())
    fitted = _fitted(before, pictures, wanted)
    for copy in (student, averaged):
        for layer in before.layers:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
        copy.get_layer("thousand").set_weights(fitted)
    optimizer = for_convolutions(student.trainable_variables, PEAK_RATE, robust.WEIGHT_DECAY)
    state = [*student.variables, *averaged.variables, *optimizer.variables]
    file = CACHE / "neighbours.npz"
    first = checkpoint.resume(file, state)

    @tf.function
    def step(batch, y, logits, rate, keep):
        optimizer.learning_rate.assign(rate)
        clean = crops(batch, robust.SIZE, robust.AREA)
        own = robust.targets(fast_teacher, clean, y)
        soft = tf.nn.softmax(logits / TEMPERATURE)

        def losses(x, training):
            found, thousand = (tf.cast(z, "float32") for z in student(x, training=training))
            thousand -= tf.reduce_mean(thousand, axis=1, keepdims=True)
            entropy = tf.nn.softmax_cross_entropy_with_logits
            return tf.stack(
                [
                    tf.reduce_mean(entropy(labels=own, logits=found)),
                    tf.reduce_mean(tf.square((thousand - logits) / deviation)),
                    tf.reduce_mean(entropy(labels=soft, logits=thousand / TEMPERATURE)),
                ]
            )

        parts = tf.constant([1.0, 1.0, SOFT_SHARE])
        moved = robust.attacked(
            lambda x: tf.tensordot(parts, losses(x, False), 1), clean, robust.EPSILON
        )
        with tf.GradientTape() as tape:
            terms = losses(moved, True)
            loss = tf.tensordot(parts, terms, 1)
        optimizer.apply(tape.gradient(loss, student.trainable_variables))
        robust.average(averaged, student, keep)
        return terms

    steps = len(labels) // robust.BATCH
    for epoch in range(first, EPOCHS):
        order = np.random.default_rng([epoch, 7]).permutation(len(labels))
        start, sums = time.time(), np.zeros(3)
        for k in range(steps):
            rows = order[k * robust.BATCH : (k + 1) * robust.BATCH]
            numbers = robust.schedule(epoch * steps + k, EPOCHS * steps, PEAK_RATE)
            sums += step(pictures[rows], labels[rows], wanted[rows], *numbers)
        names = ("loss", "error", "soft_loss")
        row = dict(zip(names, (round(float(one), 3) for one in sums / steps), strict=True))
        row |= _figures(averaged, data, usual) | {"seconds": round(time.time() - start)}
        checkpoint.log(LOG, {"epoch": epoch + 1} | row)
        checkpoint.save(file, state, epoch + 1)
        averaged.save_weights(CACHE / "neighbours.weights.h5")


def _figures(net: keras.Model, data: dict[str, np.ndarray], usual: np.ndarray) -> dict[str, float]:
    """On the photos that choose: how much of the teacher's logits it explains, and accuracies."""
    rows = robust.choosing(data)
    pictures, labels = data["val_x"][rows], data["val_y"][rows]
    wanted = _logits("val")[rows]
    found = net.predict(pictures / np.float32(255.0), batch_size=250, verbose=0)[1]
    error = np.square(found - found.mean(axis=1, keepdims=True) - wanted).sum(axis=0)
    explained = 1.0 - error / np.square(wanted - usual).sum(axis=0)
    of_ours = keras.Model(net.inputs, net.outputs[0])
    return {
        "explained": round(float(explained.mean()), 3),
        "of_a_thousand": round(float((found.argmax(axis=1) == _places(data)[labels]).mean()), 3),
        "val_clean": round(robust.accuracy(of_ours, pictures, labels, 0.0), 3),
        "val_pgd_4": round(robust.accuracy(of_ours, pictures, labels, 4 / 255), 3),
    }


def _places(data: dict[str, np.ndarray]) -> np.ndarray:
    """Where the 200 classes are among ImageNet's."""
    number = {wnid: k for k, wnid in enumerate(weights.imagenet_wordnet_ids())}
    return np.array([number[str(wnid)] for wnid in data["wnids"]])


def export(archive: Path) -> None:
    """Writes a network of 200 classes with what it has learned of a thousand, and its figures.

    A class's logit is the mean of its own and of its logit among the thousand. The biases are those
    of greatest likelihood: with them, each class is predicted for the training photos as often, on
    average, as it is there.
    """
    data = photos(archive)
    net = _with_a_thousand(pocket.build(input_shape=(None, None, 3)))
    net.load_weights(CACHE / "neighbours.weights.h5")
    kernel = np.asarray(net.get_layer("thousand").kernel)
    own = net.get_layer("logits")
    kernel = (kernel - kernel.mean(axis=1, keepdims=True))[:, _places(data)]
    kernel = 0.5 * np.asarray(own.kernel) + 0.5 * kernel
    logits = _features(net, data["train_x"][::2], mirrored=False) @ kernel
    bias, there = np.zeros(len(data["wnids"])), np.bincount(data["train_y"][::2])
    for _ in range(FITTING):
        bias -= 0.7 * np.log(softmax(logits + bias, axis=1).sum(axis=0) / there)
    own.set_weights([kernel, bias - bias.mean()])
    robust.save(net)
    columns = {
        "of the teacher's logits, explained": "explained",
        "clean": "val_clean",
        "PGD, 4/255": "val_pgd_4",
    }
    draw_log(LOG, columns, "Figures on validation photos by epoch", HERE / "neighbours.svg")
    robust.measure(archive)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Teach Pocket Robust its classes' neighbours.")
    parser.add_argument("command", choices=("teach", "train", "export"))
    parser.add_argument("--archive", type=Path, default=Path("tiny-imagenet-200.tar"))
    arguments = parser.parse_args()
    {"teach": teach, "train": train, "export": export}[arguments.command](arguments.archive)
