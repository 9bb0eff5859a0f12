"""Photos to learn from: Oxford-IIIT Pets, a folder or an archive of one's own, classes as folders.

Nothing is decoded here. Which files are no pictures is found when they are read for the first time
(`engine.transfer.extraction`), once, and reported by name.
"""

import contextlib
import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import BadDataset, DatasetUnavailable

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A file or class that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Photos with their labels; the photos themselves are not in memory.

    `paths` are n files, or the contents of files that are on another machine; `labels`, `(n,)`,
    indices into `class_names`; `train`, `(n,)` bool, marks training photos, the others are test
    photos. `groups` has a group name per class; () for none.
    """

    name: str
    paths: tuple[Any, ...]
    labels: np.ndarray
    train: np.ndarray
    class_names: tuple[str, ...]
    groups: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = field(default=())

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal figures that change when a file is added, changed or removed."""
        digest = hashlib.sha256()
        for path in self.paths:
            size = changed = 0
            with contextlib.suppress(OSError):  # one that has just been removed
                size, changed = path.stat().st_size, path.stat().st_mtime_ns
            digest.update(f"{path.name}\0{size}\0{changed}\n".encode())
        return digest.hexdigest()[:16]


def has_pets(root: Path) -> bool:
    """Whether Oxford-IIIT Pets lies there in its original layout."""
    return (root / "annotations" / "trainval.txt").is_file()


def pets(root: Path) -> Data:
    """Oxford-IIIT Pets in its original layout, with its official split: 37 breeds.

    Parkhi, Vedaldi, Zisserman and Jawahar, "Cats and Dogs", CVPR 2012.

    Args:
        root: the folder of `images/` and `annotations/{trainval,test}.txt`.

    Raises:
        DatasetUnavailable: the folder or its lists are missing or not what they should be.
    """
    rows = []
    for split in ("trainval", "test"):
        file = root / "annotations" / f"{split}.txt"
        try:
            for line in file.read_text().splitlines():
                name, breed, species, _ = line.split()
                rows.append((name, int(breed) - 1, int(species), split == "trainval"))
        except (OSError, ValueError) as error:
            raise DatasetUnavailable(
                f"Expected Oxford-IIIT Pets with annotations/{split}.txt, one line per photo; this "
                "file is missing or damaged. Download the data set again."
            ) from error
    names: dict[int, str] = {}
    groups: dict[int, str] = {}
    kept, rejected = [], []
    for name, breed, species, train in rows:
        names[breed] = name.rsplit("_", 1)[0].replace("_", " ")
        groups[breed] = "cat" if species == 1 else "dog"
        path = root / "images" / f"{name}.jpg"
        if path.is_file():
            kept.append((path, breed, train))
        else:
            rejected.append(Rejected(name=path.name, reason="the file is missing"))
    if not kept:
        raise DatasetUnavailable("No photo of Oxford-IIIT Pets is there. Download it again.")
    order = sorted(names)
    index = {breed: k for k, breed in enumerate(order)}
    return Data(
        name="Oxford-IIIT Pets",
        paths=tuple(path for path, *_ in kept),
        labels=np.array([index[breed] for _, breed, _ in kept]),
        train=np.array([train for *_, train in kept]),
        class_names=tuple(names[breed] for breed in order),
        groups=tuple(groups[breed] for breed in order),
        rejected=tuple(rejected),
    )


def has_cats_and_dogs(root: Path) -> bool:
    """Whether Cats vs Dogs lies there as its archive has it."""
    return all((root / "PetImages" / name).is_dir() for name in ("Cat", "Dog"))


def cats_and_dogs(root: Path, *, test_share: float = 0.2) -> Data:
    """The 25 000 photos of Cats vs Dogs (Elson et al., 2007).

    Args:
        root: the folder of `PetImages/`.
        test_share: share of the photos to test on.

    Raises:
        BadDataset: there are no photos of one of them.
    """
    return replace(folder(root / "PetImages", test_share=test_share), name="Cats vs Dogs")


def folder(root: Path, *, test_share: float = 0.25, seed: int = 0) -> Data:
    """Photos with one folder per class; a random share of each class is kept for testing.

    Args:
        root: its folders are the classes.
        test_share: share of each class's photos to test on; at least one of two or more.
        seed: of the split.

    Raises:
        BadDataset: fewer than two classes with photos, or two that differ only by case.
    """
    found: dict[str, list[Path]] = {}
    rejected = []
    entries = sorted(e for e in root.iterdir() if e.is_dir() and not e.name.startswith((".", "__")))
    for entry in entries:
        files = sorted(f for f in entry.rglob("*") if f.is_file() and not f.name.startswith("."))
        photos = [f for f in files if f.suffix.lower() in SUFFIXES]
        others = [f for f in files if f.suffix.lower() not in SUFFIXES]
        rejected += [Rejected(name=f"{entry.name}/{f.name}", reason="not an image") for f in others]
        if photos:
            found[entry.name] = photos
        else:
            rejected.append(Rejected(name=entry.name, reason="a class without a photo"))
    same = [name for name, n in Counter(map(str.casefold, found)).items() if n > 1]
    if same:
        raise BadDataset(
            f"Two classes named “{same[0]}” differ only in upper and lower case. Rename one."
        )
    if len(found) < 2:
        raise BadDataset(
            "Expected at least two folders with photos, one for each class; received: "
            f"{len(found)}. Put the photos of each class into a folder of its own."
        )
    generator = np.random.default_rng([seed, 4])
    paths, labels, train = [], [], []
    for label, photos in enumerate(found.values()):
        tests = 0 if len(photos) < 2 else max(1, round(test_share * len(photos)))
        chosen = set(generator.permutation(len(photos))[:tests].tolist())
        paths += photos
        labels += [label] * len(photos)
        train += [k not in chosen for k in range(len(photos))]
        if not tests:
            name = list(found)[label]
            rejected.append(
                Rejected(name=name, reason="one photo only: used to train, not to test")
            )
    return Data(
        name=root.name,
        paths=tuple(paths),
        labels=np.array(labels),
        train=np.array(train),
        class_names=tuple(found),
        rejected=tuple(rejected),
    )


def by_group(data: Data) -> Data:
    """The same photos by the groups of their classes: cat or dog instead of breeds.

    Raises:
        BadDataset: the classes have no groups.
    """
    if not data.groups:
        raise BadDataset(f"The classes of {data.name} are in no groups.")
    names = tuple(dict.fromkeys(data.groups))
    index = np.array([names.index(group) for group in data.groups])
    return replace(data, labels=index[data.labels], class_names=names, groups=())


def few(data: Data, photos: int, seed: int = 0) -> np.ndarray:
    """Which photos to learn from when only so many of each class may be used, `(n,)` bool."""
    return few_of(data.labels, data.train, photos, seed)


def few_of(labels: np.ndarray, train: np.ndarray, photos: int | None, seed: int = 0) -> np.ndarray:
    """At most `photos` of each class of the training photos, chosen by `seed`, `(n,)` bool.

    None for all of them.
    """
    if photos is None:
        return train
    generator = np.random.default_rng([seed, 5])
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = np.flatnonzero((labels == label) & train)
        chosen[generator.permutation(own)[:photos]] = True
    return chosen
