"""Which parts of an ideal image matter to the network."""

from typing import TYPE_CHECKING

import streamlit as st

from components.ideal_images.experiment import Plan
from components.shell import cache
from components.widgets import gallery
from engine import images
from engine.storage import registry

if TYPE_CHECKING:
    from engine.synthesis import Frame


def matters(plan: Plan, frame: "Frame") -> None:
    """Shows which parts of a finished picture support its class, and which were made for it."""
    from scipy.ndimage import gaussian_filter

    picture = images.fit(frame.picture, cache.backbone(plan.backbone).input_size)
    digest = images.digest(picture)
    pixels, _ = cache.saliency(plan.backbone, digest, plan.target, picture)
    found = [(gallery.overlay(picture, pixels, 0.8), "The pixels that move it most (SmoothGrad)")]
    if len(registry.members(plan.backbone)) == 1:  # the maps of several networks do not add up
        heat, _ = cache.class_activation(plan.backbone, digest, plan.target, picture)
        found = [
            (gallery.overlay(picture, heat, 0.8), "The places that raise it (Grad-CAM)"),
            *found,
        ]
    if frame.importance is not None:
        share = gaussian_filter(frame.importance, max(frame.importance.shape) / 60)
        share = (share / max(float(share.max()), 1e-12))[..., None]
        faded = (frame.picture * share + 0.5 * (1 - share)).astype("float32")
        found.append((gallery.smooth(faded), "What gradient descent worked on: the rest is grey"))
    for column, (shown, words) in zip(st.columns(3, gap="medium"), found, strict=False):
        with column:
            gallery.show(shown, words, words)
