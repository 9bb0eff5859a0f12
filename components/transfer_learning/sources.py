"""What to learn from: data sets on this machine, patterns, or a person's own photos."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from components import shell
from components.shell import choice, downloads
from components.transfer_learning import own_photos
from engine import config
from engine.storage import archives, datasets, patterns, registry

if TYPE_CHECKING:
    from engine.transfer import PhotoSource

PETS, SPECIES, OWN, ARCHIVE = "Pets: 37 breeds", "Pets: cat or dog", "My photos", "My zip"
CATS_AND_DOGS, PATTERNS = "Cats vs Dogs", "Drawn patterns"
SOURCES = (PETS, SPECIES, CATS_AND_DOGS, PATTERNS, OWN, ARCHIVE)


def kind() -> str:
    """Lets a person choose where the photos come from."""
    shell.check_link("photos_of", SOURCES, "the photos")
    return st.segmented_control(
        "Photos",
        SOURCES,
        required=True,
        key=choice.prepare("photos_of", SOURCES, PETS),
        on_change=choice.changed,
        args=("photos_of",),
    )


def photos(kind: str, name: str) -> "PhotoSource | None":
    """The photos, or the way to give them; None, and why, while this backbone has none."""
    if kind in (PETS, SPECIES):
        return _pets(name, grouped=kind == SPECIES)
    if kind == CATS_AND_DOGS:
        return _cats_and_dogs()
    if kind == PATTERNS:
        return _patterns()
    source = own_photos.archive() if kind == ARCHIVE else own_photos.class_boxes(name)
    if source is not None and source.data is not None:
        _told(source.data)
    return source


def _pets(name: str, grouped: bool) -> "PhotoSource | None":
    from engine.transfer import PhotoSource

    root = config.pets_root()
    size = downloads.cost(sum(archive.size for archive in archives.PETS))
    if datasets.has_pets(root):
        with shell.errors():
            data = datasets.pets(root)
            data = datasets.by_group(data) if grouped else data
            _told(data, ", the official split")
            return PhotoSource(data=data, folder=features_folder(), grouped=grouped)
        _offer(root, size)
        return None
    if registry.spec(name).builtin:
        st.caption(
            f"Oxford-IIIT Pets is not on this machine. {name}'s features for 259 of the photos "
            "(seven per breed) come with the app; the photos themselves do not, so mistakes are "
            "listed without their photos."
        )
        _offer(root, size)
        return PhotoSource(data=None, folder=features_folder(), grouped=grouped)
    st.info(
        "Oxford-IIIT Pets is not on this machine. The built-in backbone Pocket can train now: "
        f"features of 259 of its photos came with the app. {name} needs photos: those of Pets, or "
        "yours.",
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
        st.button(
            "Use my own photos",
            icon=":material/add_photo_alternate:",
            on_click=_with_own,
            key="train_own",
        )
    return None


def _cats_and_dogs() -> "PhotoSource | None":
    from engine.transfer import PhotoSource

    root = config.cats_and_dogs_root()
    if not datasets.has_cats_and_dogs(root):
        size = downloads.cost(sum(archive.size for archive in archives.CATS_AND_DOGS))
        st.info(
            "Cats vs Dogs, the lesson's 25,000 photos, is not on this machine. *Pets: cat or dog* "
            "asks the same question of 7,349.",
            icon=":material/pets:",
        )
        downloads.fetch(
            CATS_AND_DOGS,
            f"Download the photos ({size})",
            lambda: archives.download_cats_and_dogs(root),
        )
        return None
    with shell.errors():
        folders = (root / "PetImages" / name for name in ("Cat", "Dog"))
        changed = tuple(folder.stat().st_mtime_ns for folder in folders)
        data = _listed(root, own_photos.split(20), changed)
        _told(data)
        return PhotoSource(data=data, folder=features_folder())
    return None


@st.cache_resource(show_spinner="Listing the photos …", max_entries=2)
def _listed(root: Path, share: float, changed: tuple[int, ...]) -> "datasets.Data":
    return datasets.cats_and_dogs(root, test_share=share)


def _patterns() -> "PhotoSource | None":
    from engine.transfer import PhotoSource

    with shell.errors():
        st.caption(
            "Eight kinds of patterns, drawn by this app. The backbone was trained on photos: how "
            "well do its features separate patterns?"
        )
        data = _drawn(own_photos.split())
        _told(data)
        return PhotoSource(data=data, folder=features_folder())
    return None


@st.cache_resource(show_spinner="Drawing the patterns …", max_entries=9)
def _drawn(share: float) -> "datasets.Data":
    try:
        root = patterns.draw(config.data_folder())
    except OSError:  # nothing can be kept on this machine: for as long as the app runs
        root = patterns.draw(Path(tempfile.mkdtemp(prefix="ideal-cat-")))
    return replace(datasets.folder(root, test_share=share), name="drawn patterns")


def _with_own() -> None:
    choice.choose("photos_of", OWN)


def _with_builtin() -> None:
    """Goes on with the built-in backbone, and starts its training when the page has its plan."""
    choice.choose("backbone", "Pocket", here=True)
    st.session_state.train_at_once = True


def _offer(root: Path, size: str) -> None:
    downloads.fetch(
        "Oxford-IIIT Pets", f"Download the photos ({size})", lambda: archives.download_pets(root)
    )


def features_folder() -> Path:
    """Where features of data sets of this machine are kept."""
    return config.keras_home() / "ideal-cat" / "features"


def _told(data: "datasets.Data", split: str = "") -> None:
    counts = Counter(data.labels[data.train].tolist())
    least, most = min(counts.values(), default=0), max(counts.values(), default=0)
    each = f"{least}" if least == most else f"{least} to {most}"
    st.caption(
        f"{data.name}: {len(data.class_names)} classes, {int(data.train.sum())} training photos "
        f"({each} per class), {int((~data.train).sum())} test photos{split}."
    )
    if data.rejected:
        with st.expander(f"{len(data.rejected)} files skipped", icon=":material/rule:"):
            for one in data.rejected[:50]:
                st.markdown(f"`{one.name}`: {one.reason}")
