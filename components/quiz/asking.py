"""The quiz as it is asked: before the lesson without answers, after it with them."""

import streamlit as st

from components.quiz.questions import QUESTIONS, Question
from components.shell import class_link, classroom
from components.widgets import show_it

BEFORE, AFTER = WHEN = ("before the lesson", "after the lesson")


def ask() -> None:
    """All questions, the answers of one time, and what they are worth."""
    _recall()
    when = st.segmented_control(
        "When", WHEN, default=BEFORE, required=True, key="quiz_when", bind="query-params"
    )
    if when == BEFORE:
        kept = "for the class" if classroom.key() else "until you reload the page"
        st.caption(f"Answers are kept {kept}, and explained after the lesson. A guess is welcome.")
    for number, question in enumerate(QUESTIONS, 1):
        with st.container(border=True):
            _question(number, question, when)
    if when == AFTER:
        _score()


def _question(number: int, question: Question, when: str) -> None:
    choice = st.radio(
        f"**{number}. {question.text}**",
        range(len(question.choices)),
        index=None,
        format_func=lambda k: question.choices[k],
        key=_key(number, when),
        persist_state="session",
    )
    if choice is None:
        return
    classroom.tell(_asked(number, when), question.choices[choice])
    if when == BEFORE:
        return
    first = st.session_state.get(_key(number, BEFORE))
    changed = "" if first in (None, choice) else f" Before: “{question.choices[first]}”"
    if choice == question.right:
        st.success(f"Right. {question.why}{changed}", icon=":material/check:")
    else:
        right = question.choices[question.right]
        st.info(f"“{right}” {question.why}{changed}", icon=":material/lightbulb:")
    st.html(class_link.anchor(question.link, "Try it", new_tab=True))


def _asked(number: int, when: str) -> str:
    """What a question is called where a class's answers are counted."""
    return f"{number}. {QUESTIONS[number - 1].text} ({when})"


def _recall() -> None:
    """Takes over what a pupil has answered before a reload."""
    told = classroom.told()
    for number, question in enumerate(QUESTIONS, 1):
        for when in WHEN:
            answer = told.get(_asked(number, when))
            if answer in question.choices and _key(number, when) not in st.session_state:
                st.session_state[_key(number, when)] = question.choices.index(answer)


def _score() -> None:
    before, after = (_right(when) for when in WHEN)
    if after is None:
        st.caption("Answer all questions to see how many are right.")
        return
    words = f"**{after} of {len(QUESTIONS)} right**"
    words += f", {before} before the lesson." if before is not None else "."
    st.markdown(words)
    show_it.button("quiz", str(after), lambda: _shown(before, after))


def _right(when: str) -> int | None:
    """How many answers are right; None while some are missing."""
    given = [st.session_state.get(_key(k, when)) for k in range(1, len(QUESTIONS) + 1)]
    if None in given:
        return None
    return sum(a == q.right for a, q in zip(given, QUESTIONS, strict=True))


def _shown(before: int | None, after: int) -> show_it.Shown:
    return show_it.Shown(
        title=f"Quiz: {after} of {len(QUESTIONS)}",
        link="quiz",
        figures={"before the lesson": "not asked" if before is None else str(before)},
        score=float(after),
    )


def _key(number: int, when: str) -> str:
    return f"quiz_{number}_{when}"
