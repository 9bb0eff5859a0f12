"""A picture made on one screen, opened on another."""

import numpy as np
import streamlit as st

from components import shell
from components.shell import class_link
from components.widgets import pickers
from components.widgets.pickers import Picked
from engine import images


def original(picked: Picked) -> Picked | None:
    """The picture that this one was made from, where it was made on another screen."""
    return st.session_state.get("originals", {}).get(picked.digest)


def open_on(
    picture: np.ndarray,
    name: str,
    backbone: str,
    *screens: str,
    made_from: np.ndarray | None = None,
) -> None:
    """Buttons that open a picture on other screens, with the same backbone.

    Args:
        picture: `(H, W, 3)` in 0..1; it becomes the session's own.
        name: what to call it.
        backbone: the backbone to open it with.
        screens: names of pages, as in the sidebar.
        made_from: the picture that it was made from, to compare it with.
    """
    if made_from is not None:
        before = Picked(picture=made_from, name="the original", digest=images.digest(made_from))
        st.session_state.originals = {images.digest(picture): before}
    for path, label, icon in shell.PAGES:
        if label in screens and st.button(
            f"Open in {label.lower()}",
            icon=icon,
            key=f"open_in_{label}",
            on_click=pickers.take,
            args=(picture, name),
        ):
            pickers.own(
                picture, name
            )  # an uploader on this page has just put its own in this place
            st.switch_page(path, query_params=class_link.onward(use=backbone))
