"""Features of photos by a frozen backbone, computed once and kept on disk.

Decoding runs in threads beside the network, so that all cores are busy; only a few batches are in
memory, however many photos there are. A stopped run resumes where it was.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from engine.backbones import Backbone
from engine.core import backend, config, images
from engine.core.errors import BadDataset, BadImage, DatasetUnavailable
from engine.storage import Data, Rejected, registry
from engine.transfer import feature_files

BATCH = 32  # photos
_WAITING, _DONE, _BAD = 0, 1, 2
_FLAT = (keras.layers.GlobalAveragePooling2D, keras.layers.Flatten)


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A backbone's features of the photos of a data set.

    `values` is `(n, views, c)`: each photo unchanged and, with two views, mirrored. `labels`,
    `train`, `class_names` and `groups` are those of the data. Unreadable photos are left out and
    listed in `rejected`; `rows` are the photos' indices in the data set.
    """

    backbone: str
    values: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    class_names: tuple[str, ...]
    groups: tuple[str, ...]
    rows: np.ndarray
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """How far the extraction is; `features` when it has ended."""

    done: int
    total: int
    rate: float
    seconds_left: float
    features: Features | None = None


def last_layer(model: keras.Model) -> keras.Layer:
    """The layer whose output is a picture's features.

    The last global pooling; in VGG, which has none, the layer that flattens the convolutions' maps
    of 7x7x512, before its own dense layers.
    """
    pooled = [o for o in model.layers if isinstance(o, keras.layers.GlobalAveragePooling2D)]
    return next(o for o in [*pooled[::-1], *model.layers] if isinstance(o, _FLAT))


def head_input(model: keras.Model) -> Any:
    """The symbolic vector a head reads, `(N, c)`."""
    read = last_layer(model).output
    return read if len(read.shape) == 2 else keras.layers.Flatten()(read)


def width(net: Backbone) -> int:
    """How many numbers the features of a picture have."""
    return int(np.prod(last_layer(net.model).output.shape[1:]))


def vectors(net: Backbone, batch: np.ndarray) -> np.ndarray:
    """The features of pictures `(N, H, W, 3)` in 0..1, `(N, c)`."""

    def make() -> Any:
        model = keras.Model(net.model.inputs[0], head_input(net.model))
        return lambda x: model(x, training=False)

    forward = net.compiled("vectors", make)
    return backend.evaluate(forward, batch)


def look(net: Backbone, photos: Sequence[bytes], views: int) -> tuple[np.ndarray, np.ndarray]:
    """Computes the features of encoded photos.

    Args:
        net: a backbone.
        photos: the content of n image files.
        views: 1, or 2 for mirrored photos too.

    Returns:
        Which of them can be read, `(n,)` bool, and the features of those, `(good, views, c)`.
    """
    pictures = [_decoded(photo, net.input_size) for photo in photos]
    return _seen(net, pictures, views)


def _seen(
    net: Backbone, pictures: Sequence[np.ndarray | None], views: int
) -> tuple[np.ndarray, np.ndarray]:
    good = np.array([picture is not None for picture in pictures])
    if not good.any():
        return good, np.empty((0, views, width(net)), "float32")
    batch = np.stack([picture for picture in pictures if picture is not None])
    sides = [vectors(net, batch[:, :, ::-1] if view else batch) for view in range(views)]
    return good, np.stack(sides, axis=1)


