"""The quiz asks before and after the lesson, and explains only after it."""

import re

import pytest

from components.quiz.questions import QUESTIONS
from components.shell import classroom
from tests.app.test_pages import opened


def answered(app, when: str, choices) -> None:
    for number, choice in enumerate(choices, 1):
        app.radio(key=f"quiz_{number}_{when} the lesson").set_value(choice).run()
    assert not app.exception


def test_nothing_is_explained_before_the_lesson():
    app = opened("pages/quiz.py")
    answered(app, "before", [0] * len(QUESTIONS))
    assert not app.success
    assert not app.info
    assert not [m for m in app.markdown if "right" in m.value]


def test_after_the_lesson_answers_are_explained_and_both_times_compared():
    app = opened("pages/quiz.py")
    answered(app, "before", [0] * len(QUESTIONS))
    app.segmented_control(key="quiz_when").set_value("after the lesson").run()
    answered(app, "after", [q.right for q in QUESTIONS])
    assert len(app.success) == len(QUESTIONS)
    right_at_first = sum(q.right == 0 for q in QUESTIONS)
    words = f"**{len(QUESTIONS)} of {len(QUESTIONS)} right**, {right_at_first} before the lesson."
    assert words in [m.value for m in app.markdown]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.text[:30])
def test_each_question_has_one_right_answer_and_a_screen_that_shows_it(question):
    assert 0 <= question.right < len(question.choices) == len(set(question.choices))
    assert question.link.partition("?")[0] in classroom.TASKS
    assert re.fullmatch(r"[a-z_]+\?\S+", question.link)


def test_right_answers_stand_in_every_place():
    assert {question.right for question in QUESTIONS} == {0, 1, 2}
