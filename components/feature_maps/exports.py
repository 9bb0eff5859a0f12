"""The downloads of the feature maps screen: a picture, numbers, a lab sheet; and a link."""

import io
from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image

from components.feature_maps import network_map, one_value
from components.shell import cache, class_link
from components.widgets import gallery, lab_sheet
from components.widgets.pickers import Picked
from engine import images
from engine.core.types import Activations, Prediction
from engine.storage import samples


def downloads(
    name: str,
    picked: Picked,
    picture: np.ndarray,
    maps: Activations,
    channels: np.ndarray,
    limit: float | np.ndarray,
    channel: int,
) -> None:
    """A row of downloads; each file is made only when it is asked for.

    Args:
        name: the backbone.
        picked: the person's picture.
        picture: the same as the network got it, `(H, W, 3)` in 0..1.
        maps: the layer's answer.
        channels: those on the sheet, in its order.
        limit: full scale of the sheet, for all channels or for each.
        channel: the one shown large.
    """
    stem = f"{name}-{maps.layer.name}-{picked.name}".replace("/", "-").replace(" ", "-")
    scale = gallery.scale_of(maps.values)
    enlarge = max(1, 48 // maps.values.shape[0])

    def sheet() -> bytes:
        tiles = maps.values[..., channels]
        return gallery.png_of(gallery.sheet(tiles, limit, scale, gap=2, enlarge=enlarge))

    def numbers() -> bytes:
        return _npz(values=maps.values, response=maps.response, dead=maps.dead)

    def sheet_of_all() -> lab_sheet.Sheet:
        values = maps.values[..., channel]
        large = gallery.paint(values, max(float(np.abs(values).max()), 1e-12), scale)
        return _report(
            name,
            picked.name,
            maps,
            channel,
            answer=cache.predictions(name, images.digest(picture), picture)[0],
            files=(images.png(picture), sheet(), _enlarged(large), numbers()),
        )

    first, second, third, fourth = st.columns(4)
    with first:
        gallery.download("Contact sheet (PNG)", sheet, f"{stem}.png", "image", width="stretch")
    with second:
        gallery.download("Raw maps (npz)", numbers, f"{stem}.npz", "data_array", width="stretch")
    with third:
        lab_sheet.download(sheet_of_all, stem, width="stretch")
    with fourth.popover("Link to this view", icon=":material/link:", width="stretch"):
        there = {"backbone": name, "layer": maps.layer.name} | one_value.link()
        class_link.address(class_link.as_set(there))
        own = picked.name not in [s.lower() for s in samples.SAMPLES]
        if own and "sample_pet" not in st.query_params:
            st.caption("The link does not include your own picture; it opens a sample instead.")


def heat_map(kind: str, label: str, over: np.ndarray, heat: np.ndarray) -> None:
    """A heat map to take home: over the photo, and its numbers.

    Args:
        kind: "class activation" or "saliency".
        label: the class that it explains.
        over: the map over the photo, `(S, S, 3)` in 0..1.
        heat: the map, `(H, W)` in 0..1.
    """
    stem = f"{kind} {label}".replace(" ", "-").replace("/", "-")
    with st.container(horizontal=True):
        gallery.download("Picture (PNG)", lambda: images.png(over), f"{stem}.png", "image")
        gallery.download("Numbers (npz)", lambda: _npz(heat=heat), f"{stem}.npz", "data_array")


def _report(
    name: str,
    picture: str,
    maps: Activations,
    channel: int,
    answer: Sequence[Prediction],
    files: tuple[bytes, bytes, bytes, bytes],
) -> lab_sheet.Sheet:
    """The lab sheet: what was done, what was seen, a caption for each figure."""
    place = int(np.flatnonzero(maps.ranking == channel)[0]) + 1
    count, of = len(maps.response), maps.layer.name
    said = (
        f"Channel {channel}, place {place} of {count} by response ({maps.response[channel]:.3g})."
    )
    names = {
        "picture.png": "The picture as the network gets it.",
        "channels.png": f"Channels of {of}; bright means a strong response.",
        f"channel-{channel}.png": said,
        "maps.npz": "values (height, width, channels), response and dead (channels).",
    }
    return lab_sheet.Sheet(
        title="Feature maps",
        facts={"Backbone": name, "Picture": picture, "Layer": network_map.describe(maps.layer)},
        results=[
            *(f"{p.label}: {100 * p.probability:.1f} %" for p in answer),
            f"Dead channels: {int(maps.dead.sum())} of {count}.",
            f"Strongest: {', '.join(str(c) for c in maps.ranking[:5])}.",
        ],
        files={
            name: (content, caption)
            for (name, caption), content in zip(names.items(), files, strict=True)
        },
    )


def _enlarged(painted: np.ndarray) -> bytes:
    return gallery.png_of(Image.fromarray(gallery.enlarged(painted, 448)))


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
