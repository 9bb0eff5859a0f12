"""Pretrained networks that take a picture in 0..1 and return logits.

    net = backbones.load("MobileNetV2")
    net.predict(images.fit(picture, net.input_size))

Preprocessing is part of the network, the final softmax is omitted, and batch normalization is
folded into the convolutions (`engine.backbones.folding`). A loaded backbone is read-only and safe
to share between threads.
"""

import math
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from cachetools import LRUCache
from keras import layers
from scipy.special import softmax

from engine.backbones import folding, graph, pocket
from engine.core import backend
from engine.core.errors import UnknownClass, UnknownLayer, WeightsDamaged
from engine.core.types import LayerInfo, Prediction
from engine.storage import Spec, registry, weights

available = weights.available
_MOST_KEPT = 48  # compiled functions of a backbone; each is a graph of some MB
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # of ImageNet in BGR, 0..255
_TORCH_MEAN, _TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def names() -> tuple[str, ...]:
    """Every registered backbone."""
    return tuple(registry.specs())


def class_names(name: str) -> tuple[str, ...]:
    """A pretrained backbone's classes in words, without loading it; raises as `load` does."""
    spec = registry.spec(name)
    return pocket.class_names() if spec.builtin else weights.imagenet_class_names()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A loaded network. `model` maps `(N, H, W, 3)` in 0..1 to `(N, classes)` logits.

    `plain` is the network before folding. It gives the same logits, and each layer outputs what
    its name says; in `model`, a folded convolution outputs what its normalization would. `members`
    are the networks that a joint one consists of.
    """

    spec: Spec
    model: keras.Model
    plain: keras.Model
    class_names: tuple[str, ...]
    layers: tuple[LayerInfo, ...]
    members: tuple["Backbone", ...] = ()
    _kept: LRUCache[Hashable, Any] = field(default_factory=lambda: LRUCache(_MOST_KEPT))
    _tensors: dict[Hashable, Any] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.RLock)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def input_size(self) -> tuple[int, int]:
        """`(height, width)` of the picture it reads, in px."""
        return self.model.input_shape[1:3]

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Runs the network: `(N, H, W, 3)` in 0..1 to `(N, classes)` float32."""
        forward = self.compiled("logits", lambda: lambda x: self.model(x, training=False))
        return backend.evaluate(forward, batch)

    def predict(self, picture: np.ndarray, top: int = 5) -> tuple[Prediction, ...]:
        """Returns the most probable classes of one picture `(H, W, 3)`, the most probable first."""
        return top_predictions(self.logits(picture[None])[0], self.class_names, top)

    def layer(self, name: str) -> LayerInfo:
        """Finds a layer by name.

        Raises:
            UnknownLayer: there is none of that name.
        """
        for info in self.layers:
            if info.name == name:
                return info
        raise UnknownLayer(f"{self.name} has no layer named {name!r}. Choose one from its list.")

    def check_class(self, class_index: int) -> None:
        """Raises `UnknownClass` unless `class_index` is one of the network's classes."""
        if not 0 <= class_index < len(self.class_names):
            raise UnknownClass(
                f"Expected a class number from 0 to {len(self.class_names) - 1}; "
                f"received: {class_index}."
            )

    @property
    def resizable(self) -> bool:
        """Whether it can read pictures of another size, as it pools maps of any size."""
        flat = any(isinstance(op, layers.Flatten) for _, op in graph.walk(self.plain))
        return not flat and not self.members

    def at_size(self, side: int) -> "Backbone":
        """The same network, with the same weights, for pictures of `side` px; kept."""
        return self.kept(("at size", side), lambda: self._at_size(side))

    def _at_size(self, side: int) -> "Backbone":
        def again(model: Any) -> Any:
            other = keras.models.clone_model(model, input_tensors=keras.Input((side, side, 3)))
            other.set_weights(model.get_weights())
            other.trainable = False
            return other

        plain = again(self.plain)
        model = plain if self.model is self.plain else again(self.model)
        return Backbone(
            spec=replace(self.spec, size=side),
            model=model,
            plain=plain,
            class_names=self.class_names,
            layers=graph.describe(plain),
        )

    def compiled(self, key: Hashable, make: Any) -> Any:
        """Returns the compiled function kept under `key`, made by `make()` the first time."""
        return self.kept(key, lambda: backend.compile(make()))

    def kept(self, key: Hashable, make: Any) -> Any:
        """Returns what is kept under `key`, made by `make()` the first time.

        Only the 48 most recently used entries are kept.
        """
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]

    def keep(self, key: Hashable, value: Any) -> None:
        """Keeps a value under `key`, in the place of what was there."""
        with self._lock:
            self._kept[key] = value

    def output(self, path: str) -> Any:
        """The symbolic output of a layer of `plain`, through nested models.

        Asking a nested model anew would add a call to the shared graph each time.
        """
        return self.tensor(path, lambda: graph.output_of(self.plain, path))

    def before_relu(self, path: str) -> Any:
        """What enters the ReLU that a layer of `plain` is or ends in, else the layer's output."""
        return self.tensor(("before ReLU", path), lambda: graph.before_relu(self.output(path)))

    def tensor(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The symbolic tensor kept under `key` for good, made by `make()` the first time.

        For what is added to the shared graph, which would keep it anyway.
        """
        with self._lock:
            if key not in self._tensors:
                self._tensors[key] = make()
            return self._tensors[key]


def load(
    name: str, *, pretrained: bool = True, fold: bool = True, size: int | None = None
) -> Backbone:
    """Builds a backbone and loads its weights.

    Args:
        name: a registered name.
        pretrained: False gives random weights and needs no file.
        fold: False keeps the operations that Keras has (same logits, slower).
        size: side of the pictures it reads, in px; None for the registered one.

    Raises:
        UnknownBackbone: `name` is not registered.
        WeightsUnavailable: the weights are not on this machine.
        WeightsDamaged: the weights file is truncated or belongs to another network.
    """
    spec = registry.spec(name)
    spec = replace(spec, size=size or spec.size)
    file = weights.require(spec) if pretrained else None
    plain = build(spec)
    if file is not None:
        _load_weights(plain, file, spec)
    if fold:
        plain = folding.depthwise(plain)
    known = class_names(name) if pretrained else _numbered(plain.output_shape[-1])
    model = folding.fold(plain) if fold else plain
    plain.trainable = model.trainable = False
    return Backbone(
        spec=spec, model=model, plain=plain, class_names=known, layers=graph.describe(plain)
    )


def build(spec: Spec) -> keras.Model:
    """Builds the network with random weights: preprocessing, then Keras' own graph, to logits.

    It runs in a new thread because Keras numbers unnamed layers per thread: they then get the same
    names every time, and a link to one of them stays valid.
    """
    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(_build, spec).result()


def _build(spec: Spec) -> keras.Model:
    if spec.builtin:
        return pocket.build(input_shape=(spec.size, spec.size, 3))
    picture = keras.Input((spec.size, spec.size, 3), name="picture")
    builder = getattr(keras.applications, spec.builder)
    options = {"alpha": spec.alpha} if spec.alpha != 1.0 else {}
    x = preprocess(picture, spec.scaling)
    network = builder(
        input_tensor=x,
        input_shape=(spec.size, spec.size, 3),
        weights=None,
        classifier_activation=None,
        **options,
    )
    network = keras.Model(picture, network.output, name=network.name)
    return _with_deviation(network) if spec.builder == "EfficientNetB0" else network


def _with_deviation(model: keras.Model) -> keras.Model:
    """EfficientNet was trained on pictures divided by the variance, not by the deviation.

    Keras adds the missing division only when it loads the weights itself.
    """
    scale: Any = [1.0 / math.sqrt(s) for s in _TORCH_STD]

    def call(layer: layers.Layer, *args: Any, **kwargs: Any) -> Any:
        output = layer(*args, **kwargs)
        if isinstance(layer, layers.Normalization):
            output = layers.Rescaling(scale, name="divide_deviation")(output)
        return output

    return keras.models.clone_model(model, call_function=call)


def preprocess(picture: Any, scaling: str) -> Any:
    """Turns a picture in 0..1 into what the network was trained on, as layers of its graph.

    Equal to `keras.applications.*.preprocess_input` of the picture in 0..255: "tf" scales to
    -1..1, "torch" standardizes by ImageNet's mean and deviation, "caffe" turns RGB to BGR and
    subtracts the mean, "none" scales to 0..255 for networks that preprocess themselves.
    """
    if scaling == "tf":
        return layers.Rescaling(2.0, -1.0, name="to_minus1_1")(picture)
    if scaling == "torch":
        scale: Any = [1.0 / s for s in _TORCH_STD]
        offset: Any = [-m / s for m, s in zip(_TORCH_MEAN, _TORCH_STD, strict=True)]
        return layers.Rescaling(scale, offset, name="standardize")(picture)
    if scaling == "caffe":
        mean: Any = [-m for m in _CAFFE_MEAN]
        bgr: Any = keras.ops.flip(picture, axis=-1)
        return layers.Rescaling(255.0, mean, name="subtract_mean")(bgr)
    return layers.Rescaling(255.0, name="to_0_255")(picture)


def top_predictions(
    logits: np.ndarray, class_names: tuple[str, ...], top: int = 5
) -> tuple[Prediction, ...]:
    """The `top` most probable classes of logits `(classes,)`, by softmax."""
    probabilities = softmax(logits)
    order = np.argsort(-probabilities, kind="stable")[:top]
    return tuple(
        Prediction(class_index=int(k), label=class_names[k], probability=float(probabilities[k]))
        for k in order
    )


def _load_weights(model: keras.Model, file: Path, spec: Spec) -> None:
    if spec.builtin:
        pocket.load_weights(model, file)
        return
    try:
        model.load_weights(file)
    except (OSError, ValueError, KeyError, IndexError, RuntimeError) as error:
        raise WeightsDamaged(
            f"{file.name} does not hold {spec.name}'s weights (truncated, or of another network). "
            "Download it again, which replaces the file."
        ) from error


def _numbered(classes: int) -> tuple[str, ...]:
    return tuple(f"class {k}" for k in range(classes))
