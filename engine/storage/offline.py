"""The offline kit: weights and photos on a stick, and from the stick to another machine.

    # from the internet to this machine, from here to the stick, and from the stick to another one
    python -m engine.storage.offline fetch MobileNetV2 MobileNet_0.75 --pets
    python -m engine.storage.offline pack /media/stick
    python -m engine.storage.offline unpack /media/stick

Every file is copied whole or not at all, with its SHA-256 in `kit.json`; what is here already, and
right, is left alone.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.core import config
from engine.core.errors import DownloadFailed, EngineError, KitDamaged
from engine.core.types import Progress
from engine.storage import archives, datasets, registry, weights

INDEX = "kit.json"


def fetch(names: Iterable[str], pets: bool = False) -> Iterator[Progress]:
    """Downloads backbones, and Oxford-IIIT Pets; what is here is not fetched again.

    Raises:
        UnknownBackbone: a name is not registered.
        DownloadFailed: no network, a full disk, not the file that was expected.
    """
    for spec in [registry.spec(name) for name in names]:
        if not weights.is_here(spec):
            yield from weights.download(spec)
    root = config.pets_root()
    if pets and not datasets.has_pets(root):
        yield from archives.download_pets(root)


def pack(stick: Path) -> Iterator[str]:
    """Copies all weights and photos of this machine to a folder; yields each file's name.

    Raises:
        KitDamaged: the folder cannot be written.
    """
    here: dict[str, Path] = {}
    for spec in registry.specs().values():
        if not spec.builtin and weights.is_here(spec):
            here[f"models/{spec.filename}"] = weights.path(spec)
            here[f"models/{weights.INDEX_NAME}"] = weights.path(spec).parent / weights.INDEX_NAME
    root = config.pets_root()
    for file in sorted(root.rglob("*")) if root.is_dir() else ():
        if file.is_file():
            here[f"pets/{file.relative_to(root).as_posix()}"] = file
    index = {}
    for name, file in here.items():
        index[name] = _copy(file, stick / name)
        yield name
    try:
        (stick / INDEX).write_text(json.dumps(index, indent=1))
    except OSError as error:
        raise KitDamaged(f"{stick / INDEX} could not be written: {error.strerror}.") from error


def unpack(stick: Path) -> Iterator[str]:
    """Copies a kit's weights and photos to where the app looks for them; yields each file's name.

    Raises:
        KitDamaged: there is no kit, one of its files is missing or altered, or the disk is full.
    """
    try:
        index = json.loads((stick / INDEX).read_text())
        files = {str(name): str(digest) for name, digest in index.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise KitDamaged(
            f"Expected a kit in {stick}; its {INDEX} is missing or damaged. Pack it again."
        ) from error
    known = {f"models/{spec.filename}" for spec in registry.specs().values() if not spec.builtin}
    known.add(f"models/{weights.INDEX_NAME}")
    for name, digest in files.items():
        top, _, rest = name.partition("/")
        inside = ".." not in Path(rest).parts and not Path(rest).is_absolute()
        if name in known:
            target = config.keras_home() / name
        elif top == "pets" and inside:
            target = config.pets_root() / rest
        else:
            raise KitDamaged(f"The kit names {name[-80:]!r}, which is no file of this app.")
        if target.is_file() and _digest(target) == digest:
            continue
        _copy(stick / name, target, digest)
        yield name


def _copy(source: Path, target: Path, digest: str = "") -> str:
    """Copies a file whole or not at all, of the given digest if one is given; returns it."""
    part = target.with_name(f"{target.name}.copy")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part)
        found = _digest(part)
        if digest and found != digest:
            raise KitDamaged(f"{source} has changed since it was packed. Pack the kit again.")
        part.replace(target)
        return found
    except OSError as error:
        raise KitDamaged(f"{source} could not be copied to {target}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _told(go_on: bool) -> Iterator[None]:
    """Prints what cannot be fetched; ends the program unless it is to go on without it."""
    try:
        yield
    except DownloadFailed as error:
        if not go_on:
            raise
        print(error, file=sys.stderr)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.storage.offline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    fetching = commands.add_parser("fetch", help="from the internet to this machine")
    fetching.add_argument("names", nargs="*", metavar="BACKBONE")
    fetching.add_argument("--pets", action="store_true", help="Oxford-IIIT Pets too, 811 MB")
    fetching.add_argument(
        "--if-possible", action="store_true", help="continue without files that cannot be fetched"
    )
    for name in ("pack", "unpack"):
        commands.add_parser(name).add_argument("stick", type=Path)
    chosen = parser.parse_args()
    try:
        if chosen.command == "fetch":
            wanted = [([name.replace("_", " ")], False) for name in chosen.names]
            for names, pets in [*wanted, *([([], True)] if chosen.pets else [])]:
                with _told(chosen.if_possible):
                    for step in fetch(names, pets):
                        print(f"\r{step.message:<70}", end="", flush=True)
                    print()
        else:
            copied = list({"pack": pack, "unpack": unpack}[chosen.command](chosen.stick))
            print(f"{len(copied)} files copied.")
    except EngineError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
