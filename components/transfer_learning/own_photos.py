"""A person's own photos: a box for each class, or a zip with a folder for each."""

import tempfile
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import shell
from components.shell import linked
from components.transfer_learning import quick_head
from components.widgets import gallery, photo_grid
from engine import images
from engine.core.errors import BadDataset, EngineError
from engine.core.types import FROZEN
from engine.storage import archives, datasets

if TYPE_CHECKING:
    from engine.transfer import PhotoSource, TrainingPlan

MAX_MB = 200  # of a zip, or of all photos in the boxes
PHOTO_MB = 10
LEAST, MOST = 2, 12  # classes
BOXES = "my photos"  # what photos from the boxes are called
ROW = 3  # boxes beside one another
SHOWN = 5  # thumbnails of a class


def archive() -> "PhotoSource | None":
    """Photos in a zip."""
    file = st.file_uploader(
        f"A zip file with a folder of photos for each class, at most {MAX_MB} MB",
        type=["zip"],
        max_upload_size=MAX_MB,
        key="own_zip",
        on_change=_take_zip,
    )
    content = st.session_state.get("own_zip_content")
    if content is None:
        st.caption("Two folders with ten photos each are enough to begin with.")
        return None
    if file is None:  # Streamlit empties its box when the page is left
        st.button(
            "Remove the zip",
            help="The zip you uploaded before you left this page.",
            on_click=lambda: st.session_state.pop("own_zip_content"),
        )
    share = split()
    with shell.errors():
        return _kept("my zip", (content, share), partial(archives.unpack, content), share)
    return None


def _take_zip() -> None:
    file = st.session_state.own_zip
    st.session_state.own_zip_content = None if file is None else file.getvalue()


def split(usual: int = 25) -> float:
    """Lets a person choose how many photos are kept for testing; `usual` is a percentage."""
    percent = linked.slider(
        "Photos kept for testing, %", 10, 50, usual, 5, name="test_share", key=f"test_share_{usual}"
    )
    return percent / 100


def class_boxes(backbone: str) -> "PhotoSource | None":
    """Photos in a box for each class, as files or from the camera.

    Args:
        backbone: what tries each photo from the camera at once.
    """
    count = st.session_state.setdefault("class_boxes", LEAST)
    photos: dict[str, list[bytes]] = {}
    names: list[str] = []  # of the boxes; two of one name are one class
    camera = st.container()
    for row in range(0, count, ROW):
        for k, column in enumerate(st.columns(ROW), row):
            if k < count:
                with column.container(border=True, height="stretch"):
                    name, given = _box(k)
                    photos[name] = [*photos.get(name, []), *given]
                    names.append(name)
    st.button(
        "Add a class",
        icon=":material/add:",
        key="add_class",
        disabled=count >= MOST,
        on_click=lambda: st.session_state.update(class_boxes=count + 1),
    )
    with camera:
        _camera(names, photos, backbone)
    photos = {name: given for name, given in photos.items() if given}
    if sum(len(given) > 1 for given in photos.values()) < 2:
        st.caption("Add at least two photos to each of two classes; a dozen each is better.")
        return None
    size = sum(len(data) for given in photos.values() for data in given) / 1e6
    if size > MAX_MB:
        st.error(f"These photos total {size:.0f} MB; at most {MAX_MB} MB are accepted.")
        return None
    st.caption("After the first training, it trains again when you add a photo or rename a class.")
    share = split()
    with shell.errors():
        key = (*((name, *given) for name, given in photos.items()), share)
        return _kept(BOXES, key, partial(_stored, photos), share)
    return None


def should_train_again(learned: "TrainingPlan", plan: "TrainingPlan") -> bool:
    """Whether there are photos or class names that no head has learned, and no fewer of either.

    The same number of others counts, too; another share of them for testing does not. If a name is
    typed and Train is pressed right away, the training starts with the old name, and starts again.
    """
    both = (learned, plan)
    if not all(p.how == FROZEN and p.source.holder and p.source.name == BOXES for p in both):
        return False
    before, now = (p.source.data for p in both)
    if before is None or now is None:
        return False
    if before.class_names != now.class_names:
        fewer = len(now.class_names) < len(before.class_names)
        return not fewer and len(now.labels) >= len(before.labels)
    counts = [np.bincount(data.labels, minlength=len(now.class_names)) for data in (before, now)]
    others = learned.source.holder is not plan.source.holder
    replaced = others and before.train.sum() == now.train.sum()
    return bool((counts[1] >= counts[0]).all() and (replaced or (counts[1] > counts[0]).any()))


