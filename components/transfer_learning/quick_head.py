"""What a head fitted at once makes of the last photo from the camera, before it learns it."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from components.shell import cache
from components.widgets import charts
from engine import images
from engine.core.errors import BadImage

LAST = "last_shot"


def show(photos: Mapping[str, Sequence[bytes]], backbone: str) -> None:
    """Predicts the last photo by all the others.

    Args:
        photos: files by the name of their class.
        backbone: whose features the head reads.
    """
    from engine import transfer
    from engine.backbones import top_predictions

    if (shot := st.session_state.get(LAST)) is None:
        st.caption("Take a photo of each class. From then on, each new photo is predicted first.")
        return
    found: list[tuple[int, np.ndarray]] = []
    others = [(k, data) for k, given in enumerate(photos.values()) for data in given]
    last = max((place for place, (_, data) in enumerate(others) if data == shot), default=None)
    for place, (k, data) in enumerate(others):
        if place != last and (vector := _features(backbone, data)) is not None:
            found.append((k, vector))
    seen = {k for k, _ in found}
    vector = _features(backbone, shot)
    if vector is None or len(seen) < 2:
        st.caption("Take photos of at least two classes first.")
        return
    x, y = np.stack([each for _, each in found]), np.array([k for k, _ in found])
    started = time.perf_counter()
    logits = transfer.fit_at_once(x, y, len(photos)).logits(vector[None])[0]
    took = 1000 * (time.perf_counter() - started)
    kept = sorted(seen)
    names = tuple(list(photos)[k] for k in kept)
    st.markdown("**Prediction for the last photo, before training on it**")
    charts.show(
        charts.confidence(top_predictions(logits[kept], names, len(names))), key="quick_bars"
    )
    st.caption(f"By a classifier fitted to the other {len(x)} photos in {took:.0f} ms.")


@st.cache_data(show_spinner=False, max_entries=2000, scope="session")
def _features(backbone: str, data: bytes) -> np.ndarray | None:
    """A photo's features `(c,)`; None for one that cannot be read."""
    from engine import transfer

    net = cache.backbone(backbone)
    try:
        picture = images.fit(images.load(data), net.input_size)
    except BadImage:
        return None
    return transfer.vectors(net, picture[None])[0]