def extract(
    net: Backbone,
    data: Data,
    folder: Path,
    views: int = 2,
    elsewhere: Callable[[int, Iterable[Sequence[bytes]]], Iterator[Any]] | None = None,
    rows: np.ndarray | None = None,
) -> Iterator[Extracted]:
    """Computes the features of photos, or reads those that are there already.

    Args:
        net: a backbone.
        data: the photos.
        folder: where features are kept, by data set, backbone and size.
        views: 1, or 2 for mirrored photos too.
        elsewhere: takes the number of views and batches of encoded photos, and yields for each
            batch what `look` returns; None computes the features in this process.
        rows: the numbers of the photos that are needed, rising; None for all.

    Yields:
        Progress after each batch; the last one has the features.

    Raises:
        BadDataset: the disk is full, or no photo can be read.
    """
    started, shape = time.monotonic(), net.input_size
    rows = np.arange(len(data.paths)) if rows is None else rows
    total = len(rows)
    key = f"{data.digest} {net.name} {shape} {views} {width(net)} {net.spec.weight_bytes}"
    stem = folder / hashlib.sha256(key.encode()).hexdigest()[:24]
    values, state = feature_files.opened(stem, (len(data.paths), views, width(net)))
    waiting = rows[state[rows] == _WAITING]
    before = total - len(waiting)
    away: set[int] = set()  # photos that cannot be read now, like those of a folder that is away

    def content(row: int) -> bytes:
        try:
            return data.paths[row].read_bytes()
        except OSError:
            away.add(row)
            return b""

    batches = [waiting[k : k + BATCH] for k in range(0, len(waiting), BATCH)]
    done = before
    if elsewhere is None:
        found = _here(net, content, batches, views, state)
    else:
        found = elsewhere(views, ([content(row) for row in batch] for batch in batches))
    for batch, (good, made) in zip(batches, found, strict=True):
        if good is not None:
            values[batch[good]] = made
            values.flush()  # before it is said to be there
            bad = [_WAITING if row in away else _BAD for row in batch]
            state[batch] = np.where(good, _DONE, bad)
        done += len(batch)
        rate = (done - before) / max(time.monotonic() - started, 1e-6)
        yield Extracted(
            done=done, total=total, rate=rate, seconds_left=(total - done) / max(rate, 1e-6)
        )
    state.flush()
    good, bad = rows[state[rows] == _DONE], rows[state[rows] != _DONE]
    if not len(good):
        raise BadDataset("None of the photos can be read. Choose other files.")
    rejected = [Rejected(name=data.paths[k].name, reason="cannot be read") for k in bad]
    yield Extracted(
        done=total,
        total=total,
        rate=0.0,
        seconds_left=0.0,
        features=Features(
            backbone=net.name,
            values=values if len(good) == len(values) else values[good],
            labels=data.labels[good],
            train=data.train[good],
            class_names=data.class_names,
            groups=data.groups,
            rows=good,
            rejected=(*data.rejected, *rejected),
        ),
    )


def builtin(name: str = "Pocket") -> Features:
    """Features of Oxford-IIIT Pets by a built-in backbone, which come with the app: no photos.

    Args:
        name: of the backbone.

    Raises:
        DatasetUnavailable: the file is missing or damaged.
    """
    try:
        with np.load(config.ASSETS / f"pets_{registry.spec(name).filename}") as saved:
            found = {name: saved[name] for name in saved.files}
    except (OSError, ValueError) as error:
        raise DatasetUnavailable(
            "The built-in Pets features are missing or damaged. Restore engine/assets from the "
            "project's repository."
        ) from error
    breeds = found["breed"].astype(int)
    first = [int(np.flatnonzero(breeds == k)[0]) for k in range(breeds.max() + 1)]
    names = [str(found["photo"][k]).rsplit("_", 1)[0].replace("_", " ") for k in first]
    groups = [("cat", "dog")[found["species"][k]] for k in first]
    return Features(
        backbone=name,
        values=found["features"],
        labels=breeds,
        train=found["trainval"],
        class_names=tuple(names),
        groups=tuple(groups),
        rows=np.arange(len(breeds)),
    )


def grouped(features: Features) -> Features:
    """The same features with the groups of the classes as classes: cat or dog instead of breeds."""
    names = tuple(dict.fromkeys(features.groups))
    index = np.array([names.index(group) for group in features.groups])
    return replace(features, labels=index[features.labels], class_names=names, groups=())


def _here(
    net: Backbone,
    content: Callable[[int], bytes],
    batches: Sequence[np.ndarray],
    views: int,
    state: np.ndarray,
) -> Iterator[tuple[np.ndarray | None, Any]]:
    """What `look` gives for batches of photos; the next two are read and decoded meanwhile.

    `(None, None)` for a batch that another extraction of the same photos has made by now.
    """
    coming = deque()

    def decoded(row: int) -> np.ndarray | None:
        return _decoded(content(row), net.input_size)

    with ThreadPoolExecutor(backend.cores(), thread_name_prefix="decode") as pool:
        for rows in [*batches, None, None]:
            if rows is not None:
                coming.append((rows, [pool.submit(decoded, row) for row in rows]))
            if coming and (rows is None or len(coming) > 2):
                rows, futures = coming.popleft()
                if (state[rows] != _WAITING).all():
                    yield None, None
                else:
                    yield _seen(net, [future.result() for future in futures], views)


def _decoded(photo: bytes, size: tuple[int, int]) -> np.ndarray | None:
    """A photo at the network's size, None for a bad one."""
    try:
        return images.fit(images.load(photo), size)
    except BadImage:
        return None
