"""A trained classifier to use like any backbone, to take home, and to open again."""

import io
import json
import math
import tempfile
import zipfile
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from engine import backend
from engine.backbones import Backbone, graph
from engine.errors import BadSettings, ProjectDamaged
from engine.transfer import heads
from engine.transfer.extraction import head_input
from engine.transfer.heads import Recipe

FORMAT, MOST_BYTES = 1, 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A classifier in plain values: which backbone, which classes, how it was trained, its head."""

    backbone: str
    data: str
    class_names: tuple[str, ...]
    recipe: Recipe
    accuracy: float
    head: Any


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
    answer: Any = copy
    model = keras.Model(net.model.inputs[0], answer(head_input(net.model)), name="classifier")
    plain = keras.Model(net.plain.inputs[0], answer(head_input(net.plain)), name="classifier")
    return Backbone(
        spec=replace(net.spec, name=name),
        model=model,
        plain=plain,
        class_names=class_names,
        layers=graph.describe(plain),
    )


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
    """The whole network as a `.keras` file: pictures `(N, H, W, 3)` in 0..1 to logits."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "classifier.keras"
        net.plain.save(file)
        return file.read_bytes()


def tflite_file(net: Backbone) -> bytes:
    """The same for phones, as TensorFlow Lite: one picture `(1, H, W, 3)` in 0..1 to logits."""
    return backend.tflite(net.model)


def save(project: Project) -> bytes:
    """A project as one small file: numbers and words, nothing that could be executed."""
    facts = asdict(replace(project, head=None))
    facts["recipe"] = asdict(project.recipe)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.json", json.dumps(facts | {"format": FORMAT}, indent=1))
        layer = project.head.get_layer("standardize")
        standard = [np.ravel(layer.input_mean), np.sqrt(np.ravel(layer.input_variance))]
        for k, weight in enumerate([*standard, *project.head.get_weights()]):
            values = io.BytesIO()
            np.save(values, weight, allow_pickle=False)
            archive.writestr(f"head/{k:02d}.npy", values.getvalue())
    return buffer.getvalue()


def load(content: bytes) -> Project:
    """Opens a saved project. The head is built anew from the recipe; only numbers are read.

    Raises:
        ProjectDamaged: the file is not a project, is too large, or its parts do not fit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MOST_BYTES:
                raise ProjectDamaged("Expected a project of at most 100 MB; this one is larger.")
            facts = json.loads(archive.read("project.json"))
            names = sorted(m.filename for m in members if m.filename.startswith("head/"))
            mean, deviation, *weights = [_array(archive.read(name)) for name in names]
        if facts["format"] != FORMAT:
            raise ValueError(f"format {facts['format']}")
        recipe = Recipe(**facts["recipe"])
        recipe.check()
        classes = tuple(str(name) for name in facts["class_names"])
        width = recipe.hidden or len(classes)
        if mean.shape != deviation.shape or mean.size * width > sum(w.size for w in weights):
            raise ValueError("weights of another head")
        head = heads.build(mean, deviation, len(classes), recipe)
        head.set_weights(weights)
        return Project(
            backbone=str(facts["backbone"]),
            data=str(facts["data"]),
            class_names=classes,
            recipe=recipe,
            accuracy=float(facts["accuracy"]),
            head=head,
        )
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        MemoryError,
        BadSettings,
        zlib.error,
    ) as error:
        raise ProjectDamaged(
            "Expected a project that this app has saved; the file cannot be read as one."
        ) from error


def _array(content: bytes) -> np.ndarray:
    """A stored array; one whose header promises more than there is is not made room for."""
    file = io.BytesIO(content)
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array of another size")
    return np.load(io.BytesIO(content), allow_pickle=False)
