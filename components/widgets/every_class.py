"""A network's probabilities of all its classes, for pictures that a page has made."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from components.shell import cache
from components.widgets import charts
from engine import images


def offer(name: str, pictures: Mapping[str, np.ndarray]) -> None:
    """Offers a chart of all classes for each picture, to be compared below one another.

    Args:
        name: of the backbone.
        pictures: `(H, W, 3)` in 0..1 by what to call them; "" for a single one.
    """
    names = cache.class_names(name)
    if not st.toggle(f"All {len(names)} classes", key="every_class", bind="query-params"):
        return
    for number, (words, picture) in enumerate(pictures.items()):
        fitted = images.fit(picture, cache.backbone(name).input_size)
        if words:
            st.caption(words)
        values = cache.probabilities(name, images.digest(fitted), fitted)
        charts.show(charts.all_classes(values, names), key=f"every_class_{number}")
