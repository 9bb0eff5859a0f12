"""Feature maps: a picture goes in, a network opens up."""

import io
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from components import cache, charts, contact_sheet, gallery, network_map, pickers, shell
from engine import images

shell.page(
    "Feature maps",
    "A picture goes in, and every layer answers with its own maps: first edges and colours, then "
    "textures, then parts of things.",
)
shell.lesson_card(
    "In the first layers you will still recognise the photo. In the last layers, will you? "
    "And will more channels answer there, or fewer?",
    "Early maps keep the shape of the photo because each value looks at a few pixels only. Late "
    "maps are tiny: a value stands for a large part of the photo and says how much of *one thing* "
    "is there. Most late channels stay silent, because most things are not in your photo.",
    (
        "A channel of an early layer that answers to edges of one direction only.",
        "A channel of a middle layer that lights up on the eyes, or on fur.",
        "How many channels are dead in the last layers, and whether another picture wakes them.",
        "Where the network looks for its first guess, and where for a wrong class.",
    ),
)
SHOWN = 96  # channels on the sheet until all are asked for


def backbone_and_picture() -> tuple[str, pickers.Picked] | None:
    """The first row: choose, see what the network gets, and what it says."""
    left, middle, right = st.columns([1.15, 0.85, 1.2], gap="large")
    with left:
        name = pickers.backbone()
        picked = pickers.picture()
    if name is None:
        return None
    shell.wait_for_engine()
    with shell.errors():
        net = cache.backbone(name)
        picture = images.fit(picked.picture, net.input_size)
        answer, seconds = cache.predictions(name, images.digest(picture), picture)
        with middle:
            st.markdown("**What the network gets**")
            gallery.show(
                gallery.enlarged(picture, 448),
                f"{picked.name}, cut to {picture.shape[1]} by {picture.shape[0]} pixels",
                f"{picture.shape[1]} × {picture.shape[0]} px, the centre of the picture",
            )
        with right:
            st.markdown("**What it says**")
            st.plotly_chart(charts.confidence(answer), config=charts.CONFIG, key="confidence")
            st.caption(f"{name} took {1000 * seconds:.0f} ms on {cache.device().name}.")
        return name, picked
    return None


def choose_layer(net) -> str:
    """The network as a picture and as a list; both pick the same layer."""
    options = [info.name for info in net.layers if info.has_maps]
    shell.check_link("layer", options, "the layer")
    if st.session_state.get("layer") not in options:
        st.session_state.pop("layer", None)
    default = options.index(cache.default_layer(net.name))
    current = st.session_state.get("layer") or options[default]

    def set_layer(name: str) -> None:
        st.session_state.layer = name

    linked = st.query_params.get("layer")
    if "layer" not in st.session_state and linked in options:
        current = linked
    network_map.network_map(net.layers, current, set_layer, key="network_map")
    network_map.legend()
    back, choice, on = st.columns([1, 5, 1], vertical_alignment="bottom")
    layer = choice.selectbox(
        "Layer",
        options,
        index=default,
        key="layer",
        bind="query-params",
        format_func=lambda n: network_map.describe(net.layer(n)),
    )
    place = options.index(layer)
    back.button(
        "Back",
        icon=":material/chevron_left:",
        on_click=set_layer,
        args=(options[max(place - 1, 0)],),
        width="stretch",
        disabled=place == 0,
    )
    on.button(
        "Next",
        icon=":material/chevron_right:",
        on_click=set_layer,
        args=(options[min(place + 1, len(options) - 1)],),
        width="stretch",
        disabled=place == len(options) - 1,
    )
    return layer


@st.fragment
def explorer(name: str, picked: pickers.Picked) -> None:
    """Layers, their channels, one channel: redrawn alone when one of them changes."""
    with shell.errors():
        net = cache.backbone(name)
        picture = images.fit(picked.picture, net.input_size)
        st.subheader("The network, layer by layer", anchor=False)
        layer = choose_layer(net)
        maps = cache.activations(name, images.digest(picture), layer, picture)
        count = len(maps.response)
        sort, scaling, everything = st.columns([2, 2, 2], vertical_alignment="bottom")
        order = sort.segmented_control(
            "Order", ["by response", "by number"], default="by response", required=True,
            key="order", bind="query-params",
        )  # fmt: skip
        shared = scaling.segmented_control(
            "Colour scale", ["per layer", "per channel"], default="per layer", required=True,
            key="scaling", bind="query-params",
        )  # fmt: skip
        show_all = count > SHOWN and everything.toggle(f"Show all {count} channels", key="show_all")
        ranked = maps.ranking if order == "by response" else np.arange(count)
        channels = ranked if show_all else ranked[:SHOWN]
        scale = gallery.scale_of(maps.values)
        top = float(np.abs(maps.values).max())
        own_top = np.abs(maps.values).max(axis=(0, 1))
        limit = top if shared == "per layer" else own_top[channels]
        sheet = gallery.sheet(maps.values[..., channels], limit, scale)
        left, right = st.columns([1.7, 1], gap="large")
        channel = choose_channel(right, maps, count)
        with left:
            dead = int(maps.dead.sum())
            silent = f", {dead} of them dead on this picture" if dead else ", none dead"
            st.markdown(f"**{count} channels{silent}**")
            gallery.legend(None if shared == "per channel" else top, scale)
            with st.container(height=560, border=False):
                contact_sheet.contact_sheet(
                    sheet,
                    gallery.captions(channels, maps.response, maps.dead),
                    channel,
                    set_channel,
                    key="sheet",
                )
            if len(channels) < count:
                st.caption(f"The first {len(channels)} {order}.")
        with right:
            one_channel(maps, channel, picture, scale, top if shared == "per layer" else None)
        downloads(name, picked, maps, channels, limit, scale)


