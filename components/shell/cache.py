"""What is computed once and shared: predictions, activations, saliency, samples.

TensorFlow is imported inside these functions, never at the top, so that a page can be drawn before
the import. Results are keyed by digests, bounded, and read-only.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.shell import page_limit, sessions
from engine import config, images
from engine.core.types import Activations, Device, Patch, Peaks, Prediction
from engine.storage import datasets, registry, samples, weights

if TYPE_CHECKING:
    from engine.backbones import Backbone
    from engine.features import Value


def backbone(name: str) -> "Backbone":
    """A loaded backbone, shared by everyone."""
    return sessions.store().get(name)


def teach(net: "Backbone") -> None:
    """Puts a classifier trained in this session beside the backbones, for this session alone."""
    sessions.store().teach(net)
    st.session_state.taught = [*taught(), net.name]


def taught() -> list[str]:
    """Names of this session's own classifiers."""
    return [n for n in st.session_state.get("taught", []) if sessions.store().taught(n) is not None]


def ready() -> list[str]:
    """Names of all backbones this session can use: those of this machine, and its own."""
    return [*weights.available(), *taught()]


def class_names(name: str) -> tuple[str, ...]:
    """A backbone's classes in words, without loading it."""
    from engine import backbones

    if len(registry.members(name)) > 1:
        return backbone(name).class_names
    own = sessions.store().taught(name)
    return backbones.class_names(name) if own is None else own.class_names


def device() -> Device:
    """What the networks run on."""
    from engine import backend

    return backend.device()


@st.cache_resource(show_spinner=False, max_entries=32)
def sample(name: str) -> np.ndarray:
    """A sample photo, `(H, W, 3)` in 0..1, read-only."""
    picture = images.load(samples.path(name))
    picture.setflags(write=False)
    return picture


@st.cache_resource(show_spinner=False, max_entries=1, ttl=900)
def photos(of_a_breed: int) -> tuple[list[Path], str]:
    """Photos of this machine, and where they are from: Pets, or else the samples."""
    if datasets.has_pets(config.pets_root()):
        data = pets()
        chosen = np.flatnonzero(datasets.few(data, of_a_breed))
        return [data.paths[k] for k in chosen], "Oxford-IIIT Pets"
    return [samples.path(name) for name in samples.SAMPLES], "the samples"


@st.cache_resource(show_spinner=False, max_entries=1, ttl=900)
def pets(root: Path) -> datasets.Data:
    """Oxford-IIIT Pets in its folder on this machine; raises `DatasetUnavailable`."""
    return datasets.pets(root)


@st.cache_resource(show_spinner=False, max_entries=16, ttl=120)
def decoded(source: bytes | Path) -> np.ndarray:
    """A person's picture, `(H, W, 3)` in 0..1, decoded once; raises `BadImage`."""
    return images.load(source)


@st.cache_resource(show_spinner=False, max_entries=16, ttl=600)
def fetched(address: str) -> bytes:
    """The content of a public web address; raises what `web.fetch_picture` raises."""
    from engine.storage import web

    return web.fetch_picture(address)


@st.cache_resource(show_spinner=False, max_entries=64)
def network_scale(name: str, digest: str, _picture: np.ndarray) -> float:
    """One colour scale for all layers of a backbone."""
    from engine import features

    net = backbone(name)
    with _ahead():
        return features.network_scale(net, _picture)


@st.cache_resource(show_spinner=False, max_entries=256)
def predictions(
    name: str, digest: str, _picture: np.ndarray
) -> tuple[tuple[Prediction, ...], float]:
    """A backbone's five most probable classes, and the seconds they took."""
    net = backbone(name)
    with _ahead():
        net.kept("has predicted", lambda: net.predict(_picture))  # which compiles; not timed
        started = time.perf_counter()
        answer = net.predict(_picture)
        return answer, time.perf_counter() - started


@st.cache_resource(show_spinner=False, max_entries=64)
def probabilities(name: str, digest: str, _picture: np.ndarray) -> np.ndarray:
    """A backbone's probabilities of all its classes, `(classes,)`, which sum to 1."""
    from scipy.special import softmax

    with _ahead():
        return softmax(backbone(name).logits(_picture[None])[0])


@st.cache_resource(show_spinner=False, max_entries=64)
def answer(names: tuple[str, ...], digest: str, _picture: np.ndarray) -> tuple[Prediction, ...]:
    """The twenty most probable classes by the mean logits of one or several backbones."""
    from engine.attacks import WhiteBox
    from engine.backbones import top_predictions

    box = WhiteBox([backbone(name) for name in names])
    with _ahead():
        return top_predictions(box.logits(_picture[None])[0], box.class_names, top=20)


