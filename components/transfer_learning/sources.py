"""What to learn from: Pets on this machine, an archive, photos from the camera."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from components import shell
from components.shell import downloads
from engine import config
from engine.errors import EngineError
from engine.storage import archives, datasets, registry

if TYPE_CHECKING:
    from engine.transfer import PhotoSource

PETS, SPECIES, ARCHIVE, CAMERA = "Pets: 37 breeds", "Pets: cat or dog", "My zip", "My camera"
SOURCES = (PETS, SPECIES, ARCHIVE, CAMERA)
MAX_MB = 200


def kind() -> str:
    """Lets a person choose where the photos come from."""
    shell.check_link("photos_of", SOURCES, "the photos", boxed=True)
    return st.segmented_control(
        "Photos", SOURCES, default=PETS, required=True, key="photos_of", bind="query-params"
    )


def photos(kind: str, name: str) -> "PhotoSource | None":
    """The photos, or the way to give them; None, and why, while this backbone has none."""
    if kind in (PETS, SPECIES):
        return _pets(name, grouped=kind == SPECIES)
    source = _archive() if kind == ARCHIVE else _camera()
    if source is not None and source.data is not None:
        _told(source.data)
    return source


def _pets(name: str, grouped: bool) -> "PhotoSource | None":
    from engine.transfer import PhotoSource

    root = config.pets_root()
    if datasets.has_pets(root):
        with shell.errors():
            data = datasets.pets(root)
            data = datasets.by_group(data) if grouped else data
            _told(data)
            return PhotoSource(data=data, folder=features_folder(), grouped=grouped)
        return None
    size = f"{sum(a.size for a in archives.PETS) / 1e6:.0f} MB"
    if registry.spec(name).builtin:
        st.caption(
            f"Oxford-IIIT Pets is not on this machine. What {name} makes of 259 of "
            "its photos (seven a breed) came with the app; the photos themselves did not, so "
            "mistakes are listed without their photos."
        )
        _offer(root, size)
        return PhotoSource(data=None, folder=features_folder(), grouped=grouped)
    st.info(
        f"Oxford-IIIT Pets is not on this machine. The built-in backbone Pocket can train now: "
        f"features of 259 of its photos came with the app. {name} needs the photos themselves.",
        icon=":material/pets:",
    )
    with st.container(horizontal=True):
        st.button(
            "Train with Pocket",
            icon=":material/play_arrow:",
            type="primary",
            on_click=_with_builtin,
            key="train_builtin",
        )
        _offer(root, size)
    return None


def _with_builtin() -> None:
    """Goes on with the built-in backbone, and starts its training when the page has its plan."""
    st.session_state.backbone = "Pocket"
    st.session_state.train_at_once = True


def _offer(root: Path, size: str) -> None:
    downloads.fetch(
        "Oxford-IIIT Pets", f"Download the photos ({size})", lambda: archives.download_pets(root)
    )


def features_folder() -> Path:
    """Where features of data sets of this machine are kept."""
    return config.keras_home() / "ideal-cat" / "features"


def _told(data: "datasets.Data") -> None:
    counts = Counter(data.labels[data.train].tolist())
    least, most = min(counts.values(), default=0), max(counts.values(), default=0)
    each = f"{least}" if least == most else f"{least} to {most}"
    st.caption(
        f"{data.name}: {len(data.class_names)} classes, {int(data.train.sum())} photos to learn "
        f"from ({each} a class), {int((~data.train).sum())} to test on."
    )
    if data.rejected:
        with st.expander(f"{len(data.rejected)} left out", icon=":material/rule:"):
            for one in data.rejected[:50]:
                st.markdown(f"`{one.name}`: {one.reason}")


def _archive() -> "PhotoSource | None":
    file = st.file_uploader(
        f"A zip file with a folder of photos for each class, at most {MAX_MB} MB",
        type=["zip"],
        max_upload_size=MAX_MB,
        key="own_zip",
    )
    if file is None:
        st.caption("Two folders with ten photos each are enough to begin with.")
        return None
    with shell.errors():
        return _kept("zip", file.getvalue(), lambda into: archives.unpack(file.getvalue(), into))
    return None


def _camera() -> "PhotoSource | None":
    photos: dict[str, list[bytes]] = st.session_state.setdefault("taken", {})
    left, right = st.columns([1, 1.2], gap="medium")
    with left:
        st.text_input("Class", "first class", max_chars=40, key="taken_class")
        st.camera_input("Take a photo", key="taken_shot", on_change=_take)
    with right:
        for own, contents in list(photos.items()):
            words, drop = st.columns([3, 1], vertical_alignment="center")
            words.markdown(f"**{own}**: {len(contents)} photos")
            drop.button("Remove", key=f"drop_{own}", on_click=photos.pop, args=(own, None))
    if len([c for c in photos.values() if len(c) > 1]) < 2:
        st.caption("Take at least two photos of each of two classes; a dozen is better.")
        return None
    with shell.errors():
        key = b"".join(name.encode() + b"".join(contents) for name, contents in photos.items())
        return _kept("camera", key, lambda into: (archives.store(photos, into), ()))
    return None


def _take() -> None:
    """Puts a photo into the class it was taken for, when it is taken and never again."""
    shot, name = st.session_state.taken_shot, st.session_state.taken_class.strip()
    if shot is not None and name:
        st.session_state.taken.setdefault(name, []).append(shot.getvalue())


def _kept(kind: str, key: bytes, fill) -> "PhotoSource | None":
    """A temporary folder of a person's photos, kept as long as the session has them."""
    kept = st.session_state.get(f"{kind}_kept")
    if kept is not None and kept[0] == hash(key):
        return kept[1]
    from engine.transfer import PhotoSource

    holder = tempfile.TemporaryDirectory(prefix="ideal-cat-", ignore_cleanup_errors=True)
    root = Path(holder.name)
    try:
        folder, left_out = fill(root / f"my {kind}")
        data = datasets.folder(folder)
        data = replace(data, rejected=(*left_out, *data.rejected))
    except (EngineError, OSError):
        holder.cleanup()
        raise
    source = PhotoSource(data=data, folder=root / "features", holder=holder)
    st.session_state[f"{kind}_kept"] = (hash(key), source)
    return source
