"""How an attack holds up: its size, noise of that size, other networks, and what protects."""

import io
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from scipy.special import softmax
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from engine.attacks import loop
from engine.attacks.goals import Targeted, Untargeted
from engine.attacks.gradient import Attack, Bounded, RandomNoise
from engine.attacks.judge import (
    QUICK,
    Effort,
    RobustAccuracy,
    Trial,
    accuracy,
    judged,
    smallest_epsilon,
)
from engine.attacks.white_box import WhiteBox
from engine.backbones import Backbone, top_predictions
from engine.core import images
from engine.core.errors import BadSettings
from engine.core.types import Prediction

__all__ = [
    "DEFENCES",
    "QUICK",
    "Attacked",
    "Change",
    "Effort",
    "RobustAccuracy",
    "SweepPoint",
    "Trial",
    "Verdict",
    "accuracy",
    "attacked",
    "change",
    "epsilon_sweep",
    "equal_noise",
    "judged",
    "magnified",
    "smallest_epsilon",
    "survival",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How much a picture was changed.

    `linf` is the largest change of a value and `l2` the root mean square of all, in grey levels;
    `pixels` the share of pixels touched; `ssim` the structural similarity (Wang et al., 2004), 1
    for equal pictures; `psnr` the peak signal-to-noise ratio in dB, infinite for equal ones.
    """

    linf: float
    l2: float
    pixels: float
    ssim: float
    psnr: float


def change(original: np.ndarray, changed: np.ndarray) -> Change:
    """Measures the change between two pictures `(H, W, 3)` in 0..1."""
    away = 255.0 * (changed.astype("float64") - original)
    ssim: Any = structural_similarity(original, changed, channel_axis=-1, data_range=1.0)
    psnr = peak_signal_noise_ratio(original, changed, data_range=1.0) if away.any() else np.inf
    return Change(
        linf=float(np.abs(away).max()),
        l2=float(np.sqrt(np.square(away).mean())),
        pixels=float((np.abs(away) > 1e-3).any(axis=-1).mean()),
        ssim=float(ssim),
        psnr=float(psnr),
    )


def magnified(original: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, int]:
    """The change on mid-grey, magnified as far as it fits, `(H, W, 3)` in 0..1; and the factor."""
    away = changed - original
    most = float(np.abs(away).max())
    times = int(min(0.5 / most, 127)) if most else 0
    return np.clip(0.5 + max(times, 1) * away, 0.0, 1.0).astype("float32"), times


def equal_noise(original: np.ndarray, changed: np.ndarray, seed: int = 0) -> np.ndarray:
    """The original with the same change, its pixels shuffled: equally large, but not aimed.

    It is clipped where the picture would leave 0..255.
    """
    away = (changed - original).reshape(-1, 3)
    shuffled = np.random.default_rng([seed, 3]).permutation(away).reshape(original.shape)
    return images.from_uint8(images.to_uint8(original + shuffled))


def _filtered(act: Callable[[Image.Image], Image.Image]) -> Callable[[np.ndarray], np.ndarray]:
    def defence(picture: np.ndarray) -> np.ndarray:
        image = act(Image.fromarray(images.to_uint8(picture)))
        return images.from_uint8(np.asarray(image.convert("RGB")))

    return defence


def _encoded(kind: str, **options: int) -> Callable[[Image.Image], Image.Image]:
    def act(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return Image.open(buffer)

    return act


def _halved(image: Image.Image) -> Image.Image:
    half = (image.width // 2, image.height // 2)
    return image.resize(half, Image.Resampling.LANCZOS).resize(image.size, Image.Resampling.BICUBIC)


# Treatments that a picture may undergo before the network sees it, by display name.
DEFENCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "saved as PNG": _filtered(_encoded("PNG")),
    "JPEG, quality 90": _filtered(_encoded("JPEG", quality=90)),
    "JPEG, quality 75": _filtered(_encoded("JPEG", quality=75)),
    "JPEG, quality 50": _filtered(_encoded("JPEG", quality=50)),
    "blurred by 1 px": _filtered(lambda image: image.filter(ImageFilter.GaussianBlur(1))),
    "median of 3 × 3": _filtered(lambda image: image.filter(ImageFilter.MedianFilter(3))),
    "4 bits a colour": lambda picture: np.rint(15 * picture).astype("float32") / 15,
    "half size and back": _filtered(_halved),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Predictions after a treatment, for the original and for the attacked picture."""

    name: str
    original: Prediction
    changed: Prediction
    fooled: bool


def survival(
    net: Backbone,
    original: np.ndarray,
    changed: np.ndarray,
    goal: Targeted | Untargeted,
    names: Sequence[str] = tuple(DEFENCES),
) -> tuple[Verdict, ...]:
    """Whether an attack survives what may happen to a picture, and whether the original does.

    Args:
        net: the network.
        original, changed: `(H, W, 3)` in 0..1 at its input size.
        goal: of the attack; without a class, anything but the class predicted for the original.
        names: of `DEFENCES`.
    """
    before = net.predict(original, top=1)[0].class_index
    treated = [DEFENCES[name](picture) for name in names for picture in (original, changed)]
    tops = [
        top_predictions(row, net.class_names, 1)[0]
        for row in (net.logits(np.stack(treated)) if treated else ())
    ]
    return tuple(
        Verdict(name=name, original=first, changed=second, fooled=_fools(second, before, goal))
        for name, first, second in zip(names, tops[::2], tops[1::2], strict=True)
    )


def _fools(seen: Prediction, before: int, goal: Targeted | Untargeted) -> bool:
    if isinstance(goal, Targeted):
        return seen.class_index == goal.class_index
    return seen.class_index != (before if goal.class_index is None else goal.class_index)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """What an attack of one epsilon reaches: shares of the pictures, and mean probabilities.

    `fooled` by the attack, `by_noise` by random noise of the same epsilon; `before` of the class
    predicted for the original, `wanted` of the target.
    """

    epsilon: float
    fooled: float
    by_noise: float
    before: float
    wanted: float


def epsilon_sweep(
    net: Backbone | Sequence[Backbone],
    pictures: np.ndarray,
    goal: Targeted | Untargeted,
    attack: Bounded,
    epsilons: Sequence[float] = (1, 2, 4, 8, 16),
    seed: int = 0,
) -> Iterator[SweepPoint]:
    """Runs the same attack with each epsilon in turn, beginning with 0, no change.

    Args:
        pictures: `(N, H, W, 3)` in 0..1 at the network's input size.
        attack: its own epsilon does not matter.

    Raises:
        BadSettings: the attack has no epsilon.
    """
    if not isinstance(attack, Bounded):
        raise BadSettings(f"Expected an attack with an epsilon; received: {type(attack).__name__}.")
    for epsilon in (0, *epsilons):
        found = attacked(net, pictures, goal, replace(attack, epsilon=epsilon), seed)
        noise = RandomNoise(epsilon=epsilon)
        yield SweepPoint(
            epsilon=epsilon,
            fooled=float(found.fooled.mean()),
            by_noise=float(attacked(net, pictures, goal, noise, seed).fooled.mean()),
            before=found.before,
            wanted=found.wanted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """Attacked pictures `(N, H, W, 3)`, which of them fool, `(N,)` bool, and mean probabilities.

    `before` is of the class predicted for the original, `wanted` of the target.
    """

    pictures: np.ndarray
    fooled: np.ndarray
    before: float
    wanted: float


def attacked(
    net: Backbone | Sequence[Backbone],
    pictures: np.ndarray,
    goal: Targeted | Untargeted,
    attack: Attack,
    seed: int,
) -> Attacked:
    """Attacks pictures `(N, H, W, 3)` in 0..1, all at once."""
    seen = WhiteBox(net).logits(pictures).argmax(axis=1)
    targeted = isinstance(goal, Targeted)
    about = seen if goal.class_index is None else np.full(len(pictures), goal.class_index)
    steps = loop.run_batch(net, pictures, about, attack, targeted=targeted, seed=seed)
    end = deque(steps, maxlen=1).pop()  # all of them may be more than fits into memory
    rows, probabilities = np.arange(len(pictures)), softmax(end.logits, axis=1)
    before, wanted = probabilities[rows, seen].mean(), probabilities[rows, about].mean()
    if not targeted:
        probabilities[rows, about] = 0.0
        wanted = probabilities.max(axis=1).mean()
    return Attacked(
        pictures=end.pictures, fooled=end.fooled, before=float(before), wanted=float(wanted)
    )
