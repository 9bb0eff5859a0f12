"""The class a person is in: its wall, and what the tab remembers of it.

A pupil's secret is kept in the tab's session storage, so that a reload leaves who they are; it is
not part of the address.
"""

import contextlib
import secrets
import time
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from components.shell import class_link
from components.shell.screens import TITLES
from engine import config
from engine.core.errors import EngineError

if TYPE_CHECKING:
    from engine.classroom import ClassInfo, Wall

LOOK = 4.0  # seconds between two looks at what the teacher has set
AFTER_OTHERS = 1500  # ms, see `_remember`
HERE = 20.0  # seconds after which a pupil who stays on a page is noted again
TASKS = tuple(screen for screen in TITLES if screen != "wall")

_JS = """
export default function ({ data, setStateValue }) {
  const name = "ideal-cat-pupil";
  if (data.keep) sessionStorage.setItem(name, data.keep);
  if (data.keep === "") sessionStorage.removeItem(name);
  const kept = sessionStorage.getItem(name);
  if (data.keep === null && kept) setTimeout(() => setStateValue("kept", kept), data.delay);
}
"""
_memory = st.components.v2.component("pupil_memory", js=_JS)


@st.cache_resource(show_spinner=False)
def wall() -> "Wall":
    """The classes of this server; raises `WallUnavailable`."""
    from engine.classroom import Wall

    folder = config.data_folder() / "pictures"
    made = Wall(config.classes_database(), folder, hours=config.class_hours())
    made.upkeep.start()
    return made


@st.cache_resource(show_spinner=False, scope="session")
def visitor() -> str:
    """What tells this session from others where tries are counted.

    Not the network's address: a whole school may share one.
    """
    return secrets.token_hex(8)


def key() -> str:
    """The secret of the pupil who sits here; "" for nobody."""
    return st.session_state.get("pupil_key") or ""


def become(secret: str) -> None:
    """Takes a pupil's secret for this tab; "" leaves the class."""
    st.session_state.pupil_key = secret
    for known in ("pupil_task", "pupil_here", "shown_results"):
        st.session_state.pop(known, None)


def teaching() -> str:
    """The secret of the class that this session's teacher has opened; "" for none."""
    asked = st.query_params.get("teacher", "")[:200]
    if asked:
        st.session_state.teacher_key = asked
    return st.session_state.get("teacher_key", "")


def teach(secret: str) -> None:
    """Takes a teacher's secret for this session, and puts it into the address; "" for none."""
    st.session_state.teacher_key = secret
    st.query_params.clear()
    if secret:
        st.query_params["teacher"] = secret


def tell(question: str, answer: str) -> None:
    """Counts a pupil's guess for the class, once; the guess is one's own if there is no class."""
    told = st.session_state.setdefault("pupil_told", {})
    if key() and told.get(question) != key():
        with contextlib.suppress(EngineError):
            wall().guess(key(), question, answer)
            told[question] = key()


def told() -> dict[str, str]:
    """What a pupil has guessed in the class, by question, also before a reload."""
    if key():
        with contextlib.suppress(EngineError):
            return wall().own_guesses(key())
    return {}


def aside(title: str) -> None:
    """What every page's sidebar has of the class: who one is, the teacher's task.

    Args:
        title: of the page.
    """
    _remember(0 if title == TITLES["wall"] else AFTER_OTHERS)
    if key():
        _membership(title)


@st.fragment
def _remember(delay: int) -> None:
    """Asks the browser for the tab's pupil once a session, and tells it of changes.

    The answer reruns the page, and what other components have just said would be dropped by that:
    it comes `delay` ms after them. Who is no pupil does not answer.
    """
    known = st.session_state.get("pupil_key")
    data = {"keep": known, "delay": delay}
    kept = _memory(data=data, key="pupil_memory", on_kept_change=lambda: None).kept
    if known is None and isinstance(kept, str):
        st.session_state.pupil_key = kept[:80]
        st.rerun()


@st.fragment(run_every=LOOK)
def _membership(title: str) -> None:
    try:
        found = wall().membership(key())
    except EngineError:
        st.caption("The class does not answer at the moment.")
        return
    if found is None:
        st.caption("Your class has ended.")
        return
    name, info = found
    with contextlib.suppress(EngineError):
        _note(title)
    st.html(
        f'<p style="margin:0;font-size:.875rem">In class <b>{escape(info.code)}</b> as '
        f"<b>{escape(name)}</b>{'. The wall is frozen.' if info.frozen else ''}</p>"
    )
    _task(info)


def _note(title: str) -> None:
    """Notes where the pupil is, when that is new or was noted a while ago."""
    before, at = st.session_state.get("pupil_here", ("", -HERE))
    if before != title or time.monotonic() - at > HERE:
        wall().here(key(), title)
        st.session_state.pupil_here = title, time.monotonic()


def _task(info: "ClassInfo") -> None:
    screen = info.task.partition("?")[0]
    if screen not in TASKS:
        return
    st.html(f"<b>{class_link.anchor(info.task, f'Your task: {TITLES[screen].lower()}')}</b>")
    if st.session_state.get("pupil_task") != info.task:
        st.session_state.pupil_task = info.task
        st.toast(
            f"Your teacher has set a task: {TITLES[screen].lower()}. Open it in the sidebar.",
            icon=":material/assignment:",
            duration="long",
        )
