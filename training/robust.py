"""Fine-tune Pocket adversarially: Pocket Robust, the network that is hard to fool.

    python -m training.robust train    # resumes after the last finished epoch
    python -m training.robust export   # float16 weights and their figures into engine/assets
    python -m training.robust measure  # the figures of the committed weights again

Every batch is attacked while it is learned. N-FGSM (de Jorge et al., "Make some noise: reliable
and efficient single-step adversarial training", 2022, arXiv:2202.01181) adds uniform noise of
twice epsilon and one signed gradient step of epsilon, and does not clip the sum to the ball: that
keeps a single step from overfitting to itself. Epsilon grows from 0 to 4/255 during the first two
epochs. The targets are plain Pocket's probabilities for the unattacked crop, mixed with the label,
and what is kept is an exponential average of the weights, which is more robust than the last ones
(Gowal et al., 2020, arXiv:2010.03593).

A thousand validation photos at random choose, the others report. `training.neighbours` goes on from
here; what it exports comes with the app.
"""

import argparse
import hashlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from engine import config
from engine.backbones import pocket
from engine.storage import registry
from training import checkpoint
from training.curves import draw_log
from training.muon import for_convolutions
from training.pocket import crops, evaluate
from training.tiny_imagenet import CACHE, photos

HERE = Path(__file__).parent
LOG = HERE / "robust.csv"
WEIGHTS = config.ASSETS / "pocket_robust.npz"
CHECKPOINT = CACHE / "robust.npz"
EPSILON, NOISE = 4 / 255, 2.0  # radius of the training attack; its noise in units of epsilon
EPOCHS, RAMP, BATCH, SIZE = 24, 2.0, 128, 64
PEAK_RATE, WARM_UP, WEIGHT_DECAY = 0.004, 0.04, 0.02
AREA = 0.7  # smallest share of a photo that a crop shows
LABEL_SHARE = 0.3
AVERAGE = 0.9985  # of the weights, per step
CHOOSING = 1000  # validation photos that choose settings


def train(archive: Path) -> None:
    """Trains; every epoch ends with a checkpoint and a line in `robust.csv`."""
    data = photos(archive)
    labels, pictures = data["train_y"], data["train_x"]
    keras.utils.set_random_seed(2)
    teacher = pocket.build(input_shape=(None, None, 3))
    pocket.load_weights(teacher)
    keras.config.set_dtype_policy("mixed_bfloat16")
    fast_teacher = pocket.build(input_shape=(None, None, 3))
    student = pocket.build(input_shape=(None, None, 3))
    keras.config.set_dtype_policy("float32")
    averaged = pocket.build(input_shape=(None, None, 3))
    for copy in (fast_teacher, student, averaged):
        copy.set_weights(teacher.get_weights())
    optimizer = for_convolutions(student.trainable_variables, PEAK_RATE, WEIGHT_DECAY)
    state = [*student.variables, *averaged.variables, *optimizer.variables]
    first = checkpoint.resume(CHECKPOINT, state)

    @tf.function
    def step(batch, y, epsilon, rate, keep):
        optimizer.learning_rate.assign(rate)
        clean = crops(batch, SIZE, AREA)
        wanted = targets(fast_teacher, clean, y)

        def loss_of(x, training):
            logits = tf.cast(student(x, training=training), "float32")
            losses = tf.nn.softmax_cross_entropy_with_logits(labels=wanted, logits=logits)
            return tf.reduce_mean(losses), logits

        moved = attacked(lambda x: loss_of(x, False)[0], clean, epsilon)
        with tf.GradientTape() as tape:
            loss, logits = loss_of(moved, True)
        optimizer.apply(tape.gradient(loss, student.trainable_variables))
        average(averaged, student, keep)
        hits = tf.reduce_mean(tf.cast(tf.argmax(logits, -1, tf.int32) == y, "float32"))
        return loss, hits

    steps = len(labels) // BATCH
    for epoch in range(first, EPOCHS):
        order = np.random.default_rng([epoch, 7]).permutation(len(labels))
        start, sums = time.time(), np.zeros(2)
        for k in range(steps):
            rows = order[k * BATCH : (k + 1) * BATCH]
            made = epoch * steps + k
            epsilon = EPSILON * min(1.0, made / (RAMP * steps))
            numbers = tf.constant(epsilon), *schedule(made, EPOCHS * steps, PEAK_RATE)
            sums += step(tf.constant(pictures[rows]), tf.constant(labels[rows]), *numbers)
        chosen = data["val_x"][choosing(data)], data["val_y"][choosing(data)]
        row = {
            "epoch": epoch + 1,
            "loss": round(float(sums[0] / steps), 4),
            "attacked_accuracy": round(float(sums[1] / steps), 4),
            "val_clean": round(accuracy(averaged, *chosen, 0.0), 4),
            "val_pgd_2": round(accuracy(averaged, *chosen, 2 / 255), 4),
            "val_pgd_4": round(accuracy(averaged, *chosen, 4 / 255), 4),
            "seconds": round(time.time() - start),
        }
        checkpoint.log(LOG, row)
        checkpoint.save(CHECKPOINT, state, epoch + 1)
        averaged.save_weights(CACHE / "robust.weights.h5")


