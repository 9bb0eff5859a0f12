"""The target of an ideal image: a class, two, a channel, a neuron, a layer, a direction."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from components import shell
from components.ideal_images import photo_sets
from components.shell import cache, class_link, linked
from components.widgets import pickers

if TYPE_CHECKING:
    from engine.backbones import Backbone

CLASS, TWO, CHANNEL, NEURON, LAYER, DIRECTION = ASKS = (
    "a class",
    "two classes",
    "a channel",
    "a neuron",
    "a whole layer",
    "the difference between two sets of photos",
)
CATS = ("Siamese cat", "Egyptian cat", "Siamese", "cat")
DOG = ("golden retriever", "beagle", "dog")


def choose(net: "Backbone") -> tuple[Any, str]:
    """Lets a person choose: a class index or an objective, and what to call it.

    A link may ask for a class by `class`, or for a channel by `of_layer` and `of_channel`.
    """
    _take_link(net)
    shell.check_link("ask", ASKS, "the kind of target")
    class_link.keep_value("ask")
    kind = st.selectbox("Target", ASKS, key="ask", bind="query-params")
    if kind == CLASS:
        shell.check_link("class", net.class_names, "the class")
        index = _class(net, "Class", (st.query_params.get("class"), *CATS))
        return index, net.class_names[index]
    if kind == TWO:
        return _two(net)
    if kind == DIRECTION:
        return _direction(net)
    return _inside(net, kind)


def _take_link(net: "Backbone") -> None:
    """Turns a link's `of_layer` and `of_channel` into what the widgets show, once.

    They are no widgets' keys: Streamlit takes those out of a link between pages.
    """
    shapes = _shapes(net)
    shell.check_link("of_layer", tuple(shapes), "the layer")
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
    default = next((net.class_names.index(n) for n in wanted if n in net.class_names), 0)
    return pickers.class_name(
        net.class_names, default, key=f"ideal_{label}_{net.name}", label=label
    )


def _two(net: "Backbone") -> tuple[Any, str]:
    """A weighted sum of two classes' logits; a weight below 0 takes a class away."""
    from engine.synthesis import ClassLogit, Objective

    target, words = Objective(), ""
    for name, label, usual in (("first", "First class", CATS), ("second", "Second class", DOG)):
        shell.check_link(name, net.class_names, f"the {label.lower()}")
        index = _class(net, label, (st.query_params.get(name), *usual))
        linked.keep(name, net.class_names[index], None)
        weight = linked.slider(
            f"Weight of the {label.lower()}, %", -100, 100, 50, 5, name=f"{name}_weight"
        )
        target += weight / 100 * ClassLogit(index)
        sign = " minus " if weight < 0 else " and " if words else ""
        words += f"{sign}{net.class_names[index]}"
    return target, words.strip()


def _direction(net: "Backbone") -> tuple[Any, str]:
    """What a layer responds to in some photos and not in others."""
    from engine.synthesis import Direction

    layer = _layer(net)
    ones = photo_sets.choose("Photos that have it", ("Cat",), "ones")
    usual = ("Bull mastiff", "Dalmatian", "Geese")
    others = photo_sets.choose("Photos that do not", usual, "others")
    difference = cache.mean_response(net.name, layer, ones) - cache.mean_response(
        net.name, layer, others
    )
    if not difference.any():
        st.warning("The layer responds to both sets alike. Choose photos that differ.")
        difference = difference + 1
    return Direction(layer, tuple(map(float, difference))), f"a direction in {layer}"


def _layer(net: "Backbone") -> str:
    names = list(_shapes(net))
    key = f"ideal_layer_{net.name}"
    st.session_state.setdefault(key, names[len(names) // 2])
    class_link.keep_value(key)
    return st.selectbox("Layer", names, key=key)


def _inside(net: "Backbone", kind: str) -> tuple[Any, str]:
    from engine import synthesis

    chosen = _layer(net)
    if kind == LAYER:
        target = synthesis.Layer(chosen)
        return target, target.words(net)
    most, key = _shapes(net)[chosen][-1] - 1, f"ideal_channel_{chosen}"
    st.session_state.setdefault(key, 0)
    class_link.keep_value(key)
    number = int(st.number_input(f"Channel, 0 to {most}", 0, most, key=key))
    part = synthesis.Channel if kind == CHANNEL else synthesis.Neuron
    target = part(chosen, number)
    return target, target.words(net)
