"""A training to open again: a small file of numbers and words, nothing that could be executed."""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, get_args

import keras
import numpy as np

from engine.backbones import Backbone
from engine.core.errors import ProjectDamaged
from engine.core.types import FROZEN, SCRATCH, How
from engine.storage import Data, registry
from engine.transfer import fine_tuning, heads
from engine.transfer.extraction import width
from engine.transfer.heads import Recipe
from engine.transfer.tuning import Tuning, rows_of

FORMAT, MOST_BYTES, MOST_WORDS, MOST_CLASSES = 2, 250_000_000, 10_000_000, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A classifier in plain values.

    Attributes:
        backbone, data: names of the network and of the photos.
        class_names: in the order of the logits.
        how, recipe, tuning: what was trained, and how.
        photos: digests of the photos it learned from, see `digests`.
        accuracy: on its test photos; nan where there were none.
        head: from features to logits; None from scratch.
        changed: the weights of a trained backbone with its head that training has changed, by
            number; see `changes`.
    """

    backbone: str
    data: str
    class_names: tuple[str, ...]
    recipe: Recipe
    accuracy: float
    head: Any
    how: How = FROZEN
    tuning: Tuning = field(default_factory=Tuning)
    photos: tuple[str, ...] = ()
    changed: Mapping[int, np.ndarray] = field(default_factory=dict)


def digests(data: Data | None, tuning: Tuning) -> tuple[str, ...]:
    """Sixteen hexadecimal figures of the content of each photo that was learned from."""
    if data is None:
        return ()
    rows, learn = rows_of(data, tuning)
    return tuple(
        hashlib.sha256(data.paths[row].read_bytes()).hexdigest()[:16]
        for row in rows[learn]
        if data.paths[row].is_file()
    )


def changes(net: Backbone, project: Project, model: keras.Model) -> Project:
    """The project with what training has changed of a network; the rest is the backbone's."""
    before = _untrained(net, project).get_weights()
    after = enumerate(model.get_weights())
    return replace(project, changed={k: w for k, w in after if not np.array_equal(w, before[k])})


def model_of(net: Backbone, project: Project) -> keras.Model | None:
    """The trained network, from pictures to logits; None where only a head was trained.

    Raises:
        ProjectDamaged: the project is of another network.
    """
    if project.head is not None and project.head.input_shape[-1] != width(net):
        raise ProjectDamaged(f"Expected a head for {net.name}; this one is for another network.")
    if project.how == FROZEN:
        return None
    model = _untrained(net, project)
    weights = model.get_weights()
    for k, weight in project.changed.items():
        if not 0 <= k < len(weights) or weights[k].shape != weight.shape:
            raise ProjectDamaged(f"Expected the weights of {net.name}; these are of another.")
        weights[k] = weight
    model.set_weights(weights)
    return model


def _untrained(net: Backbone, project: Project) -> keras.Model:
    return fine_tuning.trainable(net, len(project.class_names), project.head, project.tuning)


def save(project: Project) -> bytes:
    """A project as one file."""
    facts = asdict(replace(project, head=None, changed={}))
    del facts["head"], facts["changed"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.json", json.dumps(facts | {"format": FORMAT}, indent=1))
        if project.head is not None:
            layer = project.head.get_layer("standardize")
            standard = [np.ravel(layer.input_mean), np.sqrt(np.ravel(layer.input_variance))]
            for k, weight in enumerate([*standard, *project.head.get_weights()]):
                archive.writestr(f"head/{k:02d}.npy", _stored(weight))
        for k, weight in project.changed.items():
            archive.writestr(f"changed/{k:04d}.npy", _stored(weight))
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
                raise ProjectDamaged(
                    f"Expected a project of at most {MOST_BYTES / 1e6:.0f} MB; this one is larger."
                )
            if archive.getinfo("project.json").file_size > MOST_WORDS:
                raise ValueError("too many words")
            facts = json.loads(archive.read("project.json"))
            names = sorted(member.filename for member in members)
            arrays = {n: _array(archive.read(n)) for n in names if n.endswith(".npy")}
        if facts["format"] not in (1, FORMAT):
            raise ValueError(f"format {facts['format']}")
        recipe, tuning = Recipe(**facts["recipe"]), Tuning(**facts.get("tuning", {}))
        recipe.check()
        tuning.check()
        how = facts.get("how", FROZEN)
        if how not in get_args(How):
            raise ValueError(f"training {how}")
        if not all(isinstance(n, int) for n in (tuning.stages, tuning.epochs, tuning.batch)):
            raise ValueError("a fraction of a stage, an epoch or a batch")
        classes = tuple(str(name) for name in facts["class_names"])
        if not 0 < len(classes) <= MOST_CLASSES or facts["backbone"] not in registry.specs():
            raise ValueError("classes or a backbone that there are not")
        head = [array for name, array in arrays.items() if name.startswith("head/")]
        return Project(
            backbone=str(facts["backbone"]),
            data=str(facts["data"]),
            class_names=classes,
            how=how,
            recipe=recipe,
            tuning=tuning,
            photos=tuple(map(str, facts.get("photos", ()))),
            accuracy=float(facts["accuracy"]),
            head=None if how == SCRATCH else _head(head, len(classes), recipe),
            changed={
                int(name[len("changed/") : -len(".npy")]): array
                for name, array in arrays.items()
                if name.startswith("changed/")
            },
        )
    except ProjectDamaged:
        raise
    except Exception as error:  # a hostile file can make anything fail
        raise ProjectDamaged(
            "Expected a project that this app has saved; the file cannot be read as one."
        ) from error


def _head(arrays: list[np.ndarray], classes: int, recipe: Recipe) -> keras.Model:
    mean, deviation, *weights = arrays
    hidden = recipe.hidden
    needed = mean.size * hidden + hidden * classes if hidden else mean.size * classes
    if mean.shape != deviation.shape or needed > sum(w.size for w in weights):
        raise ValueError("weights of another head")
    head = heads.build(mean, deviation, classes, recipe)
    head.set_weights(weights)
    return head


def _stored(weight: np.ndarray) -> bytes:
    values = io.BytesIO()
    np.save(values, weight, allow_pickle=False)
    return values.getvalue()


def _array(content: bytes) -> np.ndarray:
    """A stored array; one whose header promises more than there is is not made room for."""
    file = io.BytesIO(content)
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind != "f" or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array of another size")
    return np.load(io.BytesIO(content), allow_pickle=False)
