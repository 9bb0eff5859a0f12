"""Start, pause, step, stop: the same panel for every run; a session has one at a time."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from components.shell import sessions
from engine.errors import EngineError
from engine.runs import View

# Seconds between two looks at a run, while few are watched; and at one that stands still.
TICK, STANDING = 0.15, 1.0
FEW = 2  # as many can be watched at full speed: drawing costs more than most steps


def views(key: str) -> list[View]:
    """The session's views of a page, running or ended; looking at them renews their lease."""
    found = st.session_state.get(f"{key}_views", [])
    for view in found:
        view.look()
    return found


def active(key: str) -> bool:
    """Whether there is something to look at again soon."""
    return any(not view.ended for view in views(key))


def start(key: str, tasks: Sequence[Any]) -> list[View]:
    """Watches the runs of some tasks, and ends what this session watched, on whatever page."""
    st.session_state[f"{key}_views"] = made = sessions.start(tasks)
    return made


def forget(key: str) -> None:
    """Ends the page's run, if there is one, and shows it no more."""
    for view in st.session_state.pop(f"{key}_views", []):
        view.stop()


def watch(key: str, draw: Callable[[], None]) -> None:
    """Draws something again and again while the page's run goes on, and once more at its end.

    When the run begins or ends the whole page runs, with the timer or without it, and with what is
    only shown at the end; also when it has done both before it was looked at. The more runs are
    watched on this server, the more seldom each is drawn.
    """
    before, tick = st.session_state.get(f"{key}_views"), _tick(key)

    @st.fragment(run_every=tick)
    def body() -> None:
        draw()
        now = _tick(key)
        steady = now == tick or (now and tick and 0.5 <= now / tick <= 2)
        if st.session_state.get(f"{key}_views") is not before or not steady:
            st.rerun()

    body()


def _tick(key: str) -> float | None:
    """Seconds until a page's run is looked at again; None for never."""
    going = [view for view in views(key) if not view.ended]
    if not going:
        return None
    if all(view.paused or view.run.position for view in going):
        return STANDING
    watched = sum(not one.paused for one in sessions.running())
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
    """Buttons and a status line. Call it inside the fragment that draws the run.

    Args:
        key: of the page's run.
        begin: starts the run; called before the fragment's next run.
        label: of the start button.
        step: how far it is.
        steps: how many steps it has in all.
        words: what to say instead of these numbers.
        able: whether it can be started.
    """
    watched = views(key)
    running = any(not view.ended for view in watched)
    paused = running and all(view.paused for view in watched if not view.ended)

    def each(act: str) -> None:
        for view in watched:
            getattr(view, act)()

    with st.container(horizontal=True, key=f"{key}_panel"):
        st.button(
            "Start again" if running else label,
            icon=":material/play_arrow:",
            type="primary",
            on_click=begin,
            key=f"{key}_begin",
            disabled=not able,
        )
        for words_of, icon, act in (
            ("Resume", "resume", "resume") if paused else ("Pause", "pause", "pause"),
            ("One step", "skip_next", "step"),
            ("Stop", "stop", "stop"),
        ):
            st.button(
                words_of,
                icon=f":material/{icon}:",
                disabled=not running,
                key=f"{key}_{act}",
                on_click=each,
                args=(act,),
            )
    if watched:
        _status(watched, step, steps, words)


def table(
    key: str, label: str, token: tuple, total: int, task: Callable, draw: Callable[[list], None]
) -> None:
    """A run that finds one row after the other, drawn as they come; new for a new token.

    Args:
        key: of the run.
        label: of the start button.
        token: what the rows are about.
        total: how many rows there will be.
        task: makes the task when the button is pressed.
        draw: draws the rows there are.
    """
    if st.session_state.get(f"{key}_token", token) != token:
        forget(key)  # it is about something else

    def begin() -> None:
        st.session_state[f"{key}_token"] = token
        start(key, [task()])

    def body() -> None:
        found = [frame for view in views(key) for frame in view.frames]
        panel(key, begin, label, len(found), total)
        if found:
            draw(found)

    watch(key, body)


def _status(watched: Sequence[View], step: float, steps: float, words: str) -> None:
    for note in {view.run.note for view in watched if view.run.note}:
        st.info(note, icon=":material/info:")
    error = next((view.run.error for view in watched if view.run.error is not None), None)
    if isinstance(error, EngineError):
        st.error(str(error), icon=":material/error:")
        return
    if error is not None:
        raise error
    position = max(view.run.position for view in watched)
    states = [view.state for view in watched]
    if position and "running" not in states:
        st.info(f"Queued ({ordinal(position)}); starts automatically.", icon=":material/schedule:")
        return
    order = ("running", "queued", "paused", "stopped", "page closed", "done")
    state = next(one for one in order if one in states)
    ending = {"page closed": "stopped: page closed"}.get(state, state)
    said = words or f"step {step} of {steps}"
    st.progress(min(step / steps, 1.0), f"{said}, {ending}")


def ordinal(number: int) -> str:
    """A number as a place: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
