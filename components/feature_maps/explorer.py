"""The heart of the feature maps screen: a network's layers, their channels, one channel."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from components import shell
from components.feature_maps import (
    comparison,
    contact_sheet,
    drawn_channel,
    exports,
    network_map,
    one_value,
    pictures,
)
from components.shell import cache, lesson_figures
from components.widgets import charts, gallery
from components.widgets.pickers import Picked
from engine import images
from engine.core.types import Activations

if TYPE_CHECKING:
    from engine.backbones import Backbone

PATCHES, PATCH = 6, 88  # parts of the samples that excite a channel most, and their px
LAYER, CHANNEL, NETWORK = "per layer", "per channel", "whole network"  # colour scales
SHOWN = 96  # channels on the sheet until all are asked for


@shell.fragment
def explorer(name: str, picked: Picked) -> None:
    """Layers, their channels, one channel: redrawn alone when one of them changes."""
    with shell.errors():
        net = cache.backbone(name)
        picture, digest = pictures.as_seen(name, picked)
        st.header("The network, layer by layer", anchor=False)
        layer = choose_layer(net)
        maps = cache.activations(name, digest, layer, picture)
        count = len(maps.response)
        sort, scaling, everything = st.columns([1.3, 1.3, 1.4], vertical_alignment="bottom")
        order = sort.segmented_control(
            "Order",
            ["by response", "by zeros", "by number"],
            default="by response",
            required=True,
            key="order",
            bind="query-params",
            help="by zeros: channels with the largest share of zeros come last.",
        )
        shared = scaling.segmented_control(
            "Colour scale",
            [LAYER, CHANNEL, NETWORK],
            default=LAYER,
            required=True,
            key="scaling",
            bind="query-params",
        )
        show_all = count > SHOWN and everything.toggle(
            f"Show all {count} channels", key="show_all", bind="query-params"
        )
        whole = cache.network_scale(name, digest, picture) if shared == NETWORK else None
        sheet = drawn(name, digest, layer, order, shared, show_all, maps, whole)
        left, right = st.columns([1.7, 1], gap="large")
        channel = choose_channel(right, maps, count)
        with left:
            dead = int(maps.dead.sum())
            silent = f", {dead} of them dead on this picture" if dead else ", none dead"
            zeros = 100 * float(maps.zeros.mean())
            st.markdown(f"**{count} channels{silent}** · {zeros:.0f} % of all values are zero")
            gallery.legend(sheet.top, sheet.scale)
            with st.container(height=560, border=False, key="sheet_box"):
                contact_sheet.contact_sheet(
                    sheet.address, sheet.captions, channel, set_channel, key="sheet"
                )
            if len(sheet.channels) < count:
                st.caption(f"The first {len(sheet.channels)} {order}.")
        with right:
            one_channel(name, maps, channel, picture, sheet.scale, sheet.top)
        exports.downloads(name, picked, picture, maps, sheet.channels, sheet.limit, channel)
        comparison.compare(name, picked, layer, channel, set_channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A layer's contact sheet, drawn.

    `address` is its image as a data address, `channels` its tiles' numbers in order, `limit` their
    full scale, one for all or `(c,)`, `top` the one for all, None where each has its own.
    """

    address: str
    captions: list[list[Any]]
    channels: np.ndarray
    scale: str
    limit: float | np.ndarray
    top: float | None


@st.cache_resource(show_spinner=False, max_entries=64)
def drawn(
    name: str,
    digest: str,
    layer: str,
    order: str,
    shared: str,
    show_all: bool,
    _maps: Activations,
    _whole: float | None,
) -> Sheet:
    """A layer's contact sheet, drawn once for all its channels."""
    values, count = _maps.values, len(_maps.response)
    by_zeros = np.argsort(_maps.zeros, kind="stable")
    ranked = {"by response": _maps.ranking, "by zeros": by_zeros}.get(order, np.arange(count))
    channels = ranked if show_all else ranked[:SHOWN]
    scale = gallery.scale_of(values)
    top = {LAYER: gallery.limit_of(values), CHANNEL: None, NETWORK: _whole}[shared]
    limit = np.abs(values[..., channels]).max(axis=(0, 1)) if top is None else top
    return Sheet(
        address=gallery.data_url(gallery.sheet(values[..., channels], limit, scale)),
        captions=gallery.captions(channels, _maps.response, _maps.dead),
        channels=channels,
        scale=scale,
        limit=limit,
        top=top,
    )


