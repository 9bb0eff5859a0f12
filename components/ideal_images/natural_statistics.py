"""What is known of photos' statistics in a backbone's layers, and a button to measure them."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.shell import cache
from engine import images

if TYPE_CHECKING:
    from engine.synthesis.natural import Statistics

OF_A_BREED = 2  # photos that they are measured on


def of(name: str) -> "Statistics":
    """A backbone's natural statistics; of no layers where none are known."""
    from engine.synthesis import natural

    return natural.statistics(cache.backbone(name))


def words(name: str) -> str:
    """What the penalty does for a backbone, and where its statistics are from."""
    known = of(name)
    total = ", and the total activation of the last feature maps no higher than in photos"
    return (
        "Keeps each channel's mean and deviation, in six layers, close to those in photos"
        f"{total if known.totals else ''}. Source: {known.source}."
    )


def offer(name: str) -> bool:
    """Offers to measure a backbone's natural statistics on photos of this machine."""
    photos, source = cache.photos(OF_A_BREED)
    if st.button(
        "Measure natural statistics",
        icon=":material/query_stats:",
        key=f"measure_{name}",
        help=f"{name} keeps no statistics of its training photos. They can be measured once, on "
        f"{len(photos)} photos: {source}.",
    ):
        from engine.synthesis import natural

        net = cache.backbone(name)
        with st.spinner(f"Running {name} on {len(photos)} photos …"):
            fitted = np.stack([images.fit(images.load(p), net.input_size) for p in photos])
            natural.learn(net, fitted, f"{len(photos)} photos, {source}")
        st.rerun()
    return False
