"""A class from its opening to its end, on each database."""

import io

import numpy as np
import pytest

from engine import images
from engine.classroom import KINDS, Draft
from engine.core.errors import ClassRefused, NoSuchClass, TooOften

PICTURE = images.png(np.zeros((8, 8, 3), "float32"))


def draft(**changes) -> Draft:
    values = {
        "kind": "ideal image",
        "title": "goldfish",
        "link": "ideal_images?class=goldfish",
        "figures": {"recognised by": "2 of 3"},
        "score": 2.0,
        "still": PICTURE,
    }
    return Draft(**values | changes)


def test_what_is_shown_is_on_the_wall_with_its_picture(wall, opened, pupil):
    wall.show(pupil, draft(caption="mine"))
    (entry,) = wall.entries(opened.code)
    assert (entry.by, entry.title, entry.caption, entry.applause) == (
        "Otter",
        "goldfish",
        "mine",
        0,
    )
    assert entry.figures == {"recognised by": "2 of 3"}
    assert wall.file(entry.still) == PICTURE
    assert wall.file(entry.film) == b""


def test_the_best_come_first_where_asked_for(wall, opened, pupil):
    for score in (1.0, 3.0, 2.0):
        wall.show(pupil, draft(score=score))
    wall.show(pupil, draft(kind="attack", score=9.0))
    scores = [e.score for e in wall.entries(opened.code, kind="ideal image", best=True)]
    assert scores == [3.0, 2.0, 1.0]
    assert [e.score for e in wall.entries(opened.code)] == [9.0, 2.0, 3.0, 1.0]
    assert len(wall.entries(opened.code, most=2)) == 2


def test_applause_counts_once_a_pupil_and_can_be_taken_back(wall, opened, pupil):
    number = wall.show(pupil, draft())
    other = wall.join(opened.code, "Heron", "b")
    for who in (pupil, other):
        wall.applaud(who, number)
    assert wall.entries(opened.code)[0].applause == 2
    wall.applaud(other, number)
    assert wall.entries(opened.code)[0].applause == 1


def test_nobody_acts_in_another_class(wall, opened, pupil):
    number = wall.show(pupil, draft())
    other = wall.open("teacher")
    stranger = wall.join(other.code, "Otter", "c")
    with pytest.raises(ClassRefused):
        wall.applaud(stranger, number)
    wall.teacher(other.secret).hide(number)
    assert len(wall.entries(opened.code)) == 1
    assert wall.entries(other.code) == []


@pytest.mark.parametrize("act", ["hide", "set", "pupils", "delete", "info"])
def test_a_pupil_has_no_way_to_the_teachers_powers(wall, opened, pupil, act):
    arguments = (1,) if act == "hide" else ()
    for secret in (pupil, opened.code, "", opened.secret[:-1]):
        with pytest.raises(NoSuchClass):
            getattr(wall.teacher(secret), act)(*arguments)


def test_the_teacher_hides_freezes_and_sets_the_task(wall, opened, pupil):
    teacher = wall.teacher(opened.secret)
    number = wall.show(pupil, draft())
    teacher.hide(number)
    assert wall.entries(opened.code) == []
    assert wall.entries(opened.code, hidden=True)[0].hidden
    with pytest.raises(ClassRefused):
        wall.applaud(pupil, number)
    teacher.set(frozen=True, task="ideal_images?class=goldfish")
    with pytest.raises(ClassRefused, match="frozen"):
        wall.show(pupil, draft())
    name, info = wall.membership(pupil)
    assert (name, info.task, info.frozen) == ("Otter", "ideal_images?class=goldfish", True)
    teacher.set(frozen=False)
    wall.show(pupil, draft())
    teacher.hide(number, hidden=False)
    assert len(wall.entries(opened.code)) == 2


def test_the_teacher_sees_who_is_where_and_who_is_stuck(wall, opened, pupil, clock):
    heron = wall.join(opened.code, "Heron", "b")
    clock.now += 700
    wall.show(pupil, draft())
    wall.here(heron, "Ideal images")
    clock.now += 30
    first, second = wall.teacher(opened.secret).pupils()
    assert not second.stuck  # has shown something
    assert (first.name, first.page, first.away, first.shown) == ("Heron", "Ideal images", 30, 0)
    assert first.stuck
    assert (second.name, second.shown) == ("Otter", 1)
    late = wall.join(opened.code, "Fox", "c")
    assert late
    assert not wall.teacher(opened.secret).pupils()[0].stuck  # has just come
    clock.now += 100
    assert not any(pupil.stuck for pupil in wall.teacher(opened.secret).pupils())  # all away


def test_a_clock_that_jumps_back_makes_nobody_younger_than_now(wall, opened, pupil, clock):
    wall.here(pupil, "Home")
    clock.now -= 5000
    (only,) = wall.teacher(opened.secret).pupils()
    assert only.away == 0
    wall.show(pupil, draft())
    assert [e.title for e in wall.entries(opened.code)] == ["goldfish"]


