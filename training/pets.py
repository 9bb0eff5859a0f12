"""Oxford-IIIT Pets through the built-in backbones: features to ship, and what they are worth.

    python -m training.pets --pets oxford-iiit-pet

Computes the pooled features of every photo (numbers, no photos) into `engine/assets`, with labels,
splits and the digest of the weights that made them, then measures a linear probe on them: trained
on the trainval photos, tested on the test photos, beside MobileNetV2 where its weights are here.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from engine import backbones, config, images
from engine.backbones.graph import output_of
from engine.storage import weights

BACKBONES = ("Pocket", "Pocket Robust", "MobileNetV2")


def annotations(root: Path) -> list[tuple[str, int, int, str]]:
    """Rows `(photo, breed 0..36, species 0 cat or 1 dog, split)` of the original layout."""
    rows = []
    for split in ("trainval", "test"):
        for line in (root / "annotations" / f"{split}.txt").read_text().splitlines():
            name, breed, species, _ = line.split()
            rows.append((name, int(breed) - 1, int(species) - 1, split))
    return rows


def features(net: backbones.Backbone, root: Path, names: list[str]) -> np.ndarray:
    """Pooled features `(N, 2, c)`: each photo as it is and mirrored."""
    pooled = next(info for info in reversed(net.layers) if info.kind == "GlobalAveragePooling2D")
    model = keras.Model(net.model.inputs[0], output_of(net.model, pooled.name))
    found = []
    for name in names:
        picture = images.fit(images.load(root / "images" / f"{name}.jpg"), net.input_size)
        both = np.stack([picture, picture[:, ::-1]])
        found.append(np.asarray(model(both, training=False)))
    return np.stack(found)


def probe(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, decay: float = 3e-3) -> np.ndarray:
    """Fits a linear classifier (multinomial logistic regression, L-BFGS); returns its guesses."""
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x, x_test = (x - mean) / deviation, (x_test - mean) / deviation
    classes = y.max() + 1
    truth = np.eye(classes)[y]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(-1, classes)
        logits = x @ w[:-1] + w[-1]
        log_p = log_softmax(logits, axis=1)
        error = (np.exp(log_p) - truth) / len(x)
        gradient = np.vstack([x.T @ error + decay * w[:-1], error.sum(0)])
        return -(truth * log_p).sum() / len(x) + decay * (w[:-1] ** 2).sum() / 2, gradient.ravel()

    start = np.zeros((x.shape[1] + 1) * classes)
    w = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    w = w.reshape(-1, classes)
    return (x_test @ w[:-1] + w[-1]).argmax(1)


def main(root: Path) -> None:
    """Computes, stores, measures."""
    rows = annotations(root)
    names = [row[0] for row in rows]
    breeds, species = (np.array([row[k] for row in rows]) for k in (1, 2))
    train = np.array([row[3] == "trainval" for row in rows])
    for name in BACKBONES:
        if name not in weights.available():
            continue
        net = backbones.load(name)
        x = features(net, root, names)
        if net.spec.builtin:
            np.savez_compressed(
                config.ASSETS / f"pets_{net.spec.filename}",
                features=x.astype("float16"),
                breed=breeds.astype("uint8"),
                species=species.astype("uint8"),
                trainval=train,
                photo=np.array(names),
                backbone=net.spec.digest,
            )
        pairs = x[train].reshape(-1, x.shape[-1])
        test = x[~train][:, 0]
        for what, y in (("cat or dog", species), ("37 breeds", breeds)):
            guesses = probe(pairs, np.repeat(y[train], 2), test)
            share = (guesses == y[~train]).mean()
            counts = f"{train.sum()} photos to learn, {(~train).sum()} to test"
            print(f"{name}: {what}, {counts}: {share:.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Oxford-IIIT Pets through the built-in backbones.")
    parser.add_argument("--pets", type=Path, default=Path("oxford-iiit-pet"))
    main(parser.parse_args().pets)
