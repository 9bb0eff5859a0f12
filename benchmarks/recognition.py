"""What others see in ideal images: a network that was never asked, and how near they are to photos.

    python -m benchmarks.recognition PHOTOS [--classes 100] [--pocket 200] [--table 20]

PHOTOS is a folder of ImageNet photos. Every recipe was chosen with another seed and other classes
than those reported here. Each part can be shortened, or left out with 0.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from engine import backbones, backend, images, synthesis, transfer
from engine.synthesis import PARAMETRIZATIONS, RATES, Settings

TITLE = "What others see in ideal images"
PHOTOS = 500
NEAR = 5  # grey levels from black or white that count as clipped


@dataclass(frozen=True)
class Seen:
    """Pictures of some classes: `(n,)` bools of what the judge names, features, clipping, time."""

    first: np.ndarray
    five: np.ndarray
    early: np.ndarray
    features: np.ndarray
    clipped: float
    seconds: float

    def words(self, photos: np.ndarray) -> str:
        """All of it in a line; `photos` are features of photos."""
        return (
            f"first {_share(self.first)}, top five {_share(self.five)}, after a quarter of the "
            f"steps {_share(self.early)}; kernel distance {distance(self.features, photos):.3f}, "
            f"clipped {100 * self.clipped:.1f} %, {self.seconds:.1f} s each"
        )


def measure(folder: Path, classes: int, pocket: int, table: int) -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    mobile, judge = backbones.load("MobileNetV2"), backbones.load("MobileNet 0.75")
    if classes or table:
        photos = features(judge, folder)
    if classes:
        clear = synthesis.preset("clear", mobile)
        before = replace(clear, natural=False)
        for name, settings in {"clear": clear, "without natural statistics": before}.items():
            found = seen(mobile, judge, range(0, 1000, 1000 // classes), settings)
            yield f"MobileNetV2, {name}, {classes} classes, MobileNet 0.75", found.words(photos)
    if pocket:
        photos = features(mobile, folder)
        for name in ("Pocket Robust", "Pocket"):
            net = backbones.load(name)
            shared = [k for k, c in enumerate(net.class_names) if c in mobile.class_names]
            some = shared[:: max(len(shared) // pocket, 1)]
            found = seen(net, mobile, some, synthesis.preset("clear", net))
            yield f"{name}, clear, {len(some)} classes, MobileNetV2", found.words(photos)
    if table:
        photos = features(judge, folder)
        yield from parametrizations(mobile, judge, range(0, 1000, 1000 // table), photos)


def parametrizations(
    net: backbones.Backbone, judge: backbones.Backbone, classes: Sequence[int], photos: np.ndarray
) -> Iterator[tuple[str, str]]:
    """Every way to store the picture, without a prior, with variation loss, with both priors."""
    clear = synthesis.preset("clear", net)
    for name, kind in PARAMETRIZATIONS.items():
        live = replace(clear.live, learning_rate=RATES[name])
        for prior, settings in {
            "no prior": replace(
                clear, natural=False, live=replace(live, variation=0.0, l2=0.0, natural=0.0)
            ),
            "variation loss": replace(clear, natural=False, live=replace(live, natural=0.0)),
            "and natural statistics": replace(clear, live=live),
        }.items():
            found = seen(net, judge, classes, replace(settings, parametrization=kind))
            yield f"{name}, {prior}, {len(classes)} classes", found.words(photos)


def seen(
    net: backbones.Backbone, judge: backbones.Backbone, classes: Sequence[int], settings: Settings
) -> Seen:
    """Makes a picture of each class with seed 0, and lets another network look at it."""
    settings = replace(settings, seed=0)
    list(synthesis.ideal_image(net, 0, replace(settings, steps=4)))  # compiles
    first, five, early, pictures = [], [], [], []
    started = time.perf_counter()
    for target in classes:
        for frame in synthesis.ideal_image(net, target, settings):
            if frame.step == settings.steps // 4 and not frame.last:
                early.append(frame.picture)
        pictures.append(frame.picture)
    seconds = (time.perf_counter() - started) / len(classes)
    ranks = [_rank(judge, p, net.class_names[k]) for p, k in zip(pictures, classes, strict=True)]
    first, five = np.array(ranks) == 0, np.array(ranks) < 5
    soon = [_rank(judge, p, net.class_names[k]) for p, k in zip(early, classes, strict=True)]
    grey = np.concatenate([255 * p.reshape(-1) for p in pictures])
    return Seen(
        first=first,
        five=five,
        early=np.array(soon) == 0,
        features=transfer.vectors(judge, _fitted(judge, pictures)),
        clipped=float(((grey < NEAR) | (grey > 255 - NEAR)).mean()),
        seconds=seconds,
    )


def features(judge: backbones.Backbone, folder: Path) -> np.ndarray:
    """The judge's pooled features of photos."""
    files = sorted(folder.glob("*.jpg"))[:PHOTOS]
    return transfer.vectors(judge, _fitted(judge, [images.load(file) for file in files]))


def distance(x: np.ndarray, y: np.ndarray) -> float:
    """Squared maximum mean discrepancy with a cubic kernel, unbiased (Bińkowski et al., 2018)."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: np.ndarray) -> float:
        whole = kernel(a, a)
        return float((whole.sum() - np.trace(whole)) / (len(a) * (len(a) - 1)))

    return within(x) + within(y) - 2 * float(kernel(x, y).mean())


def _fitted(judge: backbones.Backbone, pictures: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([images.fit(picture, judge.input_size) for picture in pictures])


def _rank(judge: backbones.Backbone, picture: np.ndarray, name: str) -> int:
    logits = judge.logits(images.fit(picture, judge.input_size)[None])[0]
    return int((logits > logits[judge.class_names.index(name)]).sum())


def _share(hits: np.ndarray) -> str:
    low, high = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
    return f"{100 * hits.mean():.0f} % ({100 * low:.0f} to {100 * high:.0f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    for name, usual in {"classes": 100, "pocket": 200, "table": 20}.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    given = parser.parse_args()
    print(f"{backend.device().name}\n\n| what | measured |\n|---|---|")
    for what, value in measure(given.photos, given.classes, given.pocket, given.table):
        print(f"| {what} | {value} |", flush=True)
