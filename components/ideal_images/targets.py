"""The target of an ideal image: a class, a channel, a neuron, a layer, a direction, a mix."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from components import shell
from components.ideal_images import photo_sets
from components.shell import cache, class_link, linked
from components.widgets import pickers

if TYPE_CHECKING:
    from engine.backbones import Backbone

CLASS, CHANNEL, NEURON, LAYER, DIRECTION, MIX = ASKS = (
    "a class",
    "a channel",
    "a neuron",
    "a whole layer",
    "the difference between two sets of photos",
    "a mix",
)
PARTS = ("first", "second", "third")  # of a mix
STRONGEST = {CLASS: 100, CHANNEL: 1000, LAYER: 1000}  # weight of a part, %: logits are large
CATS = ("Siamese cat", "Egyptian cat", "Siamese", "cat")
DOG = ("golden retriever", "beagle", "dog")


def choose(net: "Backbone") -> tuple[Any, str]:
    """Lets a person choose: a class index or an objective, and what to call it.

    A link may ask for a class by `class`, or for a channel by `of_layer` and `of_channel`.
    """
    _take_link(net)
    if st.query_params.get("ask") == "two classes":  # older links
        st.query_params["ask"] = st.session_state.ask = MIX
    shell.check_link("ask", ASKS, "the kind of target")
    class_link.keep_value("ask")
    kind = st.selectbox("Target", ASKS, key="ask", bind="query-params")
    if kind == CLASS:
        shell.check_link("class", net.class_names, "the class")
        index = _class(net, "Class", st.query_params.get("class"), CATS)
        return index, net.class_names[index]
    if kind == MIX:
        return _mix(net)
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


def _class(net: "Backbone", label: str, asked: str | None, usual: tuple[str, ...]) -> int:
    default = next((net.class_names.index(n) for n in usual if n in net.class_names), 0)
    return pickers.class_name(
        net.class_names, default, asked, backbone=net.name, key=f"ideal_{label}", label=label
    )


def _mix(net: "Backbone") -> tuple[Any, str]:
    """A weighted sum of two or three targets; a weight below 0 takes one away."""
    from engine.synthesis import Objective

    count = linked.selectbox("Number of parts", (2, 3), 2, name="parts")
    target, words = Objective(), ""
    for name, usual in zip(PARTS[:count], (CATS, DOG, ("zebra", "goldfish")), strict=False):
        part, of, weight = _part(net, name, usual)
        target += weight / 100 * part
        words += f"{' minus ' if weight < 0 else ' and ' if words else ''}{of}"
    return target, words.strip()


def _part(net: "Backbone", name: str, usual: tuple[str, ...]) -> tuple[Any, str, int]:
    """One part of a mix, what to call it, and its weight in percent."""
    from engine import synthesis

    label = f"{name.capitalize()} part"
    kind = linked.selectbox(label, tuple(STRONGEST), CLASS, name=f"{name}_kind")
    if kind == CLASS:
        if linked.by_link(name):
            shell.check_link(name, net.class_names, f"the class of the {name} part")
        index = _class(net, f"{label}: class", linked.asked(name), usual)
        linked.keep(name, net.class_names[index], None)
        part, of = synthesis.ClassLogit(index), net.class_names[index]
    else:
        shapes, key = _shapes(net), f"{name}_layer_{net.name}"
        layers = list(shapes)
        middle = layers[len(layers) // 2]
        layer = linked.selectbox(f"{label}: layer", layers, middle, name=f"{name}_layer", key=key)
        part = synthesis.Layer(layer)
        if kind == CHANNEL:
            most, key = shapes[layer][-1] - 1, f"{name}_channel_{net.name}_{layer}"
            number = linked.number_input(
                f"{label}: channel, 0 to {most}", 0, most, 0, name=f"{name}_channel", key=key
            )
            part = synthesis.Channel(layer, number)
        of = part.words(net)
    most = STRONGEST[kind]
    weight = linked.slider(
        f"{label}: weight, %",
        -most,
        most,
        most // 2,
        5,
        name=f"{name}_weight",
        key=f"{name}_{most}",
    )
    return part, of, weight


def _direction(net: "Backbone") -> tuple[Any, str]:
    """What a layer responds to in some photos and not in others."""
    from engine.synthesis import Direction

    layer = _layer(net)
    ones = photo_sets.choose("Photos with the feature", ("Cat",), "ones")
    usual = ("Bull mastiff", "Dalmatian", "Geese")
    others = photo_sets.choose("Photos without it", usual, "others")
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
