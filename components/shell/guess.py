"""The guess: asked on the stage before a result may be seen, kept, and repeated beside it."""

import streamlit as st

from components.shell import classroom
from components.shell.frame import Lesson


def ask(lesson: Lesson) -> None:
    """Asks what a person expects; it is kept for the session, and the first one for the class.

    Once the outcome was on the screen, it can't be changed any more.
    """
    with st.container(width="content", key="guess"):
        guess = st.pills(
            lesson.guess,
            lesson.guesses,
            key=_key(lesson),
            persist_state="session",
            disabled=st.session_state.get(_seen(lesson), False),
        )
    st.session_state.guessed = f"{lesson.guess.removeprefix('Guess: ')} {guess}" if guess else ""
    if guess:
        classroom.tell(lesson.guess, guess)


def repeat(lesson: Lesson, *, closed: bool = True) -> None:
    """Repeats what a person has guessed. Call it beside the outcome.

    Args:
        lesson: the page's.
        closed: whether the guess is closed from now on.
    """
    st.session_state[_seen(lesson)] = closed
    if guess := st.session_state.get(_key(lesson)):
        st.caption(f":material/psychology_alt: You guessed: {guess}.")


def made() -> str:
    """The question of this page's guess and the answer; "" where none was given."""
    return st.session_state.get("guessed", "")


def _seen(lesson: Lesson) -> str:
    return f"seen_{lesson.guess}"


def _key(lesson: Lesson) -> str:
    return f"guess_{lesson.guess}"