def test_guesses_are_counted_and_the_first_one_stays(wall, opened, pupil):
    heron = wall.join(opened.code, "Heron", "b")
    wall.guess(pupil, "What?", "a cat")
    wall.guess(pupil, "What?", "noise")
    wall.guess(heron, "What?", "a cat")
    assert wall.guesses(opened.code) == {"What?": {"a cat": 2}}
    assert wall.own_guesses(pupil) == {"What?": "a cat"}
    wall.guess(heron, "q" * 500, "a" * 500)  # as long as PostgreSQL takes
    assert wall.own_guesses(heron)["q" * 120] == "a" * 120


def test_a_class_ends_with_all_that_was_shown(wall, opened, pupil, clock, tmp_path, monkeypatch):
    wall.show(pupil, draft())
    clock.now += 24 * 3600 + 1
    assert wall.membership(pupil) is None
    for late in (
        lambda: wall.show(pupil, draft()),
        lambda: wall.entries(opened.code),
        lambda: wall.guesses(opened.code),
    ):
        with pytest.raises(NoSuchClass):
            late()
    wall.upkeep.purge()
    clock.now -= 3600  # the clock had jumped
    assert wall.membership(pupil) is not None
    clock.now += 2 * 3600 + 1
    monkeypatch.setattr("engine.classroom.files.NEW", -1.0)
    wall.upkeep.purge()
    clock.now -= 3 * 3600
    assert wall.membership(pupil) is None
    assert not list((tmp_path / "pictures").glob("*/*"))


def test_deleting_a_class_deletes_its_pictures_at_once_and_no_others(wall, opened, pupil):
    other = wall.open("teacher")
    wall.show(wall.join(other.code, "Heron", "b"), draft())
    wall.show(pupil, draft(still=images.png(np.ones((8, 8, 3), "float32"))))
    mine = wall.entries(opened.code)[0]
    wall.teacher(opened.secret).delete()
    (kept,) = wall.entries(other.code)
    assert wall.file(kept.still) == PICTURE
    assert wall.file(mine.still) == b""


def test_names_and_captions_are_one_short_line(wall, opened):
    key = wall.join(opened.code, "a\n\u202eb" + "x" * 100, "b")
    wall.show(key, draft(title="t" * 200, caption="one\ntwo\x07" + "c" * 200))
    (entry,) = wall.entries(opened.code)
    assert entry.by.startswith("a b")
    assert (len(entry.by), len(entry.title), len(entry.caption)) == (24, 80, 80)
    assert "\n" not in entry.caption


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "virus"},
        {"link": "javascript:alert(1)"},
        {"link": "//elsewhere.org"},
        {"link": 'ideal_images?x="><script>'},
        {"still": bytes(6_000_001)},
    ],
)
def test_a_draft_that_is_none_changes_nothing(wall, opened, pupil, wrong):
    with pytest.raises(ClassRefused):
        wall.show(pupil, draft(**wrong))
    assert wall.entries(opened.code) == []


def test_text_that_looks_like_a_query_is_text(wall, opened):
    name = "x'); DROP TABLE ent; --"
    key = wall.join(opened.code, name, "b")
    wall.show(key, draft(title=name, caption="' OR 1=1 --"))
    assert [(e.by, e.caption) for e in wall.entries(opened.code)] == [(name, "' OR 1=1 --")]
    with pytest.raises(NoSuchClass):
        wall.look("' OR 1=1 --", "c")


def test_figures_are_a_dozen_short_lines(wall, opened, pupil):
    figures = {f"{k}\n" + "n" * 100: "v" * 10_000 for k in range(30)}
    wall.show(pupil, draft(figures=figures))
    (entry,) = wall.entries(opened.code)
    assert len(entry.figures) == 12
    assert {(len(name), len(value)) for name, value in entry.figures.items()} == {(30, 80)}


def test_a_task_is_never_the_teachers_own_page(wall, opened):
    for task in (f"wall?teacher={opened.secret}", "wall", "http://elsewhere.org", "a b"):
        with pytest.raises(ClassRefused):
            wall.teacher(opened.secret).set(task=task)


def test_nobody_floods_the_wall(wall, opened, pupil):
    for _ in range(6):
        wall.show(pupil, draft())
    with pytest.raises(TooOften):
        wall.show(pupil, draft())
    assert len(wall.entries(opened.code)) == 6


def test_the_wall_is_bounded(wall, opened, pupil, monkeypatch):
    monkeypatch.setattr("engine.classroom.wall.MOST_CLASS_BYTES", len(PICTURE))
    wall.show(pupil, draft())
    with pytest.raises(ClassRefused, match="full"):
        wall.show(pupil, draft())
    monkeypatch.setattr("engine.classroom.wall.MOST_MEMBERS", 1)
    with pytest.raises(ClassRefused, match="full"):
        wall.join(opened.code, "Heron", "b")


def test_every_kind_can_be_shown(wall, opened, pupil):
    for kind in KINDS:
        wall.show(pupil, draft(kind=kind))
    assert {entry.kind for entry in wall.entries(opened.code)} == set(KINDS)
    assert io.BytesIO(wall.file(wall.entries(opened.code)[0].still)).read(4) == b"\x89PNG"
