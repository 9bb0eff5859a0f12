"""A layer twice: for two pictures, or at the same depth of two backbones, on one scale."""

import numpy as np
import streamlit as st

from components import cache, gallery, network_map, pickers, shell
from engine import images, weights


def compare(name: str, picked: pickers.Picked, layer: str) -> None:
    """The same depth twice: two pictures, or two backbones, on one scale."""
    what = st.segmented_control(
        "Compare this layer with",
        ["nothing", "another picture", "another backbone"],
        default="nothing",
        required=True,
        key="compare",
        bind="query-params",
    )
    if what == "nothing":
        return
    with shell.errors():
        other_name, other = name, picked
        if what == "another picture":
            other = pickers.picture(key="sample2", label="The other picture", default="Astronaut")
        else:
            others = [n for n in weights.available() if n != name]
            if not others:
                st.info(f"Only {name} is on this machine. Home offers more for download.")
                return
            shell.check_link("backbone2", others, "the other backbone")
            other_name = st.selectbox(
                "The other backbone", others, key="backbone2", bind="query-params"
            )
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
        top = max(gallery.limit_of(maps.values) for *_, maps in sides)
        scales = {gallery.scale_of(maps.values) for *_, maps in sides}
        scale = "signed" if "signed" in scales else "positive"
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
            _difference(sides[0][2].values, sides[1][2].values, order, picked.name, other.name)


def _difference(a: np.ndarray, b: np.ndarray, order: np.ndarray, a_name: str, b_name: str) -> None:
    """What the second picture adds and takes away, channel by channel."""
    change = b - a
    top = gallery.limit_of(change)
    st.markdown(f"**The difference: {b_name} minus {a_name}**")
    if not change.any():
        st.info("Both answer alike: every value of every channel is the same.")
        return
    gallery.legend(top, "signed")
    sheet = gallery.sheet(
        change[..., order], top, "signed", gap=2, enlarge=max(1, 64 // change.shape[0])
    )
    st.image(
        gallery.png_of(sheet), output_format="PNG", width="stretch",
        alt=f"The same channels, {b_name} minus {a_name}",
    )  # fmt: skip
    most = np.argsort(-np.abs(change).mean(axis=(0, 1)))[:3]
    st.caption(f"The channels {', '.join(map(str, most))} differ most.")
