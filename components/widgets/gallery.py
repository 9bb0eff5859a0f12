"""Pictures on the screen, exact to the pixel: colour scales, contact sheets, overlays; files."""

import base64
import io
import mimetypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image
from plotly.colors import diverging, sequential

from engine import images

SIDE = 448  # px of a picture on the screen
TILE = 64  # a contact sheet's tiles have at most this many px a side; the large view has them all
_ANCHORS = {"positive": sequential.Inferno, "signed": diverging.PuOr_r, "heat": sequential.Inferno}


@cache
def colours(scale: str) -> np.ndarray:
    """A colour scale as `(256, 3)` uint8: "positive" from 0 up, "signed" around 0, "heat"."""
    anchors = np.array([_rgb(c) for c in _ANCHORS[scale]])
    at = np.linspace(0, len(anchors) - 1, 256)
    return np.stack(
        [np.interp(at, np.arange(len(anchors)), anchors[:, k]) for k in range(3)], axis=1
    ).astype("uint8")


def _rgb(colour: str) -> tuple[int, ...]:
    if colour.startswith("#"):
        return tuple(int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return tuple(int(part) for part in colour[4:-1].split(","))


def plotly_scale(scale: str) -> list[list[Any]]:
    """The same colour scale for a Plotly heatmap."""
    table = colours(scale)
    return [[k / 255, f"rgb{tuple(int(v) for v in table[k])}"] for k in range(0, 256, 15)]


def scale_of(values: np.ndarray) -> str:
    """Which scale shows the values honestly: "signed" where any lie clearly below zero."""
    return (
        "signed" if values.min() < -1e-3 * max(float(np.abs(values).max()), 1e-12) else "positive"
    )


def limit_of(values: np.ndarray) -> float:
    """A layer's full scale: the 99.5th percentile of the magnitudes that are not zero.

    With the maximum instead, one very strong channel would make all others look black.
    """
    strong = np.abs(values[values != 0])
    return float(np.percentile(strong, 99.5)) if strong.size else 1e-12


def indices(values: np.ndarray, limit: Any, scale: str) -> np.ndarray:
    """Maps values to 0..255: 0..limit for "positive", -limit..limit for "signed".

    `limit` is one number or one for each channel, `(c,)`.
    """
    limit = np.maximum(limit, 1e-12)
    share = values / limit if scale != "signed" else (values / limit + 1) / 2
    return np.rint(np.clip(share, 0, 1) * 255).astype("uint8")


def sheet(
    values: np.ndarray, limit: Any, scale: str, *, gap: int = 0, columns: int = 16, enlarge: int = 1
) -> Image.Image:
    """Lays channels `(h, w, c)` side by side in rows, as a palette image.

    Args:
        values: activations in the order they are to appear.
        limit: full scale, for all or for each channel.
        scale: "positive" or "signed".
        gap: px between tiles.
        columns: tiles in a row.
        enlarge: whole factor by which every pixel is repeated.
    """
    pixels = indices(reduce(values), limit, scale)
    tiles = np.moveaxis(np.repeat(np.repeat(pixels, enlarge, 0), enlarge, 1), -1, 0)
    canvas = _montage(tiles, gap, columns, fill=0 if scale == "positive" else 128)
    image = Image.frombytes("P", canvas.shape[::-1], canvas.tobytes())
    image.putpalette(colours(scale).tobytes())
    return image


def kernel_sheet(kernels: np.ndarray, columns: int = 16) -> np.ndarray:
    """Lays colour kernels `(n, kh, kw, 3)` side by side, `(H, W, 3)` in 0..1; grey is zero."""
    strongest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    tiles = 0.5 + 0.5 * kernels / np.maximum(strongest, 1e-9)
    return _montage(tiles.astype("float32"), 1, columns, fill=1)


def _montage(tiles: np.ndarray, gap: int, columns: int, fill: float) -> np.ndarray:
    """Tiles `(n, h, w)` or `(n, h, w, 3)` in rows, with a gap between them but none around."""
    from skimage.util import montage

    columns = min(columns, len(tiles))
    colour = tiles.ndim == 4
    whole = montage(
        tiles,
        fill=[fill] * 3 if colour else fill,
        grid_shape=(-(-len(tiles) // columns), columns),
        padding_width=gap,
        channel_axis=-1 if colour else None,
    )
    return np.ascontiguousarray(whole[gap : whole.shape[0] - gap, gap : whole.shape[1] - gap])


def reduce(values: np.ndarray) -> np.ndarray:
    """Averages maps larger than a tile down by a whole factor: `(h, w, c)`."""
    from skimage.measure import block_reduce

    factor = -(-values.shape[0] // TILE)
    if factor == 1:
        return values
    h, w = (side // factor * factor for side in values.shape[:2])
    return block_reduce(values[:h, :w], (factor, factor, 1), np.mean)


def paint(values: np.ndarray, limit: float, scale: str) -> np.ndarray:
    """Colours one map `(h, w)` as uint8 `(h, w, 3)`."""
    return colours(scale)[indices(values, limit, scale)]


def overlay(picture: np.ndarray, heat: np.ndarray, opacity: float, side: int = SIDE) -> np.ndarray:
    """Lays a map in 0..1 over a picture, both enlarged smoothly; both stay readable.

    The picture turns grey, and the map covers it as far as it is hot.

    Args:
        picture: `(H, W, 3)` in 0..1; its centre is shown.
        heat: `(h, w)` of that centre.
        opacity: of the map, 0 to 1.
        side: px of the result.

    Returns:
        float32 `(side, side, 3)` in 0..1.
    """
    picture = images.fit(picture, (side, side))
    heat = images.resize_map(heat, (side, side)).clip(0, 1)
    grey = picture.mean(axis=-1, keepdims=True)
    cover = opacity * heat[..., None]
    colour = colours("heat")[np.rint(heat * 255).astype("uint8")] / 255.0
    base = picture * (1 - 0.6 * opacity) + grey * 0.6 * opacity
    return (base * (1 - cover) + colour * cover).astype("float32")


def enlarged(picture: np.ndarray, to: int) -> np.ndarray:
    """Repeats pixels by a whole factor until the picture is about `to` px wide: no blur; uint8."""
    factor = max(1, round(to / picture.shape[1]))
    pixels = picture if picture.dtype == np.uint8 else images.to_uint8(picture)
    return np.repeat(np.repeat(pixels, factor, axis=0), factor, axis=1)


def smooth(picture: np.ndarray) -> np.ndarray:
    """The centre of a picture as large as it is shown, `(SIDE, SIDE, 3)`."""
    return images.fit(picture, (SIDE, SIDE))


def stretched(picture: np.ndarray) -> np.ndarray:
    """The picture with its darkest value black and its brightest white, to see faint patterns."""
    from skimage.exposure import rescale_intensity

    low, high = float(picture.min()), float(picture.max())
    return rescale_intensity(picture, (low, max(high, low + 1e-6)), (0.0, 1.0))


def show(
    picture: np.ndarray, alt: str, caption: str | None = None, *, width: Any = "stretch"
) -> None:
    """Shows a picture without loss.

    It travels in the page's own message: Streamlit deletes the file of a picture as soon as another
    one replaces it, even if a slow browser has not fetched it yet.

    Args:
        picture: `(H, W, 3)` 0..1 or uint8.
        alt: what it shows, for screen readers.
        caption: the line below it.
        width: in px, or "stretch".
    """
    pixels = picture if picture.dtype == np.uint8 else images.to_uint8(picture)
    encoded = _encoded(images.digest(pixels), pixels)
    st.image(encoded, caption=caption, width=width, alt=alt)


@st.cache_resource(show_spinner=False, max_entries=48)
def _encoded(digest: str, _pixels: np.ndarray) -> str:
    """A picture as an address, made once for all who look at it and for every run of a page."""
    return _address("webp", images.webp(_pixels))


def download(
    label: str,
    make: Callable[[], bytes],
    file_name: str,
    icon: str,
    *,
    help: str | None = None,
    width: Any = "content",
) -> None:
    """A button whose file is made when it is asked for, by `make()`.

    It does not rerun the page: during a rerun, Streamlit discards the files of the other buttons,
    and a second click would download nothing.
    """
    kind = mimetypes.guess_type(file_name, strict=False)[0] or "application/octet-stream"
    st.download_button(
        label,
        make,
        file_name=file_name,
        mime=kind,
        icon=f":material/{icon}:",
        help=help,
        width=width,
        on_click="ignore",
    )


def legend(limit: float | None, scale: str) -> None:
    """The colour scale with its end values; no number where each channel has its own."""
    table = colours(scale)
    stops = ", ".join(f"rgb{tuple(int(v) for v in table[k])}" for k in range(0, 256, 32))
    low = "0" if scale == "positive" else ("lowest" if limit is None else f"≤ −{limit:.3g}")
    high = "highest of the channel" if limit is None else f"≥ {limit:.3g}"
    middle = "<span>0</span>" if scale == "signed" else ""
    st.html(
        f'<div role="img" aria-label="Colour scale from {low} to {high}" style="display:flex;'
        f'flex-direction:column;gap:2px;font-size:.8rem;max-width:24rem;opacity:.9">'
        f'<div style="height:10px;border-radius:5px;background:linear-gradient(90deg,{stops})">'
        f'</div><div style="display:flex;justify-content:space-between"><span>{low}</span>'
        f"{middle}<span>{high}</span></div></div>"
    )


def data_url(image: Image.Image) -> str:
    """An image as a data address for a component."""
    return _address("png", png_of(image))


def _address(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def png_of(image: Image.Image) -> bytes:
    """An image as PNG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def captions(channels: Sequence[int], response: np.ndarray, dead: np.ndarray) -> list[list[Any]]:
    """For each tile: channel number, response to three figures, whether it is dead."""
    return [[int(c), f"{response[c]:.3g}", bool(dead[c])] for c in channels]
