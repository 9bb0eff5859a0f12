"""Start, pause, step, stop: the same panel for every job, one job a session."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import streamlit as st

from components.shell import cache
from engine.errors import EngineError
from engine.runs import Job

# Seconds a job goes on after its page has stopped looking. Browsers let a hidden tab look once a
# minute; when a tab is closed, `cache.session_jobs` shortens it.
LEASE = 90.0
# Seconds between two looks at a job that runs, while few are watched; and at one that stands still.
TICK, STANDING = 0.15, 1.0
FEW = 2  # as many can be watched at full speed: drawing costs more than most steps


def current(key: str) -> Job | None:
    """The session's job of a page, running or ended; looking at it renews its lease."""
    job = st.session_state.get(f"{key}_job")
    if job is not None:
        job.touch()
    return job


def active(key: str) -> bool:
    """Whether there is something to look at again soon."""
    job = current(key)
    return job is not None and not job.done


def start(key: str, make: Callable[[], Iterator[Any]]) -> Job:
    """Starts a job, and ends the one this session had, on whatever page.

    What `make()` gives is to take turns with the jobs of others: see `engine.jobs.Admission`.
    """
    before = st.session_state.get("session_job")
    if before is not None:
        before.cancel()
    job = Job(make, name=key, lease=LEASE).start()
    st.session_state.session_job = st.session_state[f"{key}_job"] = job
    cache.session_jobs()[:] = [job]
    cache.watch(job)
    return job


def forget(key: str) -> None:
    """Ends the page's job, if there is one, and shows it no more."""
    job = st.session_state.pop(f"{key}_job", None)
    if job is not None:
        job.cancel()


def watch(key: str, draw: Callable[[], None]) -> None:
    """Draws something again and again while the page's job runs, and once more at its end.

    When the job begins or ends the whole page runs, with the timer or without it, and with what is
    only shown at the end; also when it has done both before it was looked at. The more jobs are
    watched on this server, the more seldom each is drawn.
    """
    job, tick = current(key), _tick(key)

    @st.fragment(run_every=tick)
    def body() -> None:
        draw()
        now = _tick(key)
        steady = now == tick or (now and tick and 0.5 <= now / tick <= 2)
        if current(key) is not job or not steady:
            st.rerun()

    body()


def _tick(key: str) -> float | None:
    """Seconds until a page's job is looked at again; None for never."""
    job = current(key)
    if job is None or job.done:
        return None
    if job.paused or job.position:
        return STANDING
    watched = sum(not one.paused for one in cache.running())
    return TICK * 2 ** max(0, math.ceil(math.log2(max(watched, 1) / FEW)))


def panel(
    key: str,
    begin: Callable[[], None],
    label: str,
    step: float,
    steps: float,
    words: str = "",
    *,
    able: bool = True,
) -> None:
    """Buttons and a status line. Call it inside the fragment that draws the job.

    Args:
        key: of the page's job.
        begin: starts the job; called before the fragment's next run.
        label: of the start button.
        step: how far the job is.
        steps: how many steps it has in all.
        words: what to say instead of these numbers.
        able: whether it can be started.
    """
    job = current(key)
    running = job is not None and not job.done
    with st.container(horizontal=True, key=f"{key}_panel"):
        st.button(
            "Start again" if running else label,
            icon=":material/play_arrow:",
            type="primary",
            on_click=begin,
            key=f"{key}_begin",
            disabled=not able,
        )
        if job is not None and job.paused:
            st.button("Go on", icon=":material/resume:", on_click=job.resume, key=f"{key}_resume")
        else:
            st.button(
                "Pause",
                icon=":material/pause:",
                disabled=not running,
                key=f"{key}_pause",
                on_click=job.pause if job else None,
            )
        st.button(
            "One step",
            icon=":material/skip_next:",
            disabled=not running,
            key=f"{key}_step",
            on_click=job.step if job else None,
        )
        st.button(
            "Stop",
            icon=":material/stop:",
            disabled=not running,
            key=f"{key}_stop",
            on_click=job.cancel if job else None,
        )
    if job is not None:
        _status(job, step, steps, words)


def table(
    key: str, label: str, token: tuple, total: int, make: Callable, draw: Callable[[list], None]
) -> None:
    """A job that finds one row after the other, drawn as they come; new for a new token.

    What `make()` gives is to take turns with the jobs of others.
    """
    found = st.session_state.get(f"{key}_found")
    if found and found[0] != token:
        forget(key)  # it is about something else
        found = None
    rows = found[1] if found else []

    def begin() -> None:
        fresh: list = []
        st.session_state[f"{key}_found"] = (token, fresh)

        def collect() -> Iterator[list]:
            for row in make():
                fresh.append(row)
                yield fresh

        start(key, collect)

    def body() -> None:
        panel(key, begin, label, len(rows), total)
        if rows:
            draw(list(rows))

    watch(key, body)


def _status(job: Job, step: float, steps: float, words: str) -> None:
    if job.note:
        st.info(job.note, icon=":material/info:")
    if isinstance(job.error, EngineError):
        st.error(str(job.error), icon=":material/error:")
    elif job.error is not None:
        raise job.error
    elif job.position:
        ahead = job.position
        st.info(
            f"In line, place {ahead}: the machine is busy with others' pictures. It starts by "
            "itself.",
            icon=":material/hourglass_top:",
        )
    else:
        ending = {"left": "ended, as nobody looked"}.get(job.ending, job.ending)
        state = "paused" if job.paused else ending if job.done else "running"
        said = words or f"step {step} of {steps}"
        st.progress(min(step / steps, 1.0), f"{said}, {state}")
