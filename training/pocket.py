"""Train the pocket backbone from Tiny ImageNet, with MobileNetV2 as its teacher.

    python -m training.pocket teach    # the teacher's features of all training photos, once
    python -m training.pocket train    # the student; stopped and started again, it resumes
    python -m training.pocket export   # float16 weights and their figures into engine/assets

The photos are decoded once into memory. The teacher (MobileNetV2, ImageNet weights) sees each of
them once, enlarged to 224 px; a linear head fitted on its features gives soft targets over the 200
classes. The student then learns from random crops to match three things: the label, the teacher's
soft targets (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015,
arXiv:1503.02531) and the direction of the teacher's features (Romero et al., "FitNets", 2014,
arXiv:1412.6550). Crops grow from 40 to 64 px in the course of the training: the early epochs cost
half, and a network that has seen small crops reads whole photos better (Touvron et al., "Fixing
the train-test resolution discrepancy", 2019, arXiv:1906.06423).
"""

import argparse
import hashlib
import json
import math
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from engine import config
from engine.backbones import pocket
from engine.storage import registry, weights
from training import checkpoint
from training.curves import draw_log
from training.muon import for_convolutions
from training.tiny_imagenet import CACHE, photos

HERE = Path(__file__).parent
PHASES = ((40, 12), (48, 21), (64, 31))  # (crop in px, last epoch at that crop)
BATCH = 128
PEAK_RATE, WEIGHT_DECAY, WARM_UP = 0.01, 0.02, 0.03
TEMPERATURE = 2.0
AREA = 0.5  # smallest share of a photo that a crop shows
LABEL_SHARE, FEATURE_SHARE = 0.3, 3.0


def teach(archive: Path) -> None:
    """Stores the teacher's pooled features of both splits, `(N, 1280)` float16."""
    data = photos(archive)
    size = (224, 224)
    plain = keras.applications.MobileNetV2(weights="imagenet")
    teacher = keras.Model(plain.inputs, plain.layers[-2].output)

    @tf.function
    def features(batch):
        return teacher(tf.image.resize(tf.cast(batch, "float32"), size) / 127.5 - 1, training=False)

    for split in ("val", "train"):
        target, rows = CACHE / f"teacher_{split}.npy", data[f"{split}_x"]
        if not target.exists():
            chunks = [features(rows[k : k + 64]).numpy() for k in range(0, len(rows), 64)]
            np.save(target, np.concatenate(chunks).astype("float16"))
            print(f"{split}: features of {len(rows)} photos")


def soft_targets(data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Fits the teacher's head; returns training logits `(N, 200)` and unit features `(N, 1280)`."""
    x, x_val = (np.load(CACHE / f"teacher_{s}.npy").astype("float32") for s in ("train", "val"))
    keras.utils.set_random_seed(0)
    head = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(200)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.01), loss, metrics=["accuracy"])
    head.fit(x, data["train_y"], batch_size=256, epochs=8, verbose=0)
    accuracy = head.evaluate(x_val, data["val_y"], verbose=0)[1]
    print(f"teacher on the validation photos: {accuracy:.1%}")
    unit = (x - x.mean(0)) / np.linalg.norm(x - x.mean(0), axis=1, keepdims=True)
    return head.predict(x, batch_size=1024, verbose=0), unit


def crops(pictures: tf.Tensor, size: int, area: float = AREA) -> tf.Tensor:
    """Random resized crops (`area` to 1 of a photo), mirrored half the time, with colour jitter."""
    n = tf.shape(pictures)[0]
    side = tf.sqrt(tf.random.uniform((n,), area, 1.0))
    ratio = tf.exp(tf.random.uniform((n,), math.log(3 / 4) / 2, math.log(4 / 3) / 2))
    height, width = tf.minimum(side * ratio, 1.0), tf.minimum(side / ratio, 1.0)
    top = tf.random.uniform((n,)) * (1 - height)
    left = tf.random.uniform((n,)) * (1 - width)
    right, mirrored = left + width, tf.random.uniform((n,)) < 0.5
    left, right = tf.where(mirrored, right, left), tf.where(mirrored, left, right)
    boxes = tf.stack([top, left, top + height, right], axis=1)
    x = tf.cast(pictures, "float32") / 255.0
    x = tf.image.crop_and_resize(x, boxes, tf.range(n), (size, size))
    gain = tf.random.uniform((n, 1, 1, 1), 0.75, 1.25)
    mean = tf.reduce_mean(x, axis=(1, 2, 3), keepdims=True)
    grey = tf.reduce_mean(x, axis=3, keepdims=True)
    saturation = tf.random.uniform((n, 1, 1, 1), 0.6, 1.4)
    x = grey + (x - grey) * saturation
    x = (x - mean) * gain + mean * tf.random.uniform((n, 1, 1, 1), 0.75, 1.25)
    return tf.clip_by_value(x, 0.0, 1.0)


def evaluate(student: keras.Model, data: dict[str, np.ndarray], size: int) -> float:
    """Top-1 on the validation photos enlarged to `size` px, each seen once."""

    @tf.function
    def forward(batch):
        x = tf.image.resize(tf.cast(batch, "float32") / 255.0, (size, size), "bicubic")
        return student(tf.clip_by_value(x, 0.0, 1.0), training=False)

    rows, labels = data["val_x"], data["val_y"]
    guesses = [forward(rows[k : k + 250]).numpy().argmax(-1) for k in range(0, len(rows), 250)]
    return float((np.concatenate(guesses) == labels).mean())


