"""A run goes on as long as a page looks at it, and a while after."""

from types import SimpleNamespace

from engine.runs import Private


def test_a_run_nobody_looks_at_ends(runs):
    gone = runs.view(Private(lambda: iter(range(10**9))), lease=0.2)
    gone.run.wait(10)
    assert gone.run.cut
    gone.look()
    assert gone.state == "page closed"


def test_a_closed_page_ends_its_run_soon(runs):
    view = runs.view(Private(lambda: iter(range(10**9))), lease=100.0)
    view.expire_within(0.3)
    view.run.wait(10)
    assert view.run.cut


def test_a_page_that_comes_back_has_its_whole_lease_again(runs, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("engine.runs.view.time", SimpleNamespace(monotonic=lambda: now[0]))
    view = runs.view(Private(lambda: iter(range(10**9))), lease=90.0)
    view.expire_within(30.0)
    now[0] += 0.1
    view.look()  # which was on its way when the connection broke
    now[0] += 28.0
    assert not view.expired
    view.look()
    now[0] += 60.0  # hidden behind another tab
    assert not view.expired
    view.expire_within(30.0)
    now[0] += 31.0
    assert view.expired
    view.run.wait(10)