def choose_layer(net: "Backbone") -> str:
    """The network as a picture and as a list; both pick the same layer."""
    options = [info.name for info in net.layers if info.has_maps]
    if "explored" not in st.session_state:
        shell.check_link("layer", options, "the layer")
    if st.session_state.get("layer") not in options:
        st.session_state.pop("layer", None)
    default = options.index(cache.default_layer(net.name))
    linked = st.query_params.get("layer")
    before, depth = st.session_state.get("explored", (net.name, None))
    if before != net.name:  # another network: the same depth, and channels that mean other things
        st.session_state.layer = cache.nearest_layer(net.name, depth)
        st.session_state.pop("channel", None)
    elif "layer" not in st.session_state:
        st.session_state.layer = linked if linked in options else options[default]
    current = st.session_state.layer

    def set_layer(name: str) -> None:
        st.session_state.layer = name

    network_map.network_map(net.layers, current, set_layer, key="network_map")
    network_map.legend()
    choice, around = st.columns([5, 2], vertical_alignment="bottom")
    layer = choice.selectbox("Layer", options, key="layer", bind="query-params")
    info = net.layer(layer)
    st.session_state.explored = (net.name, info.depth)
    described = f"{network_map.describe(info)} · {info.parameters:,} parameters"
    st.caption(f"{described}. {network_map.explain(info)}")
    lesson_figures.compare("feature maps", " × ".join(map(str, info.shape)), {})
    place = options.index(layer)
    with around.container(horizontal=True):
        for label, icon, to in (("Back", "left", place - 1), ("Next", "right", place + 1)):
            there = 0 <= to < len(options)
            st.button(
                label,
                icon=f":material/chevron_{icon}:",
                on_click=set_layer,
                width="stretch",
                args=(options[to if there else place],),
                disabled=not there,
            )
    return layer


def set_channel(number: int) -> None:
    """Called when a tile is clicked."""
    st.session_state.channel = number


def choose_channel(place, maps: Activations, count: int) -> int:
    """A number that also follows clicks on the sheet and links."""
    asked = st.query_params.get("channel")
    readable = asked is None or (asked.isascii() and asked.isdigit() and len(asked) < 7)
    from_link = "channel" not in st.session_state
    if from_link and asked is not None and asked not in map(str, range(count)):
        place.warning(
            f"The link asks for channel `{asked[:20].replace('`', '')}`; this layer has channels "
            f"0 to {count - 1}. Showing the strongest.",
            icon=":material/link_off:",
        )
    if not readable:
        del st.query_params["channel"]
    if not 0 <= (st.session_state.get("channel") or 0) < count:
        st.session_state.pop("channel", None)
    strongest = int(maps.ranking[0])
    number = place.number_input(
        "Channel",
        0,
        count - 1,
        value=None,
        step=1,
        key="channel",
        bind="query-params" if readable else None,  # a number of 400 figures would end the run
        placeholder=f"strongest: {strongest}",
    )
    return strongest if number is None else int(number)


def one_channel(
    name: str, maps: Activations, channel: int, picture: np.ndarray, scale: str, limit: float | None
) -> None:
    """A channel large, over the photo, and its place among the others."""
    values = maps.values[..., channel]
    top = limit or max(float(np.abs(values).max()), 1e-12)
    rank = int(np.flatnonzero(maps.ranking == channel)[0]) + 1
    st.markdown(
        f"**Channel {channel}**, rank {rank} of {len(maps.response)}, "
        f"{100 * maps.zeros[channel]:.0f} % zeros"
    )
    alone, over, likes, apart = st.tabs(
        ["The map", "Over the photo", "What activates it", "One value"],
        key="tab",
        on_change="rerun",
        bind="query-params",
    )  # only the open one is computed
    if alone.open:
        with alone:
            figure = charts.channel(values, top, scale)
            charts.show(figure, key="one_channel")
    if over.open:
        heat = np.abs(values) / max(float(np.abs(values).max()), 1e-12)
        with over:
            gallery.show(
                gallery.overlay(picture, heat, 0.8),
                f"Channel {channel} over the picture: bright where it responds",
            )
    if likes.open:
        with likes:
            what_it_likes(name, maps.layer.name, channel)
    if apart.open:
        with apart:
            one_value.show(name, maps, channel, picture, top, scale)
    if maps.dead[channel]:
        st.info("This channel has the same value everywhere on this picture: it is dead here.")
    charts.show(charts.responses(maps.response, channel), key="responses")


def what_it_likes(name: str, layer: str, channel: int) -> None:
    """Real patches that excite the channel, and a picture drawn for it on the spot."""
    patches = cache.sample_patches(name, layer, channel)
    with st.container(horizontal=True, gap="small"):
        for sample, patch in patches[:PATCHES]:
            gallery.show(
                images.fit(patch.pixels, (2 * PATCH, 2 * PATCH)),
                f"The part of the sample {sample} that excites channel {channel} most",
                f"{sample.lower()}: {patch.response:.2g}",
                width=PATCH,
            )
    responses = [patch.response for _, patch in patches]
    signed = " A minus sign: it responds in the negative direction." if min(responses) < 0 else ""
    st.caption(f"The samples this channel responds to most, and where in each.{signed}")
    if max(responses) - min(responses) < 0.02 * max(map(abs, responses)):
        st.caption("This channel responds about equally to all samples.")
    drawn_channel.show(name, layer, channel)
