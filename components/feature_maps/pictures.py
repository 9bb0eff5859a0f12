"""The picture as the network gets it and as it is shown, made once for all who look at it."""

import numpy as np
import streamlit as st

from components.shell import cache
from components.widgets import gallery
from components.widgets.pickers import Picked
from engine import images


def as_seen(name: str, picked: Picked) -> tuple[np.ndarray, str]:
    """The picture as a backbone gets it, `(H, W, 3)` in 0..1, and its digest."""
    return _fitted(picked.digest, cache.backbone(name).input_size, picked.picture)


def smooth(picked: Picked) -> np.ndarray:
    """The centre of the picture, large, uint8; see `gallery.smooth`."""
    return _smooth(picked.digest, picked.picture)


def overlay(picked: Picked, heat: np.ndarray, opacity: float) -> np.ndarray:
    """A map `(h, w)` in 0..1 over the picture, uint8; see `gallery.overlay`."""
    return _overlay(picked.digest, images.digest(heat), opacity, picked.picture, heat)


@st.cache_resource(show_spinner=False, max_entries=16)
def _fitted(digest: str, size: tuple[int, int], _picture: np.ndarray) -> tuple[np.ndarray, str]:
    picture = images.fit(_picture, size)
    picture.setflags(write=False)
    return picture, images.digest(picture)


@st.cache_resource(show_spinner=False, max_entries=16)
def _smooth(digest: str, _picture: np.ndarray) -> np.ndarray:
    return images.to_uint8(gallery.smooth(_picture))


@st.cache_resource(show_spinner=False, max_entries=16)
def _overlay(
    digest: str, heat_digest: str, opacity: float, _picture: np.ndarray, _heat: np.ndarray
) -> np.ndarray:
    return images.to_uint8(gallery.overlay(_picture, _heat, opacity))
