"""What the app runs on, which backbones are here, and the download of those that are not."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import streamlit as st

from components import cache, cluster_panel, shell
from engine import registry, weights
from engine.errors import EngineError, WeightsDamaged
from engine.jobs import Job
from engine.types import Progress

if TYPE_CHECKING:
    from engine.backbones import Backbone

_starting = threading.Lock()
_WAITING = 0.4  # seconds between two looks at a running job


def engine_status() -> None:
    """A progress line while TensorFlow starts, then one line about the device."""
    st.header("This machine", anchor=False)

    @st.fragment(run_every=_WAITING if not _warm() else None)
    def line() -> None:
        if not st.session_state.get("home_drawn"):
            st.session_state.home_drawn = True  # the first look comes after the page is drawn
            st.progress(0.0, "Starting TensorFlow …")
            return
        job = cache.warm_up()
        if not job.done:
            step = job.snapshot
            st.progress(step.fraction if step else 0.0, step.message if step else "Starting …")
        else:
            if job.error is None:
                cache.rehearse()
                st.success(job.snapshot.message, icon=":material/memory:")
            else:
                st.error(str(job.error), icon=":material/error:")
            if not st.session_state.get("home_warm"):
                st.session_state.home_warm = True
                st.rerun()  # once more without the timer

    line()
    st.caption(f"Runs of all guests that are not at their end: {len(cache.running())}.")
    if _warm():
        cluster_panel.show()


def _warm() -> bool:
    return bool(st.session_state.get("home_warm"))


def backbone_table() -> None:
    """All backbones: ready or not, size, accuracy; and a download for those that are not."""
    st.header("Backbones", anchor=False)
    here = weights.available()
    rows = [
        {
            "Backbone": spec.name,
            "On this machine": "ready" if name in here else "can be downloaded",
            "Year": str(spec.year),
            "Input": f"{spec.size} × {spec.size} px",
            "Parameters": f"{spec.parameters / 1e6:.1f} M",
            "Weights": f"{spec.weight_bytes / 1e6:.0f} MB",
            "Top-1": 100 * spec.top1,
            "What it is": spec.note,
        }
        for name, spec in sorted(registry.specs().items(), key=lambda item: item[0] not in here)
    ]
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        column_config={
            "Top-1": st.column_config.ProgressColumn(
                "Top-1 accuracy",
                help="Share of the validation photos it names right at the first guess, as "
                "published, on the classes it was trained on.",
                format="%.1f %%",
                min_value=0,
                max_value=100,
            )
        },
    )
    missing = [name for name in registry.specs() if name not in here]
    if missing:
        _download_form(missing)


def _download_form(missing: list[str]) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    name = left.selectbox(
        "Fetch another backbone",
        missing,
        format_func=lambda n: f"{n}, {registry.spec(n).weight_bytes / 1e6:.0f} MB",
    )
    right.button(
        "Download",
        icon=":material/download:",
        width="stretch",
        on_click=start_download,
        args=(name, lambda: weights.download(registry.spec(name))),
    )
    for wanted, job in list(cache.downloads().items()):
        download_line(wanted, job)
    if failure := st.session_state.get(f"download_failed_{name}"):
        st.error(failure, icon=":material/cloud_off:")


def loaded(name: str | None) -> "Backbone | None":
    """A backbone, waiting for TensorFlow if need be; None where none is chosen.

    Where its file is damaged, None, the reason and a button that mends it.
    """
    if name is None:
        return None
    shell.wait_for_engine()
    try:
        return cache.backbone(name)
    except EngineError as error:
        st.error(str(error), icon=":material/error:")
        if isinstance(error, WeightsDamaged):
            offer(name, f"Download {name} again")
        return None


def offer(name: str, label: str) -> None:
    """A button that starts a backbone's download, or its progress."""
    spec = registry.spec(name)
    if not spec.builtin:
        fetch(name, label, lambda: weights.download(spec))


def fetch(name: str, label: str, make: Callable[[], Iterator[Progress]]) -> None:
    """A button that starts a download, or its progress; everyone on this server sees it."""
    job = cache.downloads().get(name)
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
        running = cache.downloads().get(name)
        if running is None or running.done:
            cache.downloads()[name] = Job(make, name=f"download {name}").start()


def _forget(name: str, job: Job) -> None:
    with _starting:
        if cache.downloads().get(name) is job:  # someone may have started another
            del cache.downloads()[name]


def download_line(name: str, job: Job) -> None:
    """The progress of one download; when it has ended, its outcome."""

    @st.fragment(run_every=None if job.done else _WAITING)
    def line() -> None:
        if not job.done:
            step = job.snapshot
            message = f"{name}: {step.message}" if step else f"{name}: asking the server …"
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
