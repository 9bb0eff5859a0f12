"""How accurate a classifier is on photos it was not trained on."""

from dataclasses import dataclass

import keras
import numpy as np
from scipy.special import logsumexp, softmax
from scipy.stats import binomtest

from engine.core import backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Accuracy and mistakes on n photos.

    Attributes:
        accuracy, low, high: share classified correctly, and its 95 % interval.
        confusion: `(classes, classes)`, photos of a class (row) taken for another (column).
        rows: `(n,)` the photos' numbers.
        labels, guesses: `(n,)` class indices.
        confidence: `(n,)` probability of the guess.
        calibration: `(confidence, accuracy, photos)` of ten bins of confidence; empty ones left
            out.
        error: expected calibration error, the mean distance of the two (Guo et al., 2017,
            arXiv:1706.04599).
    """

    accuracy: float
    low: float
    high: float
    confusion: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    guesses: np.ndarray
    confidence: np.ndarray
    calibration: tuple[tuple[float, float, int], ...]
    error: float

    @property
    def better_than_chance(self) -> bool:
        """Whether the whole interval lies above `chance`."""
        return self.low > self.chance

    @property
    def chance(self) -> float:
        """The accuracy of always predicting the class with the most photos."""
        return float(self.confusion.sum(axis=1).max() / self.confusion.sum())

    @property
    def per_class(self) -> np.ndarray:
        """Share of each class classified correctly, `(classes,)`; nan where there was no photo."""
        photos = self.confusion.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.diag(self.confusion) / np.where(photos, photos, np.nan)

    def confused(self, most: int = 5) -> tuple[tuple[int, int, int], ...]:
        """Pairs of classes most often taken for each other: `(one, other, photos)`."""
        both = self.confusion + self.confusion.T
        pairs = [
            (int(a), int(b), int(both[a, b]))
            for a, b in zip(*np.triu_indices(len(both), 1), strict=True)
            if both[a, b]
        ]
        return tuple(sorted(pairs, key=lambda pair: -pair[2])[:most])

    def mistakes(self, most: int = 12) -> np.ndarray:
        """Positions of the wrong predictions with the highest confidence, the highest first."""
        wrong = np.flatnonzero(self.guesses != self.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")][:most]


def evaluate(logits: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> Report:
    """Compares logits `(n, classes)` with the truth `(n,)`; `rows` are the photos' numbers."""
    probabilities = softmax(logits, axis=1)
    guesses, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = guesses == labels
    classes = logits.shape[1]
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, guesses), 1)
    low, high = interval(int(right.sum()), len(labels))
    bins = np.minimum((10 * confidence).astype(int), 9)
    calibration = tuple(
        (
            float(confidence[bins == k].mean()),
            float(right[bins == k].mean()),
            int((bins == k).sum()),
        )
        for k in range(10)
        if (bins == k).any()
    )
    error = sum(abs(c - a) * n for c, a, n in calibration) / len(labels)
    return Report(
        accuracy=float(right.mean()),
        low=low,
        high=high,
        confusion=confusion,
        rows=rows,
        labels=labels,
        guesses=guesses,
        confidence=confidence,
        calibration=calibration,
        error=float(error),
    )


def interval(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); 0 to 1 for no photos."""
    if not of:
        return 0.0, 1.0
    found = binomtest(right, of).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def measure(head: keras.Model, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy and accuracy; nan without photos."""
    if not len(x):
        return float("nan"), float("nan")
    return measure_logits(logits_of(head, x), y)


def measure_logits(logits: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of logits `(n, classes)`."""
    loss = (logsumexp(logits, axis=1) - logits[np.arange(len(y)), y]).mean()
    return float(loss), float((logits.argmax(axis=1) == y).mean())


def logits_of(head: keras.Model, x: np.ndarray) -> np.ndarray:
    """The head's logits of features `(N, c)`, `(N, classes)`."""
    parts = [
        backend.numpy(head(backend.tensor(x[k : k + 4096]), training=False))
        for k in range(0, len(x), 4096)
    ]
    return np.concatenate(parts)
