"""A trained classifier to use like any backbone, and to take home."""

import io
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from engine.backbones import Backbone, graph
from engine.core import backend
from engine.transfer.extraction import head_input, last_layer

LABELS = "labels.txt"


def as_backbone(
    net: Backbone, head: keras.Model, class_names: tuple[str, ...], name: str
) -> Backbone:
    """The backbone with the head in place of its own classifier.

    Args:
        net: the backbone whose features the head reads.
        head: from features `(N, c)` to logits `(N, classes)`.
        class_names: in the order of the logits.
        name: what to call it.
    """
    copy = keras.Model.from_config(head.get_config())
    copy.set_weights(head.get_weights())
    copy.trainable = False
    model = _answered(net.model, copy)
    plain = model if net.plain is net.model else _answered(net.plain, copy)
    return Backbone(
        spec=replace(net.spec, name=name),
        model=model,
        plain=plain,
        class_names=class_names,
        layers=graph.describe(plain),
    )


def _answered(network: keras.Model, head: Any) -> keras.Model:
    """The network up to its features, and what the head makes of them."""
    nodes = last_layer(network)._outbound_nodes
    before = len(nodes)
    model = keras.Model(network.inputs[0], head(head_input(network)), name="classifier")
    del nodes[before:]  # else the shared network would keep the head as long as it is loaded
    return model


def from_model(
    net: Backbone, model: keras.Model, class_names: tuple[str, ...], name: str
) -> Backbone:
    """A fine-tuned network as a backbone; it is not folded."""
    weights = model.get_weights()
    copy = keras.Model.from_config(model.get_config())
    copy.set_weights(weights)
    copy.trainable = False
    return Backbone(
        spec=replace(net.spec, name=name),
        model=copy,
        plain=copy,
        class_names=class_names,
        layers=graph.describe(copy),
    )


def keras_file(net: Backbone) -> bytes:
    """The whole network as a `.keras` file: pictures `(N, H, W, 3)` in 0..1 to logits.

    It needs nothing but Keras. As it is a zip, it also holds the classes, a line each, in
    `labels.txt`.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "classifier.keras"
        net.plain.save(file)
        return _labelled(file.read_bytes(), net.class_names)


def tflite_file(net: Backbone) -> bytes:
    """The same for phones, as TensorFlow Lite: one picture `(1, H, W, 3)` in 0..1 to logits.

    `labels.txt` is in a zip at its end, which is where TensorFlow Lite keeps a model's files.
    """
    return _labelled(backend.tflite(net.model), net.class_names)


def _labelled(content: bytes, class_names: tuple[str, ...]) -> bytes:
    """A file with `labels.txt` in its zip, which is at its end."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(LABELS, "\n".join(class_names))
    return file.getvalue()
