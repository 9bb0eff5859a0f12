"""What is wrong with a link, said on the page that it opens."""

from collections.abc import Sequence

import streamlit as st

_UNLINKED = ":material/link_off:"


def begin() -> None:
    """Forgets the notices of the page drawn before."""
    st.session_state.link_notices, st.session_state.link_place = [], None


def check_link(key: str, options: Sequence[str], what: str) -> None:
    """Says so when a link names something that is not there; the widget then shows its default."""
    asked = st.query_params.get(key)
    if asked is not None and asked not in options:
        refuse(what, asked)


def refuse(what: str, asked: str, expected: str = "") -> None:
    """Warns that a link asks for something that does not exist; `link_notices` shows it."""
    shown = (asked if len(asked) <= 60 else asked[:60] + "…").replace("`", "")
    reason = f"expected {expected}" if expected else "which is not available"
    _notice(f"The link asks for {what} `{shown}`, {reason}; using the default instead.")


def _notice(words: str) -> None:
    notices: list[str] = st.session_state.link_notices
    if words in notices:
        return
    notices.append(words)
    if (place := st.session_state.link_place) is not None:
        place.warning(words, icon=_UNLINKED)


def link_notices() -> None:
    """Shows warnings about a link's values that do not exist, also those found further down."""
    place = st.session_state.link_place = st.container()  # nothing below it moves
    for words in st.session_state.link_notices:
        place.warning(words, icon=_UNLINKED)