def train(archive: Path) -> None:
    """Trains the student; every epoch ends with a checkpoint and a line in `pocket.csv`."""
    data = photos(archive)
    logits, features = soft_targets(data)
    labels, pictures = data["train_y"], data["train_x"]
    keras.utils.set_random_seed(1)
    # 1.6 times faster than float32 where the processor has AVX512-BF16; weights stay float32.
    keras.config.set_dtype_policy("mixed_bfloat16")
    student = pocket.build(input_shape=(None, None, 3))
    penultimate = student.get_layer("features").output
    hint = keras.layers.Dense(features.shape[1], name="hint")(penultimate)
    both = keras.Model(student.inputs, [student.outputs[0], hint])
    optimizer = for_convolutions(both.trainable_variables, PEAK_RATE, WEIGHT_DECAY)
    state = [*both.variables, *optimizer.variables]
    file = CACHE / "checkpoint.npz"
    first = checkpoint.resume(file, state)
    steps, epochs = len(labels) // BATCH, PHASES[-1][1]

    def step(x, y, teacher_logits, teacher_features, rate):
        optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            out, hint_out = (tf.cast(y, "float32") for y in both(x, training=True))
            label_loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=out)
            soft = tf.nn.softmax(teacher_logits / TEMPERATURE)
            soft_loss = tf.nn.softmax_cross_entropy_with_logits(
                labels=soft, logits=out / TEMPERATURE
            )
            cosine = tf.reduce_sum(tf.nn.l2_normalize(hint_out, -1) * teacher_features, -1)
            loss = tf.reduce_mean(
                LABEL_SHARE * label_loss
                + (1 - LABEL_SHARE) * TEMPERATURE**2 * soft_loss
                + FEATURE_SHARE * (1 - cosine)
            )
        optimizer.apply(tape.gradient(loss, both.trainable_variables))
        hits = tf.reduce_mean(tf.cast(tf.argmax(out, -1, tf.int32) == y, "float32"))
        return loss, hits, tf.reduce_mean(cosine)

    for epoch in range(first, epochs):
        size = next(crop for crop, last in PHASES if epoch < last)
        compiled, crop = tf.function(step), tf.function(lambda b, side=size: crops(b, side))
        order = np.random.default_rng(epoch).permutation(len(labels))
        start, sums = time.time(), np.zeros(3)
        for k in range(steps):
            rows = order[k * BATCH : (k + 1) * BATCH]
            done = (epoch + k / steps) / epochs
            rate = PEAK_RATE * min(done / WARM_UP, 0.5 * (1 + math.cos(math.pi * done)))
            batch = crop(tf.constant(pictures[rows]))
            sums += compiled(
                batch, labels[rows], logits[rows], features[rows], tf.constant(rate, "float32")
            )
        loss, accuracy, cosine = sums / steps
        row = {
            "epoch": epoch + 1,
            "crop": size,
            "loss": round(float(loss), 4),
            "accuracy": round(float(accuracy), 4),
            "cosine": round(float(cosine), 4),
            "val_accuracy": round(evaluate(student, data, 64), 4),
            "seconds": round(time.time() - start),
        }
        checkpoint.log(HERE / "pocket.csv", row)
        checkpoint.save(file, state, epoch + 1)
        student.save_weights(CACHE / "pocket.weights.h5")


def export(archive: Path) -> None:
    """Writes the float16 weights, their figures and the curves; measures what was written."""
    data = photos(archive)
    student = pocket.build(input_shape=(None, None, 3))
    student.load_weights(CACHE / "pocket.weights.h5")
    config.ASSETS.mkdir(exist_ok=True)
    paths = {v.path.removeprefix("pocket/"): v for v in student.variables}
    arrays = {path: v.numpy().astype("float16") for path, v in paths.items()}
    np.savez(pocket.WEIGHTS, **arrays)
    for path, variable in paths.items():
        variable.assign(arrays[path].astype("float32"))
    names = weights.imagenet_class_names()
    number = {wnid: k for k, wnid in enumerate(weights.imagenet_wordnet_ids())}
    facts = {
        "sha256": hashlib.sha256(pocket.WEIGHTS.read_bytes()).hexdigest(),
        "top1": round(evaluate(student, data, registry.POCKET_SIZE), 4),
        "size": registry.POCKET_SIZE,
        "validation_photos": len(data["val_y"]),
        "parameters": student.count_params(),
        "wordnet_ids": [str(wnid) for wnid in data["wnids"]],
        "class_names": [names[number[str(wnid)]] for wnid in data["wnids"]],
    }
    pocket.WEIGHTS.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")
    columns = {"training crops": "accuracy", "validation photos": "val_accuracy"}
    draw_log(HERE / "pocket.csv", columns, "Top-1 accuracy by epoch", HERE / "pocket.svg")
    size = pocket.WEIGHTS.stat().st_size / 1e6
    print(f"{size:.1f} MB; top-1 of {facts['validation_photos']} photos: {facts['top1']:.1%}")
    print(f"at 64 px, the size of the photos: {evaluate(student, data, 64):.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train the pocket backbone.")
    parser.add_argument("command", choices=("teach", "train", "export"))
    parser.add_argument("--archive", type=Path, default=Path("tiny-imagenet-200.tar"))
    arguments = parser.parse_args()
    {"teach": teach, "train": train, "export": export}[arguments.command](arguments.archive)
