"""The downloads of the feature maps screen: a picture, numbers, a lab sheet; and a link."""

import io
import zipfile
from datetime import date
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from PIL import Image

from components.feature_maps import network_map
from components.shell import cache
from components.widgets import gallery
from components.widgets.pickers import Picked
from engine import images
from engine.storage import samples
from engine.types import Activations


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

    def lab_sheet() -> bytes:
        values = maps.values[..., channel]
        large = gallery.paint(values, max(float(np.abs(values).max()), 1e-12), scale)
        answer, _ = cache.predictions(name, images.digest(picture), picture)
        return _zip(
            {
                "lab-sheet.txt": _report(name, picked.name, maps, channel, answer).encode(),
                "picture.png": images.png(picture),
                "channels.png": sheet(),
                f"channel-{channel}.png": gallery.png_of(
                    Image.fromarray(gallery.enlarged(large, 448))
                ),
                "maps.npz": numbers(),
            }
        )

    first, second, third, fourth = st.columns(4)
    with first:
        gallery.download("Contact sheet (PNG)", sheet, f"{stem}.png", "image", width="stretch")
    with second:
        gallery.download("Raw maps (npz)", numbers, f"{stem}.npz", "data_array", width="stretch")
    with third:
        gallery.download(
            "Lab sheet (ZIP)",
            lab_sheet,
            f"{stem}.zip",
            "lab_profile",
            width="stretch",
            help="The picture, the channels, the numbers, and a text to go under them in a report.",
        )
    with fourth.popover("Link to this view", icon=":material/link:", width="stretch"):
        st.code(_link(name, maps.layer.name), language=None, wrap_lines=True)
        if picked.name not in [s.lower() for s in samples.SAMPLES]:
            st.caption("Your own picture stays with you; the link opens a sample instead.")


def _link(name: str, layer: str) -> str:
    state = st.query_params.to_dict() | {"backbone": name, "layer": layer}
    return f"{(st.context.url or '').split('?')[0]}?{urlencode(state)}"


def _report(name: str, picture: str, maps: Activations, channel: int, answer) -> str:
    """The lab sheet's text: what was done, what was seen, a caption for each figure."""
    strongest = ", ".join(str(c) for c in maps.ranking[:5])
    guesses = "\n".join(f"  {p.label}: {100 * p.probability:.1f} %" for p in answer)
    place = int(np.flatnonzero(maps.ranking == channel)[0]) + 1
    layer, count = network_map.describe(maps.layer), len(maps.response)
    return (
        f"Feature maps, {date.today():%d %B %Y}\n\n"
        f"Backbone: {name}\nPicture: {picture}\nLayer: {layer}\n\n"
        f"Predictions:\n{guesses}\n\n"
        f"Figure 1 (picture.png). The picture as the network gets it.\n"
        f"Figure 2 (channels.png). Channels of {maps.layer.name}; bright means a strong response.\n"
        f"Figure 3 (channel-{channel}.png). Channel {channel}, place {place} of {count} by "
        f"response ({maps.response[channel]:.3g}).\n\n"
        f"Dead channels: {int(maps.dead.sum())} of {count}. Strongest: {strongest}.\n"
        "maps.npz: values (height, width, channels), response and dead (channels).\n\n"
        "What I expected:\n\nWhat I saw:\n"
    )


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file_name, content in files.items():
            archive.writestr(file_name, content)
    return buffer.getvalue()
