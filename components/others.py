"""What other networks say of a picture that was made for one."""

import numpy as np
import streamlit as st

from components import cache, charts
from engine import images


def verdict(
    name: str,
    picture: np.ndarray,
    agrees: str,
    differs: str,
    wanted: str | None,
    key: str,
    before: np.ndarray | None = None,
) -> None:
    """Three other backbones side by side, each with its answer.

    Args:
        name: the backbone the picture was made for; it is not asked.
        picture: `(H, W, 3)` in 0..1.
        agrees, differs: what is said of one that names `wanted` and of one that does not.
        wanted: a class by name; None: nothing is said.
        key: of the charts.
        before: the picture it was made of; one that named `wanted` then is told apart.
    """
    others = [other for other in cache.ready() if other != name][:3]
    if not others:
        st.caption("No other backbone is on this machine; home offers some for download.")
        return
    for column, other in zip(st.columns(len(others)), others, strict=True):
        net = cache.backbone(other)
        fitted = images.fit(picture, net.input_size)
        answer, _ = cache.predictions(other, images.digest(fitted), fitted)
        with column:
            said = "" if wanted is None else agrees if answer[0].label == wanted else differs
            if wanted is not None and wanted not in net.class_names:
                said = f"does not know “{wanted}”"
            if before is not None and said == agrees:
                fitted = images.fit(before, net.input_size)
                was = cache.predictions(other, images.digest(fitted), fitted)[0][0].label
                said = "saw that before" if was == wanted else agrees
            st.markdown(f"**{other}** {said}")
            st.plotly_chart(
                charts.confidence(answer[:3]), config=charts.CONFIG, key=f"{key}_{other}"
            )
