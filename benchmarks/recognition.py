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
PERCENTILES = (5, 25, 50, 75, 95)  # of the pixels' brightness


@dataclass(frozen=True)
class Seen:
    """Pictures of some classes.

    `first`, `five` and `early` are `(n,)` bools: whether the judge names the class first, among
    its top five, and first after a quarter of the steps. `features` are the judge's.
    """

    first: np.ndarray
    five: np.ndarray
    early: np.ndarray
    features: np.ndarray
    tones: "Tones"
    seconds: float

    def words(self, photos: np.ndarray) -> str:
        """All of it in a line; `photos` are features of photos."""
        return (
            f"first {_share(self.first)}, top five {_share(self.five)}, after a quarter of the "
            f"steps {_share(self.early)}; kernel distance {distance(self.features, photos):.3f}; "
            f"{self.tones.words()}; {self.seconds:.1f} s each"
        )

    def against(self, other: "Seen") -> str:
        """Of the classes that the judge names first in only one of two sets, in which."""
        ours = int((self.first & ~other.first).sum())
        theirs = int((other.first & ~self.first).sum())
        chance = binomtest(ours, ours + theirs).pvalue if ours + theirs else 1.0
        return f"{ours} only with, {theirs} only without; p = {chance:.2g} (McNemar, exact)"


@dataclass(frozen=True)
class Tones:
    """How bright pixels are: the clipped share in 0..1, and percentiles in grey levels."""

    clipped: float
    percentiles: tuple[float, ...]

    @classmethod
    def of(cls, pictures: Sequence[np.ndarray]) -> "Tones":
        """Those of pictures in 0..1 of any size."""
        grey = np.concatenate([255 * picture.reshape(-1) for picture in pictures])
        clipped = float(((grey < NEAR) | (grey > 255 - NEAR)).mean())
        return cls(clipped, tuple(np.percentile(grey, PERCENTILES)))

    def words(self) -> str:
        """Both, in words."""
        levels = ", ".join(f"{level:.0f}" for level in self.percentiles)
        return f"clipped {100 * self.clipped:.1f} %, brightness {levels}"


def measure(folder: Path, classes: int, pocket: int, table: int) -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    mobile, judge = backbones.load("MobileNetV2"), backbones.load("MobileNet 0.75")
    photos = photographs(folder)
    yield f"{len(photos)} photos", Tones.of(photos).words()
    if classes or table:
        near, clear = features(judge, photos), synthesis.preset("clear", mobile)
    if classes:
        some = range(0, 1000, 1000 // classes)
        found = seen(mobile, judge, some, clear)
        yield f"MobileNetV2, clear, {classes} classes, {judge.name}", found.words(near)
        without = replace(clear, natural=False, until_certain=False)
        before = seen(mobile, judge, some, without)
        yield "without natural statistics", before.words(near)
        yield "named first, with and without", found.against(before)
    if pocket:
        near_mobile = features(mobile, photos)
    for name in ("Pocket Robust", "Pocket") if pocket else ():
        net = backbones.load(name)
        shared = [k for k, label in enumerate(net.class_names) if label in mobile.class_names]
        some = shared[:: max(len(shared) // pocket, 1)]
        found = seen(net, mobile, some, synthesis.preset("clear", net))
        yield f"{name}, clear, {len(some)} classes, {mobile.name}", found.words(near_mobile)
    if table:
        for what, settings in parametrizations(clear):
            found = seen(mobile, judge, range(0, 1000, 1000 // table), settings)
            yield f"{what}, {table} classes", found.words(near)


def parametrizations(clear: Settings) -> Iterator[tuple[str, Settings]]:
    """Every way to store the picture, without a prior, with variation loss, with both priors."""
    for name, kind in PARAMETRIZATIONS.items():
        live = replace(clear.live, learning_rate=RATES[name])
        none = replace(live, variation=0.0, l2=0.0, natural=0.0)
        own = replace(clear, parametrization=kind, live=live)
        without = replace(own, natural=False, until_certain=False)
        yield f"{name}, no prior", replace(without, live=none)
        yield f"{name}, variation loss", without
        yield f"{name}, and natural statistics", own


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
    return Seen(
        first=first,
        five=five,
        early=np.array(soon) == 0,
        features=transfer.vectors(judge, _fitted(judge, pictures)),
        tones=Tones.of(pictures),
        seconds=seconds,
    )


def photographs(folder: Path) -> list[np.ndarray]:
    """Photos in 0..1, as they are."""
    return [images.load(file) for file in sorted(folder.glob("*.jpg"))[:PHOTOS]]


def features(judge: backbones.Backbone, photos: Sequence[np.ndarray]) -> np.ndarray:
    """The judge's pooled features of photos."""
    return transfer.vectors(judge, _fitted(judge, photos))


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
