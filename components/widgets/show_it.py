"""Puts a result on the wall of the class a person is in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from components.shell import classroom
from engine.errors import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A result for the wall, computed by this server from what it has itself.

    `figures` are in words by name; of two results the one of the larger `score` is better; `still`
    and `film` are files.
    """

    title: str
    link: str
    figures: Mapping[str, str]
    score: float
    still: bytes = field(default=b"", repr=False)
    film: bytes = field(default=b"", repr=False)


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
    shown = done.get(kind) == result
    with st.popover(
        "On the wall" if shown else "Show it to the class",
        icon=":material/check:" if shown else ":material/campaign:",
        type="secondary" if shown else "primary",
        disabled=shown,
        key=f"show_{kind}_{shown}",  # another box: it closes once it has done its work
    ):
        with st.form(f"show_form_{kind}", border=False):
            caption = st.text_input(
                ask or "Your words (optional)", max_chars=80, key=f"words_{kind}"
            )
            st.caption("Everybody in the class sees it, the picture too, until the class ends.")
            sent = st.form_submit_button("Show it", type="primary")
        if sent and ask and not caption.strip():
            st.warning(ask)
        elif sent and _sent(kind, caption, make):
            done[kind] = result
            st.toast("It is on the wall.", icon=":material/campaign:")
            st.rerun()


def _sent(kind: str, caption: str, make: Callable[[], Shown]) -> bool:
    from engine.classroom import Draft

    try:
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
