"""Downloads the first ImageNet backbone automatically; meanwhile, everything works with Pocket.

Every page calls `show`. The first page viewed once TensorFlow is loaded starts the download, and
all sessions see its progress. Without an internet connection, one quiet sentence says so, and the
next attempt is an hour later.
"""

import threading
import time
from dataclasses import dataclass

import streamlit as st

from components.shell import choice, sessions
from engine import config
from engine.runs import Run, in_background
from engine.storage import registry, weights

NAME = "MobileNetV2"
AGAIN = 3600.0  # seconds between two tries
LOOK = 2.0  # seconds between two looks at it
_looking = threading.Lock()


@dataclass
class Try:
    """The last try of this server: when, its job, and why it failed."""

    at: float = -AGAIN
    job: Run | None = None
    failure: str = ""

    def look(self, now: float) -> Run | None:
        """The download, begun where it is time to try (again); None while there is none."""
        with _looking:
            if self.job is not None and self.job.done:
                self.failure = str(self.job.error or "")
                self.job = None
            if self.job is None and now - self.at >= AGAIN:
                spec = registry.spec(NAME)
                self.at, self.failure = now, ""
                self.job = in_background(lambda: weights.download(spec))
            return self.job


@st.cache_resource(show_spinner=False)
def _last_try() -> Try:
    return Try()


def running(name: str) -> Run | None:
    """The server's own download of a backbone, if it runs."""
    job = _last_try().job if name == NAME else None
    return job if job is not None and not job.done else None


def show() -> None:
    """Draws how far the download is, offers what it has brought, or nothing."""
    at_first = st.session_state.setdefault("ready_at_first", weights.available())
    if NAME in at_first or "network_used" in st.session_state:
        return
    if weights.is_here(registry.spec(NAME)):
        _offer()
    elif config.fetching_allowed():
        st.fragment(_look, run_every=LOOK)()


def _look() -> None:
    if weights.is_here(registry.spec(NAME)):
        _offer()
        return
    if not st.session_state.get("network_looked"):
        st.session_state.network_looked = True  # the page is drawn before TensorFlow is imported
        return
    if not sessions.opening().done or NAME in sessions.downloads():
        return
    last = _last_try()
    job = last.look(time.monotonic())
    if job is None:
        words = f"{NAME} could not be downloaded. Everything works with Pocket."
        st.caption(words, help=last.failure)
    else:
        step = job.frames[-1] if job.frames else None
        st.caption(f"Downloading {NAME}: {100 * step.fraction if step else 0:.0f} %")


def _offer() -> None:
    """A button that switches to it, in a session that began without it."""

    def use() -> None:
        st.session_state.network_used = True
        choice.choose("backbone", NAME)

    if st.button(f"Use {NAME}", icon=":material/download_done:", on_click=use):
        st.rerun()
