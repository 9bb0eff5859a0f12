"""Start, pause, step, stop: the same panel for every run; a session has one at a time."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from components.shell import sessions
from components.widgets import live_view, run_state, watchdog
from engine.core.errors import EngineError
from engine.runs import View

TICK = 0.5  # seconds between two looks at a run, while few are watched; each costs 50 ms of a core
SHORT = 0.25  # the same for runs that end within a second or two
SOON = 0.15  # seconds a look at a short run waits for its end
FIRST = 0.1  # seconds a look waits for a first frame
CHANGED = 0.4  # seconds a press waits for the first frame, a moved slider for one made with it
FEW = 12  # as many can be watched at full speed: a look costs the server a few ms


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


def add(key: str, task: Any) -> list[View]:
    """Watches one more run beside those of the page, which have ended; returns all views."""
    before = st.session_state[f"{key}_views"]
    st.session_state[f"{key}_views"] = made = [*before, *sessions.start([task])]
    sessions.watch_only(made)
    return made


def forget(key: str) -> None:
    """Ends the page's run, if there is one, and shows it no more."""
    for view in st.session_state.pop(f"{key}_views", []):
        view.stop()


def watch(
    key: str,
    draw: Callable[..., None],
    controls: Callable[[], Any] | None = None,
    *,
    every: float = TICK,
) -> None:
    """Draws something again and again while the page's run goes on, and once more at its end.

    The controls stand above it and are redrawn only when one of them is used, as drawing them is
    most of the cost in the browser. Their result is passed to `draw`. A press of a button draws the
    controls and the run, and sets the timer; the rest of the page is not run, and what it shows
    `below` is hidden. When the run has ended, the whole page is rerun: this removes the timer, and
    shows what is shown only at the end. The more runs are watched on this server, the less often
    each is drawn; `every` so many seconds while they are few.
    """
    # The views whose end the page already shows; None while one goes on: a press may end it.
    before = None if active(key) else st.session_state.get(f"{key}_views")
    whole, end_drawn = True, False  # the page runs, not one of its fragments
    pressed = True  # the stage runs, not the timer's fragment
    given = ()  # what the controls gave

    def wait(seconds: float) -> None:
        going_on = [view for view in views(key) if not view.ended]
        for view in going_on:
            there = len(view.run.frames)
            # Not for the frame that is on its way: it was begun before the change.
            count = there + 1 if there and not view.paused else there
            view.run.wait_beyond(count, seconds / len(going_on))

    def wait_for_end(seconds: float) -> None:
        running = [view for view in views(key) if not (view.ended or view.paused)]
        for view in running:
            view.run.wait(seconds / len(running))

    @sessions.fragment
    def stage() -> None:
        nonlocal given, end_drawn, pressed
        pressed = True
        if controls is not None and (found := controls()) is not None:
            given = (found,)
        tick, end_drawn = _tick(key, every), False
        if not whole:
            wait(CHANGED)
            live_view.hurry(key)

        @st.fragment(run_every=tick)
        def body() -> None:
            nonlocal end_drawn
            if not any(view.frames for view in views(key)):
                wait(FIRST)
            elif every < TICK and not pressed:
                wait_for_end(SOON)
            now = _tick(key, every)
            if controls is None or given:
                draw(*given)
            watchdog.expect(key, tick or now)  # also until the page has run
            if now is None and tick and not end_drawn:
                end_drawn = True  # the page is rerun at the next look: it might drop the result now
            else:
                follow(tick, now)

        body()
        pressed = False

    def follow(tick: float | None, now: float | None) -> None:
        steady = now == tick or (now and tick and 0.5 <= now / tick <= 2)
        over = now is None and st.session_state.get(f"{key}_views") is not before
        if over or not steady or watchdog.late(key):
            live_view.roll_back(key)
            st.rerun()

    stage()
    whole = False


def below() -> Any:
    """A place for what a page shows of a run that has ended; hidden as soon as one begins."""
    return st.container(key="below_run")


def _tick(key: str, every: float) -> float | None:
    """Seconds until a page's run is looked at again; None for never.

    It is the same while the run is paused or queued: changing the timer reruns the whole page, and
    a click at that moment may be lost.
    """
    if all(view.ended for view in views(key)):
        return None
    watched = len(sessions.running())
    return every * 2 ** max(0, math.ceil(math.log2(max(watched, 1) / FEW)))


def panel(key: str, begin: Callable[[], None], label: str, *, able: bool = True) -> None:
    """The buttons. Call it inside the fragment that draws the run.

    Args:
        key: of the page's run.
        begin: starts the run; called before the fragment's next run.
        label: of the start button.
        able: whether it can be started.
    """
    watched = views(key)
    running = any(not view.ended for view in watched)
    paused = running and all(view.paused for view in watched if not view.ended)

    def each(act: str) -> None:
        for view in watched:
            getattr(view, act)()

    with st.container(horizontal=True, width="content", gap="small", key=f"{key}_panel"):
        st.button(
            "Start again" if running else label,
            icon=":material/play_arrow:",
            type="primary",
            on_click=begin,
            key=f"{key}_begin",
            disabled=not able,
        )
        for act, words, icon, usable in (
            # Pause and Resume share a place, and the style sheet shows the one that can be used: a
            # button put in place of another would push Stop from under the pointer.
            ("pause", "Pause", "pause", running and not paused),
            ("resume", "Resume", "resume", paused),
            ("step", "One step", "skip_next", running),
            ("stop", "Stop", "stop", running),
        ):
            st.button(
                words,
                icon=f":material/{icon}:",
                disabled=not usable,
                key=f"{key}_{act}",
                on_click=each,
                args=(act,),
            )


def notices(key: str) -> None:
    """What has happened to the page's runs: a note, or the error that ended one."""
    watched = views(key)
    for note in {view.run.note for view in watched if view.run.note and not view.left}:
        st.info(note, icon=":material/info:")
    error = next((view.error for view in watched if view.error is not None), None)
    if isinstance(error, EngineError):
        st.error(str(error), icon=":material/error:")
    elif error is not None:
        raise error


def table(
    key: str, label: str, token: tuple, total: int, tasks: Callable, draw: Callable[[list], None]
) -> None:
    """Runs that find one row after the other, drawn as they come; new for a new token.

    Args:
        key: of the run.
        label: of the start button.
        token: what the rows are about.
        total: how many rows there will be.
        tasks: makes the tasks when the button is pressed.
        draw: draws the rows there are, a list for each task.
    """
    if st.session_state.get(f"{key}_token", token) != token:
        forget(key)  # it is about something else

    def begin() -> None:
        st.session_state[f"{key}_token"] = token
        start(key, tasks())

    def body() -> None:
        found = [view.frames for view in views(key)]
        count = sum(map(len, found))
        panel(key, begin, label)
        notices(key)
        progress(key, count / total, f"step {count} of {total}")
        if count:
            draw(found)

    watch(key, body)


def progress(key: str, fraction: float, words: str) -> None:
    """How far the page's runs are, as a bar with words, or that they wait for their turn."""
    watched = views(key)
    if waiting := run_state.waiting(watched):
        st.progress(0.0, waiting)
    elif watched and (state := run_state.state(watched)) != "failed":
        st.progress(min(fraction, 1.0), f"{words}, {state}")
