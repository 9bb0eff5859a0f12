"""Finds a person's last result again after the page was reloaded.

A reload is a new session to the server. The browser keeps a random name for the tab in its session
storage, which survives a reload, is not part of the address and is gone with the tab.
"""

import threading
from copy import copy
from typing import Any

import streamlit as st
from cachetools import LRUCache

from components.shell import sessions

KEPT = 24  # runs of all tabs; a recorded picture takes up to 7 MB

_JS = """
export default function ({ data, setStateValue }) {
  let name = sessionStorage.getItem("ideal-cat-tab");
  if (!name) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    name = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("ideal-cat-tab", name);
  }
  if (data.known !== name) setStateValue("tab", name);
}
"""
_tab = st.components.v2.component("tab_name", js=_JS)


class LastResults:
    """The last run of each tab and screen; of all, the `keep` newest."""

    def __init__(self, keep: int = KEPT) -> None:
        self._runs: LRUCache[tuple[str, str], Any] = LRUCache(keep)
        self._lock = threading.Lock()

    def put(self, tab: str, screen: str, run: Any) -> None:
        """Keeps a run as the last one of a tab's screen."""
        with self._lock:
            self._runs[tab, screen] = run

    def get(self, tab: str, screen: str) -> Any:
        """The last run of a tab's screen; None where there is none."""
        with self._lock:
            return self._runs.get((tab, screen))


@st.cache_resource(show_spinner=False)
def _results() -> LastResults:
    return LastResults()


def keep(screen: str, run: Any) -> None:
    """Keeps a run that has just begun as this tab's last result on a screen."""
    if tab := st.session_state.get("tab_name"):
        _results().put(tab, screen, run)


@sessions.fragment
def offer(screen: str) -> None:
    """Offers the tab's last result on a screen where this session has none yet.

    A fragment: asking the browser for the tab's name never runs the page again, where a click that
    comes at the same time could be lost.
    """
    tab, state = _tab_name(), f"{screen}_run"
    found = _results().get(tab, screen) if tab else None
    if found is None or state in st.session_state:
        return
    if st.button(
        "Show my last result", icon=":material/history:", key=f"{screen}_last", type="tertiary"
    ):
        mine = copy(found)
        mine.views = [view.twin() for view in found.views]  # another tab may still have its own
        st.session_state[state] = mine
        st.session_state[f"{screen}_views"] = mine.views
        keep(screen, mine)  # what is made from here on is the last result
        sessions.watch_only(mine.views)
        st.rerun()


def _tab_name() -> str | None:
    """The tab's name, for which the browser is asked once a session; None until it has answered."""
    known = st.session_state.get("tab_name")
    found = _tab(data={"known": known}, key="tab_name_box", on_tab_change=lambda: None).tab
    if known is None and isinstance(found, str) and len(found) == 32:
        st.session_state.tab_name = known = found
    return known
