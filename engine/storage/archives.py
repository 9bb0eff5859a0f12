"""How photos get onto this machine: a data set's download, a person's zip file or camera."""

import gzip
import io
import lzma
import shutil
import tarfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from engine.core.errors import BadDataset, DownloadFailed
from engine.core.types import Progress
from engine.storage import downloads
from engine.storage.datasets import SUFFIXES, Rejected

MOST_FILES, MOST_BYTES, MOST_RATIO = 20_000, 500_000_000, 200  # of an archive
DAMAGED = (
    EOFError,
    gzip.BadGzipFile,
    shutil.ReadError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A file of a data set's server: its length in bytes and its md5, "" if that is not known."""

    name: str
    size: int
    md5: str = ""


PETS_URL = "https://thor.robots.ox.ac.uk/~vgg/data/pets"
PETS = (
    Archive(name="annotations.tar.gz", size=19_173_078, md5="95a8c909bbe2e81eed6a22bccdf3f68f"),
    Archive(name="images.tar.gz", size=791_918_971, md5="5c4f3ee8e5d25df40f4fd59a7f44e54c"),
)


CATS_AND_DOGS_URL = (
    "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F"
)
CATS_AND_DOGS = (Archive(name="kagglecatsanddogs_5340.zip", size=824_887_076),)


def download_pets(
    root: Path, *, url: str = PETS_URL, archives: Sequence[Archive] = PETS
) -> Iterator[Progress]:
    """Fetches Oxford-IIIT Pets into `root`; see `download`."""
    yield from download(root, url, archives)


def download_cats_and_dogs(
    root: Path, *, url: str = CATS_AND_DOGS_URL, archives: Sequence[Archive] = CATS_AND_DOGS
) -> Iterator[Progress]:
    """Fetches the 25 000 photos of Cats vs Dogs into `root`; see `download`."""
    yield from download(root, url, archives)


def download(root: Path, url: str, archives: Sequence[Archive]) -> Iterator[Progress]:
    """Fetches a data set into `root`, whole or not at all; resumes an interrupted download.

    Raises:
        DownloadFailed: no connection, a full disk, or not the files that were expected.
    """
    waiting = root.with_name(f"{root.name}.download")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(root.with_name(f"{root.name}.lock"), timeout=0):
            yield from _arriving(root, url, archives, waiting)
    except Timeout:
        raise DownloadFailed(
            "These photos are already being downloaded. Wait until that download has finished."
        ) from None
    except OSError as error:
        raise DownloadFailed(
            f"The photos could not be written into {root.parent}: {error.strerror}. Make room, or "
            "make the folder writable, and try again."
        ) from error
    yield Progress(fraction=1.0, message="ready")


def _arriving(
    root: Path, url: str, archives: Sequence[Archive], waiting: Path
) -> Iterator[Progress]:
    """Fetches the archives into the folder `waiting`, and unpacks them into `root`."""
    for archive in archives:
        if not (waiting / archive.name).is_file():
            yield from downloads.fetch(
                f"{url}/{archive.name}",
                waiting / archive.name,
                digest=archive.md5,
                magic=b"PK" if archive.name.endswith(".zip") else b"\x1f\x8b",
                limit=2 * archive.size,
            )
    part = waiting / "unpacked"
    shutil.rmtree(part, ignore_errors=True)
    try:
        for k, archive in enumerate(archives):
            yield Progress(fraction=k / len(archives), message=f"unpacking {archive.name}")
            zipped = archive.name.endswith(".zip")
            shutil.unpack_archive(waiting / archive.name, part, filter=None if zipped else "data")
        if root.is_dir() and any(root.iterdir()):  # not this data set, or not all of it
            root.rename(root.with_name(f"{root.name}.{time.time():.0f}"))
        part.replace(root)
    except DAMAGED as error:
        shutil.rmtree(waiting, ignore_errors=True)
        raise DownloadFailed(
            f"The photos have arrived damaged and could not be unpacked ({error}). Download them "
            "again."
        ) from error
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise DownloadFailed(
            f"The photos could not be unpacked into {root.parent}: {error}. Make room and try "
            "again; what has arrived is kept."
        ) from error
    shutil.rmtree(waiting, ignore_errors=True)


def unpack(archive: bytes, into: Path) -> tuple[Path, tuple[Rejected, ...]]:
    """Unpacks the pictures of a zip file into one folder per class.

    Returns the folder of the classes, and the files that were left out.

    Only pictures are written, each as `class/number.suffix`: of the names in the archive, only the
    last folder's is used, as the class, without unusual characters.

    Raises:
        BadDataset: not a zip file, too large, compressed too much, or without pictures in folders.
    """
    total, counts, left_out = 0, Counter[str](), []
    spelled: dict[str, str] = {}  # some file systems do not tell upper from lower case
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            members = [m for m in file.infolist() if not m.is_dir()]
            if len(members) > MOST_FILES:
                raise BadDataset(
                    f"Expected at most {MOST_FILES:,} files; received: {len(members):,}."
                )
            for member in members:
                path = PurePosixPath(member.filename.replace("\\", "/"))
                suffix = path.suffix.lower()
                name = _cleaned(path.parent.name)
                if "__MACOSX" in path.parts or path.name.startswith("."):
                    continue
                if suffix not in SUFFIXES or not name:
                    why = "not in a class folder" if not name else "not a readable picture"
                    left_out.append(Rejected(name=str(path)[-80:], reason=why))
                    continue
                if member.file_size > MOST_RATIO * max(member.compress_size, 1000):
                    raise BadDataset(
                        "This zip file is compressed more than photos can be, so it was not opened."
                    )
                total += member.file_size
                if total > MOST_BYTES:
                    raise BadDataset(
                        f"Expected at most {MOST_BYTES / 1e6:.0f} MB of photos; received more. "
                        "Upload fewer or smaller ones."
                    )
                with file.open(member) as source:
                    content = source.read(member.file_size + 1)
                if len(content) > member.file_size:
                    raise BadDataset(
                        "This zip file contains more than it declares, so it was not opened."
                    )
                if (known := spelled.setdefault(name.casefold(), name)) != name:
                    raise BadDataset(
                        "Expected folder names that differ in more than upper and lower case; "
                        f"received: “{known}” and “{name}”."
                    )
                _write(into / name / f"{counts[name]:05d}{suffix}", content)
                counts[name] += 1
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        OSError,  # of damaged bzip2
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
    ) as error:
        raise BadDataset(f"Expected a zip file of photos; it cannot be read ({error}).") from error
    if not counts:
        raise BadDataset(
            "Expected a zip file with a folder of photos for each class, as JPEG, PNG or WebP; "
            f"found none, and {len(left_out)} other files."
        )
    return into, tuple(left_out)


def store(photos: Mapping[str, Sequence[bytes]], into: Path) -> Path:
    """Writes photos of named classes as a folder for each; returns the folder of the classes."""
    for name, contents in photos.items():
        folder = _cleaned(name) or "class"
        while (into / folder).exists():  # names may differ in what is not kept of them
            folder += " again"
        for k, content in enumerate(contents):
            _write(into / folder / f"{k:05d}.png", content)
    return into


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise BadDataset(f"The photos could not be written: {error.strerror}.") from error


def _cleaned(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in " -_" else " " for c in name)
    return " ".join(kept.split())[:60]
