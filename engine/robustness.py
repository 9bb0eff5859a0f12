"""How an attack holds up: its size, noise of that size, other networks, and what protects."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from engine import attacks, images
from engine.attacks import Attack, Targeted, Untargeted
from engine.backbones import Backbone, softmax, top_predictions
from engine.errors import BadSettings
from engine.strategies import Bounded
from engine.types import Prediction
from engine.whitebox import WhiteBox


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


def equal_noise(original: np.ndarray, changed: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same change with its pixels shuffled: as large by every measure, and aimed at nothing.

    Only where the picture would leave 0..255 it is cut.
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


# What may happen to a picture on its way, by what a person calls it.
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
    """What a network says when a picture was treated so: of the original, and of the changed."""

    name: str
    original: Prediction
    changed: Prediction
    fooled: bool


def survival(
    net: Backbone, original: np.ndarray, changed: np.ndarray, goal: Targeted | Untargeted,
    names: Sequence[str] = tuple(DEFENCES),
) -> tuple[Verdict, ...]:  # fmt: skip
    """Whether an attack survives what may happen to a picture, and whether the original does.

    Args:
        net: the network.
        original, changed: `(H, W, 3)` in 0..1 at its input size.
        goal: of the attack; without a class, anything but what the network says of the original.
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
    the network saw at first, `wanted` of the one it shall see.
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
    """The same attack with one epsilon after the other, from no change at all.

    Args:
        pictures: `(N, H, W, 3)` in 0..1 at the network's input size.
        attack: its own epsilon does not matter.

    Raises:
        BadSettings: the attack has no epsilon.
    """
    if not isinstance(attack, Bounded):
        raise BadSettings(f"Expected an attack with an epsilon; received: {type(attack).__name__}.")
    for epsilon in (0, *epsilons):
        found = _attacked(net, pictures, goal, replace(attack, epsilon=epsilon), seed)
        noise = attacks.RandomNoise(epsilon=epsilon)
        yield SweepPoint(
            epsilon=epsilon,
            fooled=float(found.fooled.mean()),
            by_noise=float(_attacked(net, pictures, goal, noise, seed).fooled.mean()),
            before=found.before,
            wanted=found.wanted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    pictures: np.ndarray
    fooled: np.ndarray
    before: float
    wanted: float


def _attacked(
    net: Backbone | Sequence[Backbone], pictures: np.ndarray, goal: Targeted | Untargeted,
    attack: Attack, seed: int,
) -> _Found:  # fmt: skip
    seen = WhiteBox(net).logits(pictures).argmax(axis=1)
    targeted = isinstance(goal, Targeted)
    about = seen if goal.class_index is None else np.full(len(pictures), goal.class_index)
    *_, end = attacks.run_batch(net, pictures, about, attack, targeted=targeted, seed=seed)
    rows, chances = np.arange(len(pictures)), np.stack([softmax(row) for row in end.logits])
    before, wanted = chances[rows, seen].mean(), chances[rows, about].mean()
    if not targeted:
        chances[rows, about] = 0.0
        wanted = chances.max(axis=1).mean()
    return _Found(
        pictures=end.pictures, fooled=end.fooled, before=float(before), wanted=float(wanted)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """One attacked network (or several, joined by " + ") and what all tested ones make of it.

    `fooled` is `{tested network: share of the pictures}`, `labels` what each of them now sees,
    `{tested network: (first label of each picture)}`.
    """

    attacked: str
    fooled: dict[str, float]
    labels: dict[str, tuple[str, ...]]


def transfer_matrix(
    nets: Sequence[Backbone],
    pictures: Sequence[np.ndarray],
    wanted: str | None,
    attack: Attack,
    *,
    ensemble: bool = False,
    seed: int = 0,
) -> Iterator[TransferRow]:
    """Attacks each network and shows the pictures to all.

    A network is fooled when it names something else than before: `wanted`, where that is given.
    Classes are compared by name, as networks may number them differently.

    Args:
        nets: attacked and tested.
        pictures: each `(H, W, 3)` in 0..1, of any size.
        wanted: name of the class that all shall see; None for anything else than before.
        attack: how.
        ensemble: attack those of one class list together, in a last row.

    Yields:
        A row for each attacked network, as soon as it is there.

    Raises:
        BadSettings: no network knows the wanted class.
    """
    able = [net for net in nets if wanted is None or wanted in net.class_names]
    if not able:
        raise BadSettings(f"Expected a class that a network knows; received: {wanted!r}.")
    together = [net for net in able if net.class_names == able[0].class_names]
    groups = [[net] for net in able] + ([together] if ensemble and len(together) > 1 else [])
    before = {net.name: _labels(net, pictures) for net in nets}
    for group in groups:
        size = group[0].input_size
        fitted = np.stack([images.fit(picture, size) for picture in pictures])
        goal = Untargeted() if wanted is None else Targeted(group[0].class_names.index(wanted))
        found = _attacked(group, fitted, goal, attack, seed).pictures
        labels = {net.name: _labels(net, list(found)) for net in nets}
        fooled = {
            name: float(np.mean([
                now != was and wanted in (None, now)
                for now, was in zip(after, before[name], strict=True)
            ]))
            for name, after in labels.items()
        }  # fmt: skip
        yield TransferRow(
            attacked=" + ".join(net.name for net in group), fooled=fooled, labels=labels
        )


def _labels(net: Backbone, pictures: Sequence[np.ndarray]) -> tuple[str, ...]:
    batch = np.stack([images.fit(picture, net.input_size) for picture in pictures])
    return tuple(net.class_names[k] for k in net.logits(batch).argmax(axis=1))


def vote(nets: Sequence[Backbone], picture: np.ndarray, top: int = 5) -> tuple[Prediction, ...]:
    """What several networks say together: mean probabilities of the classes that all know.

    Args:
        picture: `(H, W, 3)` in 0..1, of any size.

    Raises:
        BadSettings: there is no network, or no class that all know.
    """
    known = [set(net.class_names) for net in nets]
    shared = (
        [name for name in nets[0].class_names if name in set.intersection(*known)] if nets else []
    )
    if not shared:
        raise BadSettings("Expected networks with a class in common.")
    total = np.zeros(len(shared))
    for net in nets:
        index = {name: k for k, name in enumerate(net.class_names)}
        logits = net.logits(images.fit(picture, net.input_size)[None])[0]
        total += softmax(logits[[index[name] for name in shared]]) / len(nets)
    order = np.argsort(-total, kind="stable")[:top]
    return tuple(
        Prediction(class_index=int(k), label=shared[k], probability=float(total[k])) for k in order
    )
