"""Offers downloads, shows how far they are, and gives loaded backbones."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import streamlit as st

from components.shell import cache, first_network, frame, sessions
from engine.core.errors import EngineError, WeightsDamaged
from engine.core.types import Progress
from engine.runs import Run, in_background
from engine.storage import downloads, registry, weights

if TYPE_CHECKING:
    from engine.backbones import Backbone

_starting = threading.Lock()
WAITING = 0.4  # seconds between two looks at a running job


def loaded(name: str) -> "Backbone | None":
    """A backbone, waiting for TensorFlow if need be; None where it cannot be had.

    One that is not here is offered for download, with its size; no other takes its place. Where its
    file is damaged, it says so, and a button mends it.
    """
    frame.wait_for_engine()
    here = cache.ready()
    if name not in here:
        st.warning(
            f"{name} is not on this machine yet: {cost(registry.spec(name).weight_bytes)} to "
            "download.",
            icon=":material/cloud_download:",
        )
        offer(name, f"Download {name}")
        if here:
            st.caption(f"Ready now: {', '.join(here)}.")
        return None
    try:
        return cache.backbone(name)
    except EngineError as error:
        st.error(str(error), icon=":material/error:")
        if isinstance(error, WeightsDamaged):
            offer(name, f"Download {name} again")
        return None


def cost(size: float) -> str:
    """What a download of `size` bytes costs: its size, and its time if one was measured here."""
    words, seconds = f"{size / 1e6:.0f} MB", downloads.seconds(size)
    if seconds is None:
        return words
    return f"{words}, about " + (
        f"{max(seconds, 1):.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    )


def offer(name: str, label: str) -> None:
    """A button that starts a backbone's download, or its progress."""
    spec = registry.spec(name)
    if not spec.builtin:
        fetch(name, label, lambda: weights.download(spec))


def fetch(name: str, label: str, make: Callable[[], Iterator[Progress]]) -> None:
    """A button that starts a download, or its progress; everyone on this server sees it."""
    job = sessions.downloads().get(name)
    if job is None:
        failure = st.session_state.get(f"download_failed_{name}")
        if failure:
            st.error(failure, icon=":material/cloud_off:")
        st.button(
            "Try again" if failure else label,
            icon=":material/download:",
            on_click=start_download,
            args=(name, make),
            key=f"offer_{name}",
        )
    else:
        download_line(name, job)


def start_download(name: str, make: Callable[[], Iterator[Progress]]) -> None:
    """Starts a download unless it is running."""
    st.session_state.pop(f"download_failed_{name}", None)
    with _starting:
        running = sessions.downloads().get(name)
        if running is None or running.done:
            own = first_network.running(name)
            sessions.downloads()[name] = own or in_background(make)


def _forget(name: str, job: Run) -> None:
    with _starting:
        if sessions.downloads().get(name) is job:  # someone may have started another
            del sessions.downloads()[name]


def download_line(name: str, job: Run) -> None:
    """The progress of one download; when it has ended, its outcome."""

    @st.fragment(run_every=None if job.done else WAITING)
    def line() -> None:
        if not job.done:
            step = job.frames[-1] if job.frames else None
            message = f"{name}: {step.message}" if step else f"{name}: connecting to the server …"
            st.progress(min(step.fraction, 1.0) if step else 0.0, message)
        elif job.error is not None:
            _forget(name, job)
            st.session_state[f"download_failed_{name}"] = str(job.error)
            st.rerun()  # the page draws the reason, and a button to try again
        else:
            _forget(name, job)
            st.toast(f"{name} is ready.", icon=":material/check:")
            time.sleep(0.1)
            st.rerun()

    line()