def _stored(
    photos: dict[str, list[bytes]], into: Path
) -> tuple[Path, tuple[datasets.Rejected, ...]]:
    """Writes the photos that can be read into a folder for each class; gives the others, too."""
    readable, rejected = {}, []
    for name, given in photos.items():
        readable[name] = []
        for k, data in enumerate(given, 1):
            try:
                images.load(data)
                readable[name].append(data)
            except EngineError as error:
                rejected.append(datasets.Rejected(name=f"{name}, photo {k}", reason=str(error)))
    return archives.store(readable, into), tuple(rejected)


def _box(k: int) -> tuple[str, list[bytes]]:
    """The box of a class: its name, and its photos as files.

    Streamlit empties the uploader when the page is left; what was in it then is kept with the
    camera's photos.
    """
    taken: list[bytes] = st.session_state.setdefault(f"class_{k}_taken", [])
    uploaded: list[bytes] = st.session_state.setdefault(f"class_{k}_uploaded", [])

    def upload() -> None:
        uploaded[:] = [file.getvalue() for file in st.session_state[f"class_{k}_files"]]

    name = st.text_input(
        f"Class {k + 1}",
        f"class {k + 1}",
        max_chars=40,
        key=f"class_{k}_name",
        persist_state="session",
    ).strip()
    files = st.file_uploader(
        f"Photos of {name or 'it'}",
        type=["jpg", "jpeg", "png", "webp"],
        accept_multiple_files=True,
        max_upload_size=PHOTO_MB,
        key=f"class_{k}_files",
        on_change=upload,
    )
    if uploaded and not files:
        taken[:0] = uploaded
        uploaded.clear()
    given = [*uploaded, *taken]
    if given:
        _thumbnails(given, name)
        words = f"{len(given)} photo{'s' if len(given) > 1 else ''}"
        st.caption(f"{words}, {len(taken)} from the camera or uploaded before" if taken else words)
    if taken:
        st.button("Remove these photos", key=f"class_{k}_drop", on_click=taken.clear)
    return name or f"class {k + 1}", given


def _camera(names: list[str], photos: dict[str, list[bytes]], backbone: str) -> None:
    """One camera, a button for each class, and what is made of the last photo at once."""
    if not st.toggle("Camera", key="camera"):
        return
    number = st.session_state.setdefault("shots", 0)
    left, right = st.columns(2, gap="medium")
    with left:
        st.session_state.setdefault("camera_class", 0)
        st.segmented_control(
            "Add the next photo to",
            range(len(names)),
            format_func=lambda k: names[k],
            required=True,
            key="camera_class",
        )

        def take() -> None:
            """Keeps a photo when it is taken; a new camera is ready for the next."""
            if (shot := st.session_state[f"shot_{number}"]) is not None:
                data, k = shot.getvalue(), st.session_state.camera_class
                st.session_state[f"class_{k}_taken"].append(data)
                st.session_state[quick_head.LAST] = data
                st.session_state.shots += 1

        st.camera_input("Take a photo", key=f"shot_{number}", on_change=take)
    with right:
        quick_head.show(photos, backbone)


def _thumbnails(given: list[bytes], name: str) -> None:
    """The last photos of a class, side by side; one that cannot be read is grey."""
    tiles = [_tile(data) for data in given[-SHOWN:]]
    strip = np.concatenate(tiles, axis=1)
    width = photo_grid.SIDE // 2 * len(tiles)
    gallery.show(strip, f"The last photos of {name}", width=width)


@st.cache_data(show_spinner=False, max_entries=400, scope="session")
def _tile(data: bytes) -> np.ndarray:
    return photo_grid.thumbnail(data)


def _kept(
    kind: str,
    key: Hashable,
    fill: Callable[[Path], tuple[Path, tuple[datasets.Rejected, ...]]],
    test_share: float,
) -> "PhotoSource":
    """A temporary folder of a person's photos, kept as long as the session has them."""
    kept = st.session_state.get(f"{kind}_kept")
    if kept is not None and kept[0] == hash(key):
        return kept[1]
    from engine.transfer import PhotoSource

    try:
        holder = tempfile.TemporaryDirectory(prefix="ideal-cat-", ignore_cleanup_errors=True)
    except OSError as error:
        raise BadDataset(f"The photos could not be written: {error.strerror}.") from error
    root = Path(holder.name)
    try:
        folder, left_out = fill(root / kind)
        data = datasets.folder(folder, test_share=test_share)
        data = replace(data, rejected=(*left_out, *data.rejected))
    except (EngineError, OSError):
        holder.cleanup()
        raise
    source = PhotoSource(data=data, folder=root / "features", holder=holder)
    st.session_state[f"{kind}_kept"] = (hash(key), source)
    return source
