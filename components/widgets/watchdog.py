"""Reruns the page when the browser gets no more updates of a run, or of a wall.

On a busy machine, Streamlit loses messages: when a fragment rerun is requested right after a whole
page has run, what has not been delivered of that page is dropped. If the timer of the fragment that
draws them is among it, they would stand still until the next click.
"""

import time
from pathlib import Path

import streamlit as st

LEAST = 10.0  # seconds without an update after which the browser requests a rerun
_watchdog = st.components.v2.component("watchdog", js=Path(__file__).with_suffix(".js").read_text())


def expect(key: str, seconds: float | None) -> None:
    """Announce the next update, so that the browser notices if it does not come.

    Args:
        key: of the page's run, or "wall".
        seconds: between two updates; the watchdog waits for several of them. None if this is the
            last one.
    """
    name = f"{key}_watchdog"

    def late() -> None:
        said = st.session_state.get(name)  # nothing if the component is gone by now
        st.session_state[f"{key}_late"] = said is not None and bool(said.get("late"))

    limit = seconds and max(8 * seconds, LEAST)
    _watchdog(data={"key": key, "seconds": limit, "at": time.time()}, key=name, on_late_change=late)


def late(key: str) -> bool:
    """Whether the browser has missed an update; True only once for each."""
    return bool(st.session_state.pop(f"{key}_late", False))
