"""Choosing a photo by sight: Streamlit's own pills, each with a thumbnail above its name."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from engine import images
from engine.core.errors import BadImage

SIDE = 112  # px of a thumbnail, twice what is shown


def photo_grid(
    label: str, names: Sequence[str], files: Sequence[Path], *, key: str, **options: Any
) -> str:
    """Lets a person choose one of these photos; returns its name.

    Args:
        label: what is chosen, for screen readers.
        names: of the photos, shown below them.
        files: where they are.
        key: of the choice.
        options: what else Streamlit's pills take.
    """
    photo, step = f".st-key-{key} button", 100 / max(len(names) - 1, 1)
    places = "".join(
        f"{photo}:nth-of-type({k + 1})::before{{background-position-x:{k * step:.4f}%}}"
        for k in range(len(names))
    )
    st.html(
        f"<style>{photo}::before{{background-image:url({_strip(tuple(map(str, files)))});"
        f"background-size:{100 * len(names)}% 100%}}{places}</style>"
    )
    with st.container(key=f"{key}_photo_grid"):
        return st.pills(
            label,
            names,
            required=True,
            key=key,
            label_visibility="collapsed",
            width="stretch",
            **options,
        )


@st.cache_data(show_spinner=False, max_entries=8)
def _strip(files: tuple[str, ...]) -> str:
    """Thumbnails side by side, as the address of one image."""
    thumbnails = [thumbnail(Path(file)) for file in files]
    data = images.jpeg(np.concatenate(thumbnails, axis=1), quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def thumbnail(source: Path | bytes) -> np.ndarray:
    """A photo, cut to a small square `(SIDE, SIDE, 3)`; one that cannot be read is grey."""
    try:
        return images.fit(images.load(source), (SIDE, SIDE))
    except BadImage:
        return np.full((SIDE, SIDE, 3), 0.5, "float32")
