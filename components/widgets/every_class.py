"""Networks' probabilities of all their classes, for pictures that a page has made."""

from collections.abc import Iterable

import numpy as np
import streamlit as st

from components.shell import cache
from components.widgets import charts
from engine import images


def offer(pictures: Iterable[tuple[str, str, np.ndarray]]) -> None:
    """Offers a chart of all classes for each picture, below one another.

    Args:
        pictures: the backbone, what to call the chart, and the picture `(H, W, 3)` in 0..1.
    """
    if not st.toggle("All classes", key="every_class", bind="query-params"):
        return
    for number, (name, words, picture) in enumerate(pictures):
        fitted = images.fit(picture, cache.backbone(name).input_size)
        values = cache.probabilities(name, images.digest(fitted), fitted)
        st.caption(f"{words}, {len(values)} classes")
        charts.show(
            charts.all_classes(values, cache.class_names(name)), key=f"every_class_{number}"
        )