@st.cache_resource(show_spinner=False, max_entries=40)
def activations(name: str, digest: str, layer: str, _picture: np.ndarray) -> Activations:
    """One layer's activations for one picture; 40, of 1 to 13 MB each, serve a classroom."""
    from engine import features

    with _ahead():
        answer = features.activations(backbone(name), _picture, layer)
    answer.values.setflags(write=False)
    return answer


def mean_response(name: str, layer: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of each channel of a layer over some pictures of any size, `(c,)`."""
    return np.mean([_response(name, layer, images.digest(x), x) for x in pictures], axis=0)


@st.cache_resource(show_spinner=False, max_entries=128)
def _response(name: str, layer: str, digest: str, _picture: np.ndarray) -> np.ndarray:
    from engine import features

    net = backbone(name)
    with _ahead():
        return features.mean_response(net, [images.fit(_picture, net.input_size)], layer)


@st.cache_resource(show_spinner=False, max_entries=64)
def class_activation(
    name: str, digest: str, class_index: int, _picture: np.ndarray, against: bool = False
) -> tuple[np.ndarray, float]:
    """Where the last maps raise a class, or lower it, `(H, W)` in 0..1, and the seconds it took."""
    from engine import features

    net = backbone(name)
    return _timed(lambda: features.class_activation(net, _picture, class_index, against=against))


@st.cache_resource(show_spinner=False, max_entries=64)
def saliency(
    name: str, digest: str, class_index: int, _picture: np.ndarray
) -> tuple[np.ndarray, float]:
    """Which pixels move a class's logit, `(H, W)` in 0..1, and the seconds it took."""
    from engine import features

    net = backbone(name)
    return _timed(lambda: features.saliency(net, _picture, class_index))


@contextmanager
def _ahead() -> Iterator[None]:
    """For what a page waits for: it comes before all runs, and other pages are drawn meanwhile."""
    with page_limit.released(), sessions.schedule().first():
        yield


def _timed(compute: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """What a function returns, computed before all runs, and the seconds it took."""
    with _ahead():
        started = time.perf_counter()
        return compute(), time.perf_counter() - started


def sample_patches(name: str, layer: str, channel: int) -> list[tuple[str, Patch]]:
    """Where the samples excite a channel most, the strongest first: `(sample's name, patch)`."""
    from engine import features

    found = features.strongest_patches(_peaks(name, layer), _fitted_samples(name), channel)
    return [(list(samples.SAMPLES)[patch.picture], patch) for patch in found]


@st.cache_resource(show_spinner=False, max_entries=64)
def channel_picture(name: str, layer: str, channel: int, steps: int = 40) -> np.ndarray:
    """A picture that excites a channel, drawn by gradient descent, `(H, W, 3)` in 0..1."""
    from engine import synthesis

    net = backbone(name)
    settings = replace(synthesis.channel_preset(net), steps=steps)
    one = replace(settings.transformations, views=1)  # while a person waits
    settings = replace(settings, transformations=one)
    with _ahead():
        *_, frame = synthesis.ideal_image(net, synthesis.Channel(layer, channel), settings)
    return frame.picture


@st.cache_resource(show_spinner=False, max_entries=256)
def _peaks(name: str, layer: str) -> Peaks:
    """The peaks of all channels at once: the forward pass over the photos is the main cost."""
    from engine import features

    with _ahead():
        return features.peaks(backbone(name), _fitted_samples(name), layer)


@st.cache_resource(show_spinner=False, max_entries=4)
def _fitted_samples(name: str) -> list[np.ndarray]:
    size = backbone(name).input_size
    return [images.fit(sample(s), size) for s in samples.SAMPLES]


@st.cache_resource(show_spinner=False, max_entries=256)
def value(
    name: str, digest: str, layer: str, channel: int, row: int, column: int, _picture: np.ndarray
) -> "Value":
    """One value of a layer's maps, taken apart."""
    from engine import features

    with _ahead():
        return features.value(backbone(name), _picture, layer, channel, row, column)


@st.cache_resource(show_spinner=False, max_entries=4)
def kernels(name: str) -> np.ndarray:
    """The first convolution's kernels, `(n, kh, kw, 3)`."""
    from engine import features

    return features.kernels(backbone(name))


@st.cache_resource(show_spinner=False, max_entries=32)
def default_layer(name: str) -> str:
    """The layer a backbone opens with: an early activation, still easy to recognise."""
    from engine import features

    net = backbone(name)
    kinds = ("ReLU", "Activation")
    candidates = [i for i in net.layers if i.has_maps and i.kind in kinds and i.shape[0] > 7]
    if not candidates:
        return features.nearest_layer(net, 0.13).name
    return min(candidates, key=lambda info: abs(info.depth - 0.13)).name


def nearest_layer(name: str, depth: float) -> str:
    """The layer of a backbone at about the same relative depth."""
    from engine import features

    return features.nearest_layer(backbone(name), depth).name