def set_channel(number: int) -> None:
    """Called when a tile is clicked."""
    st.session_state.channel = number


def choose_channel(place, maps, count: int) -> int:
    """A number that also follows clicks on the sheet and links."""
    asked = st.query_params.get("channel")
    if asked is not None and not (asked.isdigit() and int(asked) < count):
        place.warning(
            f"The link asks for channel `{asked[:20].replace('`', '')}`; this layer has channels "
            f"0 to {count - 1}. Showing the strongest.",
            icon=":material/link_off:",
        )
    if not 0 <= (st.session_state.get("channel") or 0) < count:
        st.session_state.pop("channel", None)
    strongest = int(maps.ranking[0])
    number = place.number_input(
        "Channel", 0, count - 1, value=None, step=1, key="channel", bind="query-params",
        placeholder=f"strongest: {strongest}",
    )  # fmt: skip
    return strongest if number is None else int(number)


def one_channel(maps, channel: int, picture, scale: str, limit: float | None) -> None:
    """A channel large, over the photo, and its place among the others."""
    values = maps.values[..., channel]
    top = limit or max(float(np.abs(values).max()), 1e-12)
    rank = int(np.flatnonzero(maps.ranking == channel)[0]) + 1
    st.markdown(f"**Channel {channel}**, rank {rank} of {len(maps.response)}")
    alone, over = st.tabs(["The map", "Over the photo"])
    with alone:
        st.plotly_chart(charts.channel(values, top, scale), config=charts.CONFIG, key="one_channel")
    with over:
        heat = images.resize_map(np.abs(values) / max(float(np.abs(values).max()), 1e-12),
                                 picture.shape[:2]).clip(0, 1)  # fmt: skip
        gallery.show(
            gallery.enlarged(gallery.overlay(picture, heat, 0.8), 448),
            f"Channel {channel} over the picture: bright where it answers",
        )
    if maps.dead[channel]:
        st.info("This channel answers the same everywhere on this picture: it is dead here.")
    st.plotly_chart(charts.responses(maps.response, channel), config=charts.CONFIG, key="responses")


def downloads(name: str, picked, maps, channels, limit, scale: str) -> None:
    """The sheet as a picture, the maps as numbers, the state as a link."""
    stem = f"{name}-{maps.layer.name}-{picked.name}".replace("/", "-").replace(" ", "-")
    first, second, third = st.columns(3)
    first.download_button(
        "Contact sheet (PNG)",
        lambda: gallery.png_of(
            gallery.sheet(
                maps.values[..., channels], limit, scale, gap=2,
                enlarge=max(1, 48 // maps.values.shape[0]),
            )
        ),
        file_name=f"{stem}.png",
        mime="image/png",
        icon=":material/image:",
        width="stretch",
    )  # fmt: skip
    second.download_button(
        "Raw maps (npz)",
        lambda: _npz(maps),
        file_name=f"{stem}.npz",
        mime="application/octet-stream",
        icon=":material/data_array:",
        width="stretch",
    )
    state = {"backbone": name, "layer": maps.layer.name}
    for key in ("sample", "channel"):
        if st.session_state.get(key) is not None:
            state[key] = st.session_state[key]
    with third.popover("Link to this view", icon=":material/link:", width="stretch"):
        st.code(f"{_address()}?{urlencode(state)}", language=None)
        if picked.name not in [s.lower() for s in cache.SAMPLES]:
            st.caption("Your own picture stays with you; the link opens a sample instead.")


def _npz(maps) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, values=maps.values, response=maps.response, dead=maps.dead)
    return buffer.getvalue()


def _address() -> str:
    return (st.context.url or "").split("?")[0]


