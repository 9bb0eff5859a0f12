"""Joining a class by its code and a nickname, leaving it, and coming back, on each database."""

import pytest

from engine.classroom.words import WORDS
from engine.core.errors import ClassRefused, NoSuchClass, TooOften
from tests.classroom.test_wall import draft


def test_a_code_is_four_of_256_words(opened):
    assert len(set(WORDS)) == 256
    assert len(opened.code.split("-")) == 4
    assert set(opened.code.split("-")) <= set(WORDS)


def test_a_code_is_understood_as_people_type_it(wall, opened):
    spoken = "  " + opened.code.upper().replace("-", "  ")
    assert wall.look(spoken, "a").code == opened.code


@pytest.mark.parametrize("name", ["Otter", "oTTer", " Otter\u200b ", "\x00Otter"])
def test_a_nickname_is_taken_once(wall, opened, pupil, name):
    with pytest.raises(ClassRefused, match="already taken"):
        wall.join(opened.code, name, "b")


@pytest.mark.parametrize("name", ["", "   ", "\u200b\n\t"])
def test_a_nickname_has_letters(wall, opened, name):
    with pytest.raises(ClassRefused, match="nickname"):
        wall.join(opened.code, name, "b")


def test_leaving_frees_the_name_of_who_has_shown_nothing(wall, opened, pupil):
    wall.leave(pupil)
    again = wall.join(opened.code, "Otter", "a")
    wall.show(again, draft())
    wall.leave(again)
    assert wall.entries(opened.code)[0].by == "Otter"
    with pytest.raises(ClassRefused, match="already taken"):
        wall.join(opened.code, "Otter", "a")


def test_who_has_closed_the_tab_comes_back_where_the_teacher_lets_them(wall, opened, pupil):
    wall.show(pupil, draft())
    name = wall.membership(pupil)[0]
    elsewhere = wall.open("another teacher")
    wall.teacher(elsewhere.secret).let_back(name)
    with pytest.raises(ClassRefused, match="already"):
        wall.join(opened.code, name, "b")
    wall.teacher(opened.secret).let_back(name.upper())
    assert wall.membership(pupil) is None
    again = wall.join(opened.code, name, "b")
    with pytest.raises(ClassRefused, match="already"):  # once
        wall.join(opened.code, name, "c")
    wall.show(again, draft())
    assert [entry.by for entry in wall.entries(opened.code)] == [name, name]
    assert len(wall.teacher(opened.secret).pupils()) == 1


def test_a_code_cannot_be_guessed_in_a_lesson(wall):
    for _ in range(8):
        with pytest.raises(NoSuchClass):
            wall.look("apple-apple-apple-apple", "guesser")
    with pytest.raises(TooOften, match=r"Try again in \d+ s"):
        wall.look("apple-apple-apple-apple", "guesser")
    for visitor in range(1192):
        with pytest.raises(NoSuchClass):
            wall.look("apple-apple-apple-apple", visitor)
    with pytest.raises(TooOften):  # in all
        wall.look("apple-apple-apple-apple", 7)
    assert wall.look(wall.open("teacher").code, "a newcomer")  # who is right is not held up
