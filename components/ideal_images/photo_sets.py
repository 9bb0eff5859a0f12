"""A set of photos: some of the samples, and files of one's own."""

import numpy as np
import streamlit as st

from components import shell
from components.shell import cache, linked
from engine.storage import samples

MOST, MAX_MB = 6, 10  # photos, and the size of one


def choose(label: str, usual: tuple[str, ...], name: str) -> tuple[np.ndarray, ...]:
    """Lets a person choose photos; returns at least one, each `(H, W, 3)` in 0..1.

    Args:
        label: what the photos have in common; also the key.
        usual: samples to begin with.
        name: of the link's parameter.
    """
    chosen = linked.multiselect(label, list(samples.SAMPLES), usual, name=name)
    files = st.file_uploader(
        f"{label}: your own, at most {MOST}",
        type=["jpg", "jpeg", "png", "webp"],
        accept_multiple_files=True,
        max_upload_size=MAX_MB,
        label_visibility="collapsed",
        key=f"set_files_{label}",
    )
    photos = [cache.sample(name) for name in chosen]
    for file in files[:MOST]:
        with shell.errors():
            photos.append(cache.decoded(file.getvalue()))
    if not photos:
        st.caption(f"Using sample “{usual[0]}”.")
        photos = [cache.sample(usual[0])]
    return tuple(photos)
