"""Where pretrained weights live: Keras' own cache, under Keras' own names."""

import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from engine.core import config
from engine.core.errors import WeightsDamaged, WeightsUnavailable
from engine.core.types import Progress
from engine.storage import downloads
from engine.storage.applications import Spec
from engine.storage.registry import specs

HDF5 = b"\x89HDF\r\n\x1a\n"
INDEX_NAME = "imagenet_class_index.json"
INDEX_URL = f"https://storage.googleapis.com/download.tensorflow.org/data/{INDEX_NAME}"
INDEX_MD5 = "c2c37ea517e94d9795004a39431a14cb"
# The second of two classes of one name, by its WordNet id: a name must be of one class only.
SECOND = {"n02012849": "crane (bird)", "n03710721": "maillot (tank suit)"}


def path(spec: Spec) -> Path:
    """The weights file of a backbone, whether it is there or not."""
    if spec.builtin:
        return config.ASSETS / spec.filename
    return config.keras_home() / "models" / spec.filename


def is_here(spec: Spec) -> bool:
    """Whether the weights, and the class names that go with them, are on this machine."""
    return _is_among(_files(), spec)


def available() -> tuple[str, ...]:
    """Names of the backbones whose weights are on this machine, in the registry's order."""
    files = _files()  # looked up once: every run of a page asks, and each call waits for the GIL
    return tuple(name for name, spec in specs().items() if _is_among(files, spec))


def _is_among(files: set[str], spec: Spec) -> bool:
    return spec.builtin or {spec.filename, INDEX_NAME} <= files


def _files() -> set[str]:
    """Names of the files in the folder of weights."""
    try:
        return set(os.listdir(config.keras_home() / "models"))
    except OSError:
        return set()


def require(spec: Spec) -> Path:
    """Returns the weights file.

    Raises:
        WeightsUnavailable: it is not on this machine.
    """
    if not is_here(spec):
        raise WeightsUnavailable(
            f"{spec.name}'s weights are not on this machine (expected {spec.filename} and "
            f"{INDEX_NAME} in {config.keras_home() / 'models'}). Download them "
            f"({spec.weight_bytes / 1e6:.0f} MB) or choose another backbone."
        )
    return path(spec)


def download(spec: Spec) -> Iterator[Progress]:
    """Downloads a backbone's weights and ImageNet's class names, whole or not at all.

    A file that is there already is replaced, so this also mends a damaged one.

    Raises:
        DownloadFailed: see `engine.storage.downloads.fetch`.
    """
    if not index_path().is_file():
        url = _address(INDEX_URL)
        yield from downloads.fetch(url, index_path(), digest=INDEX_MD5, limit=1_000_000)
    url, limit = _address(spec.url), int(spec.weight_bytes * 1.2) + 1_000_000
    yield from downloads.fetch(url, path(spec), digest=spec.digest, magic=HDF5, limit=limit)


def _address(url: str) -> str:
    """Where a file is fetched from: its own address, or the mirror's."""
    mirror = config.weights_mirror()
    return f"{mirror.rstrip('/')}/{url.rsplit('/', 1)[-1]}" if mirror else url


def imagenet_class_names() -> tuple[str, ...]:
    """The 1000 class names in words, from Keras' class index, no two of them alike.

    Raises:
        WeightsUnavailable: the index is not on this machine.
        WeightsDamaged: it is not what it should be.
    """
    return tuple(SECOND.get(known, name.replace("_", " ")) for known, name in _index())


def imagenet_wordnet_ids() -> tuple[str, ...]:
    """The 1000 classes' WordNet ids, `n02123597` and the like; raises as the names do."""
    return tuple(wordnet_id for wordnet_id, _ in _index())


def _index() -> tuple[tuple[str, str], ...]:
    file = index_path()
    if not file.is_file():
        raise WeightsUnavailable(
            f"ImageNet's class names are not on this machine (expected {file}). Download them with "
            "any backbone."
        )
    return _read_index(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read_index(file: Path, _changed: int) -> tuple[tuple[str, str], ...]:
    try:
        index = json.loads(file.read_text())
        return tuple((index[str(k)][0], index[str(k)][1]) for k in range(1000))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise WeightsDamaged(
            f"{file} is not ImageNet's class index any more. Delete it; the next download of a "
            "backbone brings it back."
        ) from error


def index_path() -> Path:
    """The file of ImageNet's class names, whether it is there or not."""
    return config.keras_home() / "models" / INDEX_NAME
