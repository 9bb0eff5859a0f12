"""Several at once on one server: each sees its own, and what is the same is the same."""

import time

from harness import lesson
from tests.e2e.screen import in_a_thread


def test_nobody_sees_what_is_anothers(address, monkeypatch):
    monkeypatch.setattr(lesson, "BACKBONES", ("Pocket", "Pocket"))
    monkeypatch.setattr(lesson, "THINK", (0.2, 0.8))
    monkeypatch.setattr(lesson, "SETTINGS", "&views=1")
    marks = lesson.Marks()
    pupils = lesson.the_class(address, 8, marks, time.monotonic() + 10, within=2, least=2)
    answers = in_a_thread(pupils)
    assert not marks.errors + marks.late
    assert answers
    assert marks.counts["rounds of ideal_image"] >= 8
    assert all(len(pictures) == 1 for pictures in marks.same.values())
    assert len(set.union(*marks.same.values())) == len(marks.same) > 2
