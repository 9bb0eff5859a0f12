"""For a lesson: a link that fixes a page as it is set, hidden controls, large text, a fresh start.

A link's `hide` takes away what pupils are not to touch: `controls`, what is set before the start;
`screens`, the way to the other pages. The state is in the link, nothing is kept on the server.
"""

from collections.abc import Mapping
from html import escape
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components.shell import addresses, linked

HIDDEN = ("controls", "screens")
_PRIVATE = ("hide", "teacher")  # parameters that no link of a page passes on
_LARGE = """
html { font-size: 125%; }
.st-key-set_up_box [data-testid="stColumn"] { min-width: min(100%, 15rem); }
"""


def hidden() -> tuple[str, ...]:
    """What the link that opened this page hides."""
    asked = st.query_params.get("hide", "").split(",")
    return tuple(part for part in HIDDEN if part in asked)


def onward(**parameters: str) -> dict[str, str]:
    """Parameters of a link to another page, which hides there what is hidden here."""
    return parameters | ({"hide": st.query_params["hide"]} if "hide" in st.query_params else {})


class SetUp(NamedTuple):
    """The line above an experiment: a box of controls that opens, what they are set to, a guess."""

    controls: DeltaGenerator
    line: DeltaGenerator
    guess: DeltaGenerator

    def say(self, *parts: str) -> None:
        """Says what is set."""
        self.line.markdown(" · ".join(parts))


def set_up(label: str) -> SetUp:
    """The line of what is set before the start; a link may hide its controls, not its words."""
    with st.container(horizontal=True, vertical_alignment="center", key="set_up"):
        box = st.popover(label, icon=":material/tune:", key="set_up_box")
        line = st.container(width="stretch")
        guess = st.container(width="content")
    if "controls" in hidden():
        st.html("<style>.st-key-set_up_box { display: none; }</style>")
    return SetUp(box, line, guess)


def keep_value(key: str) -> None:
    """Sets a widget to what it is set to, before it is drawn in a box that may be closed.

    A closed box has no widgets in the browser: one whose value code has set, not a person, would
    come back with its default when the box is opened.
    """
    if key in st.session_state:
        st.session_state[key] = st.session_state[key]


def aside() -> None:
    """What every page's sidebar has below its links."""
    with st.container(horizontal=True, vertical_alignment="center"):
        large = st.toggle(
            "Large text", key="large_text", bind="query-params", persist_state="session"
        )
        query = urlencode(linked.as_left())
        st.html(
            f'<a href="?{query}" target="_self" title="Discard everything in this session and '
            'reload this page" style="color:inherit;font-size:.875rem">Start over</a>'
        )
    if large:
        st.html(f"<style>{_LARGE}</style>")


def as_set(more: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a link to this page as it is set.

    Args:
        more: what is not in the page's address, as its usual value depends on the machine.
    """
    query = st.query_params.to_dict() | dict(more)
    return {name: value for name, value in query.items() if name not in _PRIVATE}


def link(**more: str) -> None:
    """Offers a link to this page in the sidebar; `more` as for `as_set`."""
    if "screens" in hidden():
        return
    with st.sidebar.popover(
        "Link for a class",
        icon=":material/co_present:",
        width="stretch",
        key="class_link",
        on_change="rerun",  # what was moved beside a running picture is in the link too
    ):
        st.caption(
            "Opens this page as it is set now. Your own pictures, photos and classifiers are not "
            "included."
        )
        wanted = {
            "controls": st.toggle("Hide the setup controls", key="link_controls"),
            "screens": st.toggle("Hide the other screens", key="link_screens"),
        }
        hide = ",".join(name for name, chosen in wanted.items() if chosen)
        query = as_set(more) | ({"hide": hide} if hide else {})
        address(query, addresses.reached(addresses.page()))


def anchor(address: str, label: str, *, new_tab: bool = False) -> str:
    """HTML of a link that opens a screen as it is set, in this tab or in another.

    It loads the page anew: Streamlit's own links lose what widgets of the page before are bound to.
    Another tab is the same pupil's: it takes over the session storage.
    """
    where = 'target="_blank" rel="opener"' if new_tab else 'target="_self"'
    return f'<a href="{escape(address)}" {where} style="color:inherit">{escape(label)}</a>'


def address(query: Mapping[str, str], page: str = "") -> None:
    """Shows the address of this page, or of `page`, with some parameters, to be copied."""
    st.code(f"{page or addresses.page()}?{urlencode(query)}", language=None, wrap_lines=True)
