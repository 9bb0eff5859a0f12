"""The target of an ideal image: a class, two at once, a channel, a neuron, a layer."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from components import shell
from components.shell import class_link
from components.widgets import pickers

if TYPE_CHECKING:
    from engine.backbones import Backbone

CLASS, MIX, CHANNEL, NEURON, LAYER = (
    "a class",
    "two classes",
    "a channel",
    "a neuron",
    "a whole layer",
)
ASKS = (CLASS, MIX, CHANNEL, NEURON, LAYER)
CATS = ("Siamese cat", "Egyptian cat", "Siamese", "cat")
DOG = ("golden retriever", "beagle", "dog")


def choose(net: "Backbone") -> tuple[Any, str]:
    """Lets a person choose: a class index or an objective, and what to call it.

    A link may ask for a class by `class`, or for a channel by `of_layer` and `of_channel`.
    """
    _take_link(net)
    shell.check_link("ask", ASKS, "the kind of target", boxed=True)
    class_link.keep_value("ask")
    kind = st.selectbox("Target", ASKS, key="ask", bind="query-params")
    if kind == CLASS:
        index = _class(net, "Class", (st.query_params.get("class"), *CATS))
        return index, net.class_names[index]
    if kind == MIX:
        return _mix(net)
    return _inside(net, kind)


def _take_link(net: "Backbone") -> None:
    """Turns a link's `of_layer` and `of_channel` into what the widgets show, once.

    They are no widgets' keys: Streamlit takes those out of a link between pages.
    """
    shapes = _shapes(net)
    shell.check_link("of_layer", tuple(shapes), "the layer", boxed=True)
    layer = st.query_params.pop("of_layer", None)
    channel = st.query_params.pop("of_channel", None)
    if layer not in shapes:
        return
    if "ask" not in st.query_params:
        st.session_state.ask = CHANNEL
    st.session_state[f"ideal_layer_{net.name}"] = layer
    if channel in map(str, range(shapes[layer][-1])):
        st.session_state[f"ideal_channel_{layer}"] = int(channel)


def _shapes(net: "Backbone") -> dict[str, tuple[int, ...]]:
    return {info.name: info.shape for info in net.layers if info.has_maps}


def _class(net: "Backbone", label: str, wanted: tuple[str | None, ...]) -> int:
    if label == "Class":
        shell.check_link("class", net.class_names, "the class", boxed=True)
    default = next((net.class_names.index(n) for n in wanted if n in net.class_names), 0)
    return pickers.class_name(
        net.class_names, default, key=f"ideal_{label}_{net.name}", label=label
    )


def _mix(net: "Backbone") -> tuple[Any, str]:
    from engine.synthesis import ClassLogit

    one = _class(net, "First class", CATS)
    other = _class(net, "Second class", DOG)
    share = st.slider("Share of the second, %", 0, 100, 50, 5, key="ideal_share") / 100
    names = net.class_names
    target = (1 - share) * ClassLogit(one) + share * ClassLogit(other)
    return target, f"{names[one]} and {names[other]}"


def _inside(net: "Backbone", kind: str) -> tuple[Any, str]:
    from engine import synthesis

    shapes = _shapes(net)
    names = list(shapes)
    key = f"ideal_layer_{net.name}"
    st.session_state.setdefault(key, names[len(names) // 2])
    class_link.keep_value(key)
    chosen = st.selectbox("Layer", names, key=key)
    if kind == LAYER:
        target = synthesis.Layer(chosen)
        return target, target.words(net)
    most, key = shapes[chosen][-1] - 1, f"ideal_channel_{chosen}"
    st.session_state.setdefault(key, 0)
    class_link.keep_value(key)
    number = int(st.number_input(f"Channel, 0 to {most}", 0, most, key=key))
    part = synthesis.Channel if kind == CHANNEL else synthesis.Neuron
    target = part(chosen, number)
    return target, target.words(net)
