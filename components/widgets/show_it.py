"""Puts a result on the wall of the class a person is in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import streamlit as st

from components.shell import cache, classroom
from engine.core.errors import EngineError
from engine.storage import registry, samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A result for the wall, computed by this server from what it has itself.

    `link` is an address within the app that repeats it, or "". `figures` are in words by name. Of
    two results the one of the larger `score` is better. `still` and `film` are files.
    """

    title: str
    link: str
    figures: Mapping[str, str]
    score: float
    still: bytes = field(default=b"", repr=False)
    film: bytes = field(default=b"", repr=False)


def link(screen: str, backbone: str, parameters: Mapping[str, str]) -> str:
    """The address that repeats a result; "" for a classifier of one's own, which others lack."""
    if any(name in cache.taught() for name in registry.members(backbone)):
        return ""
    return f"{screen}?{urlencode(parameters)}"


def sample(called: str) -> dict[str, str]:
    """The parameter that names a sample by what a picture is called; empty for one's own."""
    name = next((name for name in samples.SAMPLES if name.lower() == called), None)
    return {} if name is None else {"sample": name}


def button(kind: str, result: str, make: Callable[[], Shown], *, ask: str = "") -> None:
    """Offers to show a result to the class; draws nothing for who is in none.

    Args:
        kind: of the entry; see `engine.classroom.KINDS`.
        result: tells this result from others of this kind; each can be shown once.
        make: computes what is shown.
        ask: a question that must be answered to show it; "" lets a person say something.
    """
    if not classroom.key():
        return
    done = st.session_state.setdefault("shown_results", {})
    if done.get(kind) == result:
        st.button("On the wall", icon=":material/check:", disabled=True, key=f"shown_{kind}")
        return
    with (
        st.popover(
            "Show it to the class", icon=":material/campaign:", type="primary", key=f"show_{kind}"
        ),
        st.form(f"show_form_{kind}", border=False),
    ):
        label = ask or "Your words (optional)"
        caption = st.text_input(label, max_chars=80, key=f"words_{kind}")
        st.caption("Everybody in the class sees it, the picture too, until the class ends.")
        sent = st.form_submit_button("Show it", type="primary")
        if sent and ask and not caption.strip():
            st.warning("Say what it really is.")
        elif sent and _sent(kind, caption, make):
            done[kind] = result
            st.toast("It is on the wall.", icon=":material/campaign:")
            st.rerun()


def _sent(kind: str, caption: str, make: Callable[[], Shown]) -> bool:
    from engine.classroom import Draft

    try:
        classroom.wall().may_show(classroom.key())  # before any work
        one = make()
        draft = Draft(
            kind=kind,
            title=one.title,
            link=one.link,
            figures=one.figures,
            score=one.score,
            caption=caption,
            still=one.still,
            film=one.film,
        )
        classroom.wall().show(classroom.key(), draft)
    except EngineError as error:
        st.error(str(error), icon=":material/error:")
        return False
    return True
