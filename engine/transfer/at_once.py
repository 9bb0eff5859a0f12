"""A linear head fitted in milliseconds: for photos that come one after the other."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax


@dataclass(frozen=True, slots=True)
class Fitted:
    """A head; `mean` and `deviation` `(c,)` are of its features, `weights` is `(c, classes)`."""

    mean: np.ndarray
    deviation: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Of features `(N, c)`, `(N, classes)`."""
        return (x - self.mean) / self.deviation @ self.weights + self.bias


def fit_at_once(x: np.ndarray, y: np.ndarray, classes: int, decay: float = 0.01) -> Fitted:
    """Logistic regression with a penalty on its weights, solved by L-BFGS.

    The solution lies in the space that the photos span (Hastie, Tibshirani and Friedman, "The
    Elements of Statistical Learning", 18.3.5): with fewer photos than features, one number a photo
    is enough.

    Args:
        x: features of n photos, `(n, c)`.
        y: their classes, `(n,)`.
        classes: how many there are.
        decay: weight of half the squared norm, for each photo.
    """
    mean, spread = x.mean(axis=0), x.std(axis=0)
    deviation = np.maximum(spread, 1e-3 * max(float(spread.max()), 1e-6))
    scaled = ((x - mean) / deviation).astype("float64")
    basis, short = np.linalg.qr(scaled.T)  # scaled = short.T @ basis.T
    z, truth, n = short.T, np.eye(classes)[y], len(x)
    width = z.shape[1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = flat[classes:].reshape(width, classes), flat[:classes]
        logits = z @ weights + bias
        value = (logsumexp(logits, axis=1) - (logits * truth).sum(axis=1)).mean()
        wrong = (softmax(logits, axis=1) - truth) / n
        slope = z.T @ wrong + decay * weights
        return value + decay / 2 * np.square(weights).sum(), np.r_[wrong.sum(axis=0), slope.ravel()]

    found = minimize(loss, np.zeros(classes * (width + 1)), jac=True, method="L-BFGS-B").x
    weights = basis @ found[classes:].reshape(width, classes)
    return Fitted(mean, deviation, weights.astype("float32"), found[:classes].astype("float32"))
