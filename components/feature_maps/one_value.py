"""One value of a channel's map, taken apart: where it looks, what it multiplies, what it adds."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from components.feature_maps import point
from components.shell import cache
from components.widgets import charts, gallery
from engine import images
from engine.core.types import Activations

if TYPE_CHECKING:
    from engine.features import Value

SIDE = 340  # px of the photo with its box
KINDS = {
    "convolution": "A convolution multiplies what it reads by its kernel, and adds everything up.",
    "depthwise convolution": "A depthwise convolution reads one map only: its own.",
    "separable convolution": "A separable convolution reads each map by a kernel of its own, then "
    "adds the maps up by weight. Here both are one kernel.",
    "maximum of a window": "Max pooling keeps the largest value of its window.",
    "mean of a window": "Average pooling keeps the mean of its window.",
    "a function of one value": "This layer changes each value alone.",
    "sum of several maps": "This layer adds up the values at the same place of several maps.",
    "product of several maps": "This layer multiplies the values at the same place of several "
    "maps; where one is a single value, it weighs the whole channel.",
    "one of several inputs": "This layer joins the channels of several layers and changes no "
    "value.",
    "scaled over all channels": "This layer scales the values of all channels at one place to mean "
    "0 and deviation 1, then by what it has learned.",
}


def show(
    name: str, maps: Activations, channel: int, picture: np.ndarray, limit: float, scale: str
) -> None:
    """The map to choose on, the pixels that move the value, and the sum that makes it."""
    values = maps.values[..., channel]
    layer = maps.layer.name
    row, column = _place(layer, channel, values)
    found = cache.value(name, images.digest(picture), layer, channel, row, column, picture)

    def pick(y: int, x: int) -> None:
        st.session_state.value_at = (layer, y, x)

    st.markdown(f"**Row {row}, column {column}: {found.number:.3g}**")
    chosen, seen = st.columns(2, gap="small")
    with chosen:
        point.choose(
            gallery.data_url(Image.fromarray(gallery.paint(values, limit, scale))),
            values.shape,
            (row, column),
            pick,
            label=f"Channel {channel}",
            key="value_map",
        )
        st.caption("Click a value, use the arrow keys, or let the window slide over the map.")
    with seen:
        _field(found, picture)
    _sum(found)


def link() -> dict[str, str]:
    """The chosen value, as a link to this page has it; it is not in the address, which would put
    every step of the window into the browser's history.
    """
    layer, row, column = st.session_state.get("value_at", (None, 0, 0))
    return {"value": f"{row},{column}"} if layer == st.session_state.get("layer", "") else {}


def _place(layer: str, channel: int, values: np.ndarray) -> tuple[int, int]:
    """The chosen place of this layer, or a link's; else where the channel responds most."""
    if (asked := st.query_params.pop("value", None)) and "value_at" not in st.session_state:
        row, _, column = asked.partition(",")
        if row.isascii() and row.isdigit() and column.isascii() and column.isdigit():
            st.session_state.value_at = (layer, int(row[:4]), int(column[:4]))
    chosen, row, column = st.session_state.get("value_at", (None, 0, 0))
    if chosen == layer and row < values.shape[0] and column < values.shape[1]:
        return row, column
    strongest = np.unravel_index(np.abs(values).argmax(), values.shape)
    return int(strongest[0]), int(strongest[1])


def _field(found: "Value", picture: np.ndarray) -> None:
    """The photo with a box around all pixels that move the value."""
    if found.box is None:
        st.caption("No pixel of this picture moves this value.")
        return
    top, left, bottom, right = found.box
    zoom = SIDE / picture.shape[0]
    framed = Image.fromarray(images.to_uint8(images.fit(picture, (SIDE, SIDE))))
    corners = [int(zoom * edge) for edge in (left, top, right - 1, bottom - 1)]
    for colour, width in (("black", 4), ("white", 2)):
        ImageDraw.Draw(framed).rectangle(corners, outline=colour, width=width)
    gallery.show(np.asarray(framed), "The picture; where the value looks is framed")
    share = 100 * (bottom - top) * (right - left) / (picture.shape[0] * picture.shape[1])
    st.caption(
        f"Where it looks: {right - left} × {bottom - top} px, {share:.2g} % of the picture. A "
        "small change of any pixel outside has no effect."
    )


def _sum(found: "Value") -> None:
    """What it reads, the kernel and the products, of the input that counts most."""
    st.markdown(KINDS.get(found.kind, f"Layers of the type {found.kind} are not taken apart here."))
    if found.window is None:
        return
    products = found.products
    if products is None:
        grids = {"reads": found.window.reshape(found.window.shape[0], -1)}
    else:
        each = products.sum(axis=(0, 1))
        count = len(each)
        first = int(np.abs(each).argmax())
        number = first
        if count > 1:
            number = st.number_input(
                f"Input map, of {count}", 0, count - 1, first, key=f"input_of_{count}_{first}"
            )
        grids = {
            "reads": found.window[..., number],
            "× kernel": found.kernel[..., number],
            "= products": products[..., number],
        }
    charts.show(charts.grids(grids), key="value_grids")
    if products is None:
        st.caption(f"Result: {found.number:.3g}.")
        return
    rest = f" The other {count - 1} add {each.sum() - each[number]:.3g}." if count > 1 else ""
    bias = f" The bias is {found.bias:.3g}." if found.bias else ""
    total = float(each.sum()) + found.bias
    after = f" After {found.activation}: {found.number:.3g}." if found.activation else ""
    st.caption(
        f"These products add up to {each[number]:.3g}.{rest}{bias} The sum: {total:.3g}.{after}"
    )
