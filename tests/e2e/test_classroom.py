"""Several at once on one server: each sees its own, and what is the same is the same."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from harness import lesson


def test_nobody_sees_what_is_anothers(address, monkeypatch):
    monkeypatch.setattr(lesson, "BACKBONES", ("Pocket", "Pocket"))
    monkeypatch.setattr(lesson, "THINK", (0.2, 0.8))
    monkeypatch.setattr(lesson, "SETTINGS", "&views=1")
    marks = lesson.Marks()
    pupils = lesson.the_class(address, 8, marks, time.monotonic() + 10, within=2, least=2)
    with ThreadPoolExecutor(1) as thread:  # Playwright's loop is in this one
        answers = thread.submit(asyncio.run, pupils).result()
    assert not marks.errors + marks.late
    assert answers
    assert marks.counts["rounds of ideal_image"] >= 8
    assert all(len(pictures) == 1 for pictures in marks.same.values())
    assert len(set.union(*marks.same.values())) == len(marks.same) > 2
