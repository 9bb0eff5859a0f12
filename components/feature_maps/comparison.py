"""A layer twice: for two pictures, or at the same depth of two backbones, on one scale."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from components import shell
from components.feature_maps import contact_sheet, network_map
from components.shell import cache
from components.widgets import gallery, onward, pickers
from engine import images
from engine.core.types import Activations

NOTHING, PICTURE, BACKBONE = "nothing", "another picture", "another backbone"
ORIGINAL = "the original"  # of an attacked picture


def compare(
    name: str, picked: pickers.Picked, layer: str, channel: int, on_pick: Callable[[int], None]
) -> None:
    """The same depth twice: two pictures, or two backbones, on one scale."""
    before = onward.original(picked)
    if before is None and st.session_state.get("compare") == ORIGINAL:
        st.session_state.compare = NOTHING  # another picture was chosen
        st.query_params.pop("compare", None)
    options = [NOTHING, *([ORIGINAL] if before else []), PICTURE, BACKBONE]
    shell.check_link("compare", options, "the comparison")
    what = st.segmented_control(
        "Compare this layer with",
        options,
        default=NOTHING,
        required=True,
        key="compare",
        bind="query-params",
    )
    if what == NOTHING:
        return
    with shell.errors():
        other_name, other = name, picked
        if before and what == ORIGINAL:
            other = before
        elif what == PICTURE:
            other = pickers.picture(key="sample2", label="The other picture", default="Astronaut")
        else:
            others = [n for n in cache.ready() if n != name]
            if not others:
                st.info(f"Only {name} is on this machine. Home offers more for download.")
                return
            if "backbone2" not in st.session_state:
                shell.check_link("backbone2", others, "the other backbone")
            other_name = st.selectbox(
                "The other backbone", others, key="backbone2", bind="query-params"
            )
        sides = []
        depth = cache.backbone(name).layer(layer).depth
        for each_name, each in ((name, picked), (other_name, other)):
            net = cache.backbone(each_name)
            at = (
                layer if _related(name, each_name, layer) else cache.nearest_layer(each_name, depth)
            )
            picture = images.fit(each.picture, net.input_size)
            sides.append(
                (each_name, each, cache.activations(each_name, images.digest(picture), at, picture))
            )
        same_layer = _related(name, other_name, layer)
        order = sides[0][2].ranking[:48]
        top = max(gallery.limit_of(maps.values) for *_, maps in sides)
        scales = {gallery.scale_of(maps.values) for *_, maps in sides}
        scale = "signed" if "signed" in scales else "positive"
        gallery.legend(top, scale)
        columns = st.columns(2, gap="large")
        for side, (each_name, each, maps) in enumerate(sides):
            chosen = order if same_layer else maps.ranking[:48]
            with columns[side]:
                st.markdown(f"**{each_name}, {each.name}**")
                st.caption(
                    f"{network_map.describe(maps.layer)}; {int(maps.dead.sum())} dead; "
                    f"at {100 * cache.backbone(each_name).layer(maps.layer.name).depth:.0f} % of "
                    "the depth"
                )
                contact_sheet.contact_sheet(
                    gallery.data_url(gallery.sheet(maps.values[..., chosen], top, scale)),
                    gallery.captions(chosen, maps.response, maps.dead),
                    channel if same_layer or each_name == name else None,
                    on_pick if same_layer or each_name == name else lambda _: None,
                    key=f"compare_{side}",
                )
        if same_layer:
            st.caption("The same channels in the same places, on one colour scale.")
            words = f"{other.name} minus {picked.name}"
            if other_name != name:
                words = f"{other_name} minus {name}"
            _difference(sides[0][2], sides[1][2], order, words)
        else:
            st.caption(
                "On one colour scale. The channel numbers of two networks are unrelated: compare "
                "the kinds of maps, not single channels."
            )


def _related(name: str, other: str, layer: str) -> bool:
    """Whether two networks are one before and after a training: a layer's channels correspond."""
    if name == other:
        return True
    one, two = cache.backbone(name), cache.backbone(other)
    shape = one.layer(layer).shape
    there = any(info.name == layer and info.shape == shape for info in two.layers)
    if not there or one.spec.builder != two.spec.builder:
        return False
    first, second = (cache.kernels(each).ravel() for each in (name, other))
    return float(np.corrcoef(first, second)[0, 1]) > 0.5  # from scratch they have nothing in common


def _difference(a: Activations, b: Activations, order: np.ndarray, words: str) -> None:
    """What the second one adds and takes away, channel by channel."""
    change = b.values - a.values
    st.markdown(f"**The difference: {words}**")
    if not change.any():
        st.info("Both responses are identical: every value of every channel is the same.")
        return
    most = np.argsort(-np.abs(change).mean(axis=(0, 1)), kind="stable")
    order = np.concatenate([most[:8], order[~np.isin(order, most[:8])]])[:48]
    top = gallery.limit_of(change)
    gallery.legend(top, "signed")
    contact_sheet.contact_sheet(
        gallery.data_url(gallery.sheet(change[..., order], top, "signed")),
        gallery.captions(order, np.abs(change).mean(axis=(0, 1)), np.zeros(len(a.dead), bool)),
        None,
        lambda _: None,
        key="difference",
    )
    st.caption("The eight channels that differ most come first.")
