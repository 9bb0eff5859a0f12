"""Widgets whose values travel with the page's link.

Each begins with what the page's address says, and writes there what it is set to, where that is
not the usual value. So the address of a page is the page as it is set, and whoever comes back to a
page finds its address as it was. Streamlit's own binding needs one key for a parameter; here a
widget may have another key for each preset, so that every preset brings its own numbers.

    steps = linked.slider("Steps", 20, 1000, 160, 20, name="steps", key=f"steps_{preset}")
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from components.shell import addresses, notices


def slider(
    label: str, low: Any, high: Any, usual: Any, step: Any, *, name: str, key: str = "", **more: Any
) -> Any:
    """A slider of whole numbers or of floats, by the kind of `usual`."""
    begun = _asked(name, key, usual, _number(low, high, usual), f"{low:g} to {high:g}")
    value = st.slider(label, low, high, begun, step, key=key or f"{name}_set", **more)
    return keep(name, value, usual, key)


def number_input(
    label: str, low: int, high: int, usual: int, *, name: str, key: str = "", **more: Any
) -> int:
    """A box for a whole number."""
    begun = _asked(
        name, key, usual, _number(low, high, usual), f"a whole number from {low} to {high}"
    )
    value = int(st.number_input(label, low, high, begun, key=key or f"{name}_set", **more))
    return keep(name, value, usual, key)


def select_slider(
    label: str, options: Sequence[Any], usual: Any, *, name: str, key: str = "", **more: Any
) -> Any:
    """A slider over options."""
    begun = _asked(name, key, usual, _option(options))
    value = st.select_slider(label, options, begun, key=key or f"{name}_set", **more)
    return keep(name, value, usual, key)


def selectbox(
    label: str, options: Sequence[Any], usual: Any, *, name: str, key: str = "", **more: Any
) -> Any:
    """A box of options."""
    begun = options.index(_asked(name, key, usual, _option(options)))
    value = st.selectbox(label, options, begun, key=key or f"{name}_set", **more)
    return keep(name, value, usual, key)


def toggle(label: str, usual: bool, *, name: str, key: str = "", **more: Any) -> bool:
    """A switch."""
    begun = _asked(name, key, usual, _option((False, True)))
    value = st.toggle(label, begun, key=key or f"{name}_set", **more)
    return keep(name, value, usual, key)


def multiselect(
    label: str, options: Sequence[str], usual: Sequence[str], *, name: str, key: str = "", **more
) -> list[str]:
    """A box from which several are chosen; those that are not there any more are forgotten."""
    most, key = more.get("max_selections") or len(options), key or f"{name}_set"

    def several(words: str) -> list[str]:
        found = words.split(",") if words else []
        for one in set(found).difference(options):
            notices.refuse(name.replace("_", " "), one)
        return [one for one in found if one in options][:most]

    begun = _asked(name, key, list(usual), several)
    kept = [one for one in st.session_state.get(key, begun) if one in options]
    if key in st.session_state and kept != st.session_state[key]:
        st.session_state[key] = kept
    default = {} if key in st.session_state else {"default": begun}
    value = st.multiselect(label, options, key=key, **default, **more)
    keep(name, ",".join(value), ",".join(usual), key)
    return value


def keep(name: str, value: Any, usual: Any, key: str = "") -> Any:
    """Writes a value to the page's address, where it is not the usual one; returns it."""
    written = _written()
    written.keys[name] = key
    if value == usual:
        st.query_params.pop(name, None)
        written.values.pop(name, None)
        return value
    written.values[name] = str(value)
    if st.query_params.get(name) != str(value):
        st.query_params[name] = str(value)
    return value


def by_link(name: str) -> bool:
    """Whether a parameter of the address is a link's, and no widget of this page has written it."""
    return name in st.query_params and name not in _written().keys


def asked(name: str, key: str = "") -> str | None:
    """What a link says, or what the widget of this key had written; None if neither has."""
    written = _written()
    if written.keys.get(name, key) != key:
        return None
    return st.query_params.get(name, written.values.get(name))


def as_left() -> dict[str, str]:
    """The parameters of this page, with what its widgets had written when it was left."""
    return _written().values | st.query_params.to_dict()


def _asked(name: str, key: str, usual: Any, read: Callable[[str], Any], expected: str = "") -> Any:
    """What the address says, if a link did or the widget of this key; else the usual value."""
    if (words := asked(name, key)) is None:
        return usual
    if (value := read(words)) is None:
        notices.refuse(name.replace("_", " "), words, expected)
        return usual
    return value


@dataclass(slots=True)
class _Written:
    """What the widgets of a page have written to its address: their keys and values, by name."""

    keys: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def _written() -> _Written:
    """What the widgets of this page have written, also before it was left."""
    screen, pages = addresses.screen(), st.session_state.setdefault("linked_pages", {})
    written = pages.setdefault(screen, _Written())
    if st.session_state.get("linked_screen") != screen:
        st.session_state.linked_screen = screen
        for name in st.query_params:  # a link's, for whichever widget there is
            written.keys.pop(name, None)
    return written


def _number(low: float, high: float, usual: float) -> Callable[[str], Any]:
    def read(words: str) -> Any:
        try:
            value = type(usual)(words)
        except ValueError:
            return None
        return value if low <= value <= high else None  # NaN lies nowhere

    return read


def _option(options: Sequence[Any]) -> Callable[[str], Any]:
    named = {str(option): option for option in options}
    return named.get
