"""Notices in the browser that a run is not drawn any more, and asks for the page.

On a busy machine Streamlit loses messages: when a fragment is asked for right after a whole page
has run, what of that page has not been passed on yet is dropped. Where the timer of the fragment
that draws a run is among it, the picture would stand still until the next click.
"""

import time
from pathlib import Path

import streamlit as st

LEAST = 10.0  # seconds
_watchdog = st.components.v2.component("watchdog", js=Path(__file__).with_suffix(".js").read_text())


def expect(key: str, seconds: float | None, place: str) -> None:
    """Says within how many seconds the next call with this key will be; None for no more of them.

    Args:
        key: of the page's run.
        seconds: between two looks at it; the watchdog waits for several of them.
        place: the fragment that calls.
    """
    name = f"{key}_{place}_watchdog"

    def late() -> None:
        st.session_state[f"{key}_late"] = bool(st.session_state[name].get("late"))

    limit = seconds and max(8 * seconds, LEAST)
    _watchdog(data={"key": key, "seconds": limit, "at": time.time()}, key=name, on_late_change=late)


def late(key: str) -> bool:
    """Whether the browser has missed it; says so once."""
    return bool(st.session_state.pop(f"{key}_late", False))
