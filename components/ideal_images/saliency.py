"""Which parts of an ideal image matter to the network."""

import numpy as np
import streamlit as st

from components.ideal_images.experiment import Plan
from components.shell import cache
from components.widgets import gallery
from engine import images


def matters(plan: Plan, picture: np.ndarray) -> None:
    """Shows which parts of the picture support its class; the rest fades to grey."""
    digest = images.digest(picture)
    heat = cache.class_activation(plan.backbone, digest, plan.target, picture)
    pixels = cache.saliency(plan.backbone, digest, plan.target, picture)
    faded = (picture * heat[..., None] + 0.5 * (1 - heat[..., None])).astype("float32")
    for column, (shown, words) in zip(
        st.columns(3, gap="medium"),
        (
            (gallery.overlay(picture, heat, 0.8), "The places that raise it (Grad-CAM)"),
            (gallery.smooth(faded), "Only these places: the rest turned to grey"),
            (gallery.overlay(picture, pixels, 0.8), "The pixels that move it most (SmoothGrad)"),
        ),
        strict=True,
    ):
        with column:
            gallery.show(shown, words, words)