@st.fragment
def where_it_looks(name: str, picked: pickers.Picked) -> None:
    """Class activation and saliency over the photo, for any class."""
    with shell.errors():
        net = cache.backbone(name)
        picture = images.fit(picked.picture, net.input_size)
        digest = images.digest(picture)
        answer, _ = cache.predictions(name, digest, picture)
        st.subheader("Where it looks", anchor=False)
        left, right = st.columns([2, 1], vertical_alignment="bottom")
        with left:
            chosen = pickers.class_name(
                net.class_names, answer[0].class_index, key=f"explain_{name}_{digest}",
                label="For the class",
            )  # fmt: skip
        opacity = right.slider("Opacity", 0.0, 1.0, 0.8, 0.05, key="opacity")
        label = net.class_names[chosen]
        heat = cache.class_activation(name, digest, chosen, picture)
        with st.spinner("Asking every pixel …"):
            pixels = cache.saliency(name, digest, chosen, picture)
        first, second = st.columns(2, gap="large")
        with first:
            gallery.show(
                gallery.enlarged(gallery.overlay(picture, heat, opacity), 448),
                f"Class activation for {label}",
                f"Class activation (Grad-CAM): the places whose maps speak for “{label}”",
            )
            if not heat.any():
                st.info(f"Nothing in this picture speaks for “{label}”.")
        with second:
            gallery.show(
                gallery.enlarged(gallery.overlay(picture, pixels, opacity), 448),
                f"Saliency for {label}",
                f"Saliency (SmoothGrad): the pixels that move “{label}” most",
            )


@st.fragment
def compare(name: str, picked: pickers.Picked) -> None:
    """The same depth twice: two pictures, or two backbones, on one scale."""
    st.subheader("Compare", anchor=False)
    what = st.segmented_control(
        "Beside it", ["nothing", "another picture", "another backbone"], default="nothing",
        required=True, key="compare", bind="query-params",
    )  # fmt: skip
    if what == "nothing":
        return
    with shell.errors():
        layer = st.session_state.get("layer") or cache.default_layer(name)
        other_name, other = name, picked
        if what == "another picture":
            other = pickers.picture(key="sample2", label="The other picture")
        else:
            other_name = pickers.backbone(key="backbone2", label="The other backbone")
            if other_name is None:
                return
        sides = []
        depth = cache.backbone(name).layer(layer).depth
        for each_name, each in ((name, picked), (other_name, other)):
            net = cache.backbone(each_name)
            at = layer if each_name == name else cache.nearest_layer(each_name, depth)
            picture = images.fit(each.picture, net.input_size)
            sides.append(
                (each_name, each, cache.activations(each_name, images.digest(picture), at, picture))
            )
        same_layer = other_name == name
        order = sides[0][2].ranking[:48]
        top = max(float(np.abs(maps.values).max()) for *_, maps in sides)
        scale = (
            "signed"
            if any(gallery.scale_of(m.values) == "signed" for *_, m in sides)
            else "positive"
        )
        gallery.legend(top, scale)
        for column, (each_name, each, maps) in zip(st.columns(2, gap="large"), sides, strict=True):
            chosen = order if same_layer else maps.ranking[:48]
            with column:
                st.markdown(f"**{each_name}, {each.name}**")
                st.caption(
                    f"{network_map.describe(maps.layer)}; {int(maps.dead.sum())} dead; "
                    f"at {100 * cache.backbone(each_name).layer(maps.layer.name).depth:.0f} % of "
                    "the depth"
                )
                enlarge = max(1, 64 // maps.values.shape[0])
                sheet = gallery.sheet(
                    maps.values[..., chosen], top, scale, gap=2, columns=8, enlarge=enlarge
                )
                st.image(
                    gallery.png_of(sheet), output_format="PNG", width="stretch",
                    alt=f"48 channels of {each_name} on {each.name}",
                )  # fmt: skip
        if same_layer:
            st.caption("The same channels in the same places, on one colour scale.")


@st.fragment
def first_kernels(name: str) -> None:
    """The only weights one can see: the first layer's kernels, in colour."""
    with shell.errors(), st.expander("The first layer's kernels", icon=":material/blur_on:"):
        kernels = cache.kernels(name)  # (n, kh, kw, 3)
        n, kh, kw, _ = kernels.shape
        low = kernels.min(axis=(1, 2, 3), keepdims=True)
        high = kernels.max(axis=(1, 2, 3), keepdims=True)
        tiles = (kernels - low) / np.maximum(high - low, 1e-12)
        columns = 16
        rows = -(-n // columns)
        canvas = np.ones((rows * (kh + 1) - 1, min(columns, n) * (kw + 1) - 1, 3), "float32")
        for k, tile in enumerate(tiles):
            top, left = k // columns * (kh + 1), k % columns * (kw + 1)
            canvas[top : top + kh, left : left + kw] = tile
        gallery.show(
            gallery.enlarged(canvas, 1000),
            f"{n} kernels of {kh} by {kw} pixels",
            f"{n} kernels of {kh} × {kw} px: each slides over the photo and answers where the "
            "photo looks like it. Contrast is stretched for each kernel.",
        )


ready = backbone_and_picture()
if ready is not None:
    explorer(*ready)
    where_it_looks(*ready)
    compare(*ready)
    first_kernels(ready[0])
