"""What every page has: configuration, links, title, lesson card, and where errors become words."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import streamlit as st

from components.shell import (
    addresses,
    class_link,
    classroom,
    first_network,
    notices,
    page_changes,
    page_limit,
    sessions,
)
from components.shell.screens import PAGES
from engine.core.errors import EngineError

STYLE = Path(__file__).parent / "style.css"
STATIC = Path(__file__).parents[2] / "static"
DARK = """<style>
[data-testid="stBaseButton-primary"] { color: #14131C; }
[data-testid="stBaseButton-primary"]:is(:hover, :focus-visible, :active) {
  color: #14131C; background-color: #BDB7FF; border-color: #BDB7FF;
}
</style>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a page teaches.

    `guess` is the short question on the stage, `guesses` what a person may choose from; `question`
    is the longer one of the lesson card, which `answer` answers.
    """

    guess: str
    guesses: Sequence[str]
    question: str
    answer: str
    look_for: Sequence[str]


def page(title: str, subtitle: str, lesson: Lesson | None = None) -> None:
    """Begins a page: every page calls this first."""
    page_changes.watch()
    page_limit.enter()
    notices.begin()
    st.session_state[addresses.SCREEN] = title
    st.set_page_config(f"{title} · Ideal Cat", str(STATIC / "icon.svg"), layout="wide")
    st.logo(STATIC / "logo.svg", size="large")
    st.html(STYLE)
    if st.context.theme.type == "dark":  # Streamlit's white label does not stand out from it
        st.html(DARK)
    with st.sidebar:
        if "screens" not in class_link.hidden():
            for path, label, symbol in PAGES:
                st.page_link(path, label=label, icon=symbol)
        classroom.aside(title)
        class_link.aside()
        first_network.show()
    with st.container(horizontal=True, vertical_alignment="center", key="page_head"):
        st.title(title, anchor=False, width="content")
        st.markdown(subtitle, width="stretch")
        if lesson is not None:
            _lesson_card(lesson)


@contextmanager
def errors() -> Iterator[None]:
    """Turns an engine error into a sentence on the screen; the page goes on below it."""
    try:
        yield
    except EngineError as error:
        st.error(str(error), icon=":material/error:")


def told(draw: Callable[..., Any]) -> Callable[..., Any]:
    """A drawing function whose engine errors become sentences on the screen; it then gives None."""

    @wraps(draw)
    def drawn(*args: Any) -> Any:
        with errors():
            return draw(*args)

    return drawn


def stale(what: str, button: str) -> None:
    """Says that what is shown was made with other settings than those set now."""
    st.info(
        f"This is {what}. Press *{button}* to use the current settings.", icon=":material/history:"
    )


def _lesson_card(lesson: Lesson) -> None:
    @sessions.fragment
    def question() -> None:
        st.markdown(f"**Guess first.** {lesson.question}")
        if st.toggle("Show the answer", key="lesson_answer"):
            st.info(lesson.answer, icon=":material/lightbulb:")
        else:
            st.empty()  # in its place, so that it is gone even if the end of this run is not heard
        st.markdown("**Look for**\n" + "\n".join(f"- {line}" for line in lesson.look_for))

    with st.popover("Lesson card", icon=":material/school:", type="tertiary", key="lesson_card"):
        question()


def wait_for_engine() -> None:
    """Holds the page at a progress line until TensorFlow is imported and a backbone is ready."""
    run, line = sessions.opening(), st.empty()  # its place is always there: nothing below it moves
    if run.done:
        sessions.first_steps()
        return
    line.progress(0.0, "Starting TensorFlow …")
    while not run.done:
        if run.frames:
            line.progress(run.frames[-1].fraction, run.frames[-1].message)
        time.sleep(0.1)
    line.empty()