def targets(teacher: keras.Model, clean: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """What is to be predicted: the labels, mixed with what the teacher predicts of the crops."""
    soft = tf.nn.softmax(tf.cast(teacher(clean, training=False), "float32"))
    return LABEL_SHARE * tf.one_hot(labels, 200) + (1 - LABEL_SHARE) * soft


def attacked(
    loss: Callable[[tf.Tensor], tf.Tensor], clean: tf.Tensor, epsilon: float | tf.Tensor
) -> tf.Tensor:
    """Crops in 0..1 after the training attack."""
    noisy = clean + epsilon * NOISE * tf.random.uniform(tf.shape(clean), -1.0, 1.0)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(noisy)
        value = loss(noisy)
    return tf.clip_by_value(noisy + epsilon * tf.sign(tape.gradient(value, noisy)), 0.0, 1.0)


def average(averaged: keras.Model, student: keras.Model, keep: tf.Tensor) -> None:
    """Takes a step's weights into their exponential average."""
    for mean, value in zip(averaged.variables, student.variables, strict=True):
        mean.assign(keep * mean + (1 - keep) * value)


def schedule(made: int, steps: int, peak: float) -> tuple[tf.Tensor, tf.Tensor]:
    """The learning rate of a step, and how much of the average is kept."""
    rate = peak * min(made / steps / WARM_UP, 0.5 * (1 + math.cos(math.pi * made / steps)))
    return tf.constant(rate), tf.constant(min(AVERAGE, (1 + made) / (10 + made)))


def choosing(data: dict[str, np.ndarray]) -> np.ndarray:
    """Rows of the validation photos that choose: a thousand at random."""
    return np.random.default_rng(5).permutation(len(data["val_y"]))[:CHOOSING]


def reporting(data: dict[str, np.ndarray]) -> np.ndarray:
    """Rows of the validation photos that chose nothing."""
    return np.random.default_rng(5).permutation(len(data["val_y"]))[CHOOSING:]


def accuracy(
    net: keras.Model, rows: np.ndarray, labels: np.ndarray, epsilon: float, steps: int = 10
) -> float:
    """Top-1 on photos `(N, 64, 64, 3)` uint8 under PGD of radius `epsilon` (in 0..1)."""

    @tf.function(reduce_retracing=True)
    def attacked(x, y):
        moved = x
        for _ in range(steps if epsilon else 0):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(moved)
                loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, net(moved, training=False))
            moved = moved + 2.5 * epsilon / steps * tf.sign(tape.gradient(loss, moved))
            moved = tf.clip_by_value(tf.clip_by_value(moved, x - epsilon, x + epsilon), 0.0, 1.0)
        return tf.argmax(net(moved, training=False), -1)

    guesses = [
        attacked(tf.constant(rows[k : k + 125], "float32") / 255.0, labels[k : k + 125]).numpy()
        for k in range(0, len(rows), 125)
    ]
    return float((np.concatenate(guesses) == labels).mean())


def export(archive: Path) -> None:
    """Writes the averaged weights as float16, and their figures on photos that chose nothing."""
    student = pocket.build(input_shape=(None, None, 3))
    student.load_weights(CACHE / "robust.weights.h5")
    save(student)
    columns = {"clean": "val_clean", "PGD, 2/255": "val_pgd_2", "PGD, 4/255": "val_pgd_4"}
    draw_log(LOG, columns, "Accuracy on validation photos by epoch", HERE / "robust.svg")
    measure(archive)


def save(net: keras.Model) -> None:
    """Writes the weights of Pocket's layers as float16, those that come with the app."""
    known = {v.path for v in pocket.build().variables}
    kept = [v for v in net.variables if v.path in known]
    np.savez(WEIGHTS, **{v.path.removeprefix("pocket/"): v.numpy().astype("float16") for v in kept})


def measure(archive: Path) -> None:
    """Writes the figures of the committed weights."""
    data = photos(archive)
    net = pocket.build(input_shape=(None, None, 3))
    with np.load(WEIGHTS) as saved:
        for variable in net.variables:
            variable.assign(saved[variable.path.removeprefix("pocket/")].astype("float32"))
    rows = reporting(data)
    whole = {name: data[name][rows] for name in ("val_x", "val_y")}
    facts = {
        "sha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
        "top1": round(evaluate(net, whole, registry.POCKET_SIZE), 4),
        "size": registry.POCKET_SIZE,
        "validation_photos": len(rows),
        "parameters": net.count_params(),
    }
    for grey in (0, 2, 4):
        share = accuracy(net, whole["val_x"][:1000], whole["val_y"][:1000], grey / 255)
        facts[f"pgd_{grey}" if grey else "clean"] = round(share, 4)
    WEIGHTS.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")
    print(facts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Fine-tune Pocket adversarially.")
    parser.add_argument("command", choices=("train", "export", "measure"))
    parser.add_argument("--archive", type=Path, default=Path("tiny-imagenet-200.tar"))
    arguments = parser.parse_args()
    {"train": train, "export": export, "measure": measure}[arguments.command](arguments.archive)
