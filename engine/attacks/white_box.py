"""White-box access to a network: its logits, and a loss's gradient with respect to the picture.

One network, or several with one class list at different input sizes, whose logits are averaged. One
compilation serves all attacks with the same loss: pictures, classes and signs are its inputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
from keras import ops as _ops

from engine.backbones import Backbone, resized
from engine.core import backend
from engine.core.errors import BadSettings

ops: Any = _ops  # its type stubs allow None for every result
Loss = Literal["cross-entropy", "margin", "ratio"]


@dataclass(frozen=True, slots=True)
class Views:
    """Transformed copies of pictures, k of each, one picture after the other.

    Attributes:
        maps: affine maps `(N k, 8)` as `keras.ops.image.affine_transform` reads them, or the index
            of each pixel's source, `(N k, H W)` int32, where H W stands for black.
        scale: factor of all values, `(N k,)`.
    """

    maps: np.ndarray
    scale: np.ndarray


class WhiteBox:
    """One network or the mean logits of several, as an attacker sees them.

    Pictures are `(N, H, W, 3)` in 0..1 at the first network's input size.

    Raises:
        BadSettings: there is no network, or their classes differ.
    """

    def __init__(self, nets: Backbone | Sequence[Backbone]) -> None:
        nets = (nets,) if isinstance(nets, Backbone) else nets
        if not nets:
            raise BadSettings("Expected at least one network to attack; received none.")
        if len({net.class_names for net in nets}) > 1:
            names = ", ".join(net.name for net in nets)
            raise BadSettings(
                f"Expected networks that know the same classes; received: {names}. Leave out those "
                "with a class list of their own."
            )
        self.nets = tuple(nets)
        self.first = nets[0]
        self._names = tuple(net.name for net in nets)

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` of the pictures, in px."""
        return self.first.input_size

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.first.class_names

    def logits(self, pictures: np.ndarray) -> np.ndarray:
        """`(N, classes)`."""
        forward = self.first.compiled(("logits", *self._names), lambda: self._forward)
        return backend.evaluate(forward, pictures)

    def gradient(
        self,
        pictures: np.ndarray,
        classes: np.ndarray,
        signs: np.ndarray,
        loss: Loss,
        views: Views | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The gradient of a loss that is small when the attack succeeds.

        Args:
            pictures: `(N, H, W, 3)` in 0..1 at the first network's input size.
            classes: `(N,)`, the class to move towards (sign 1) or away from (sign -1); `(N, 2)` for
                the loss "ratio", whose second column is the class to move towards instead.
            signs: `(N,)`, 1 or -1.
            loss: "cross-entropy" with the class; "margin", the strongest other logit minus the
                class's (Carlini and Wagner, 2017, arXiv:1608.04644); "ratio", the other class's
                logit minus the class's, divided by the lead of the strongest over the mean of the
                third and fourth (Croce and Hein, 2020, arXiv:2003.01690).
            views: transformed copies over which each picture's gradient is averaged; None for none.

        Returns:
            Logits of the pictures as they are `(N, classes)`, losses `(N,)`, and their gradients
            `(N, H, W, 3)`.
        """

        def make() -> Any:
            def value(x: Any, classes: Any, signs: Any, *views: Any) -> Any:
                logits = self._forward(_seen(x, *views) if views else x)
                losses = signs * _LOSSES[loss](logits, classes)
                return ops.sum(losses), (logits, losses)

            return backend.value_and_gradient(value, auxiliary=True)

        pixels = views is not None and views.maps.dtype == np.int32
        compiled = self.first.compiled(
            ("gradient", *self._names, loss, views is not None, pixels), make
        )

        def part(x: Any, classes: Any, signs: Any, *views: Any) -> tuple[np.ndarray, ...]:
            (_, (logits, losses)), grad = compiled(
                backend.tensor(x),
                _ops.convert_to_tensor(classes, "int32"),
                backend.tensor(signs),
                *(_ops.convert_to_tensor(array) for array in views),
            )
            return backend.numpy(logits), backend.numpy(losses), backend.numpy(grad)

        if views is None:
            return backend.data_parallel_map(part, pictures, classes, signs)
        times = len(views.maps) // len(pictures)
        batches = (np.repeat(array, times, axis=0) for array in (pictures, classes, signs))
        _, losses, grad = backend.data_parallel_map(part, *batches, views.maps, views.scale)
        losses, grad = (v.reshape(-1, times, *v.shape[1:]).mean(axis=1) for v in (losses, grad))
        return self.logits(pictures), losses, grad

    def differences(
        self, picture: np.ndarray, classes: np.ndarray, reference: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """How far some classes' logits are above another's, and the gradient of each difference.

        Args:
            picture: one, `(H, W, 3)`.
            classes: `(k,)`.
            reference: the other class.

        Returns:
            Differences `(k,)` and gradients `(k, H, W, 3)`.
        """

        def make() -> Any:
            def value(x: Any, classes: Any, reference: Any) -> Any:
                logits = self._forward(x)
                values = _pick(logits, classes) - _pick(logits, reference)
                return ops.sum(values), values

            return backend.value_and_gradient(value, auxiliary=True)

        compiled = self.first.compiled(("differences", *self._names), make)

        def part(classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            (_, values), grad = compiled(
                backend.tensor(np.repeat(picture[None], len(classes), axis=0)),
                _ops.convert_to_tensor(classes, "int32"),
                _ops.convert_to_tensor(np.full(len(classes), reference), "int32"),
            )
            return backend.numpy(values), backend.numpy(grad)

        return backend.data_parallel_map(part, classes)

    def _forward(self, x: Any) -> Any:
        """Mean logits; every network sees the picture at its own size."""
        answers = [net.model(resized(x, self.size, net.input_size)) for net in self.nets]
        return sum(answers[1:], start=answers[0]) / len(answers)


def _seen(x: Any, maps: Any, scale: Any) -> Any:
    """Pictures as `Views` has them, one view of each."""
    if maps.dtype == "int32":
        n, height, width, channels = ops.shape(x)
        flat = ops.pad(ops.reshape(x, (n, height * width, channels)), ((0, 0), (0, 1), (0, 0)))
        places = maps + (height * width + 1) * ops.arange(n, dtype="int32")[:, None]
        moved = ops.take(ops.reshape(flat, (-1, channels)), places, axis=0)
        moved = ops.reshape(moved, (n, height, width, channels))
    else:
        moved = keras.ops.image.affine_transform(x, maps, interpolation="bilinear")
    return scale[:, None, None, None] * moved


def _pick(logits: Any, classes: Any) -> Any:
    return ops.take_along_axis(logits, classes[:, None], axis=-1)[:, 0]


def _cross_entropy(logits: Any, classes: Any) -> Any:
    return ops.logsumexp(logits, axis=-1) - _pick(logits, classes)


def _margin(logits: Any, classes: Any) -> Any:
    own = ops.one_hot(classes, logits.shape[-1])
    return ops.max(logits - 1e9 * own, axis=-1) - _pick(logits, classes)


def _ratio(logits: Any, classes: Any) -> Any:
    own, other = _pick(logits, classes[:, 0]), _pick(logits, classes[:, 1])
    if logits.shape[-1] < 3:  # of two classes the ratio is the same everywhere
        return other - own
    top = ops.top_k(logits, min(4, logits.shape[-1]))[0]
    low = ops.mean(top[:, min(2, top.shape[-1] - 1) :], axis=-1)
    return (other - own) / (top[:, 0] - low + 1e-12)


_LOSSES: dict[str, Any] = {"cross-entropy": _cross_entropy, "margin": _margin, "ratio": _ratio}
