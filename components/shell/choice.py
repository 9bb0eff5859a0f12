"""A choice that a person makes in a box, and that a link or the app's own buttons make, too.

While a box is closed, the browser keeps what its widgets were last set to there, and sends that
with the next click. What the app sets meanwhile would be undone by it. So the value is kept beside
the widget, which gets another key whenever the app sets it.

    key = choice.prepare("backbone", names, usual)
    name = st.selectbox("Backbone", names, key=key, on_change=choice.changed, args=("backbone",))
"""

from collections.abc import Sequence

import streamlit as st

from components.shell import addresses


def prepare(name: str, options: Sequence[str], default: str) -> str:
    """Sets the widget to what was chosen, before it is drawn; returns its key.

    Args:
        name: of the choice, and of the link's parameter.
        options: what can be chosen.
        default: what it is while nobody has chosen.
    """
    if st.session_state.get(f"{name}_page") not in (None, addresses.screen()):
        choose(name, st.session_state[f"{name}_before"])  # that was for another page
    for asked in (st.session_state.get(f"{name}_chosen"), st.query_params.get(name)):
        if asked in options:
            st.session_state[f"{name}_chosen"] = asked
            break
    else:
        asked = default
    key = _key(name)
    st.session_state[key] = asked
    if name in st.query_params:
        st.query_params[name] = asked  # not what a link asks for in vain
    return key


def changed(name: str) -> None:
    """Keeps what a person has chosen, also for the link. Call it when the widget has changed."""
    chosen = st.session_state[_key(name)]
    st.session_state[f"{name}_page"] = None
    st.session_state[f"{name}_chosen"] = st.query_params[name] = chosen


def choose(name: str, value: str, *, here: bool = False) -> None:
    """Chooses in a person's place; with `here`, only until the page is left."""
    if here and st.session_state.get(f"{name}_page") is None:
        st.session_state[f"{name}_before"] = st.session_state.get(f"{name}_chosen", "")
    st.session_state[f"{name}_chosen"] = value
    st.session_state[f"{name}_page"] = addresses.screen() if here else None
    st.session_state[f"{name}_times"] = st.session_state.get(f"{name}_times", 0) + 1


def _key(name: str) -> str:
    times = st.session_state.get(f"{name}_times", 0)
    return f"{name}_{times}" if times else name
