"""Runs take turns: nobody waits for another's whole run, and a first picture comes first."""

import itertools
import threading
import time

import numpy as np
import pytest

from engine.backbones import Store
from engine.runs import SLICE, LocalRunner, Private, Runs, Schedule, Share
from engine.runs.schedule import LEVELS, LONGEST_EVERY
from tests.engine.conftest import until


@pytest.fixture
def one_place():
    schedule = Schedule(1)
    return schedule, Runs(LocalRunner(schedule, Store()))


def counting(seen, total=1000):
    def steps():
        for number in range(total):
            seen.append(number)
            yield number

    return Private(steps)


def test_runs_take_turns_and_nobody_waits_for_a_whole_run(one_place):
    schedule, runs = one_place
    order = []

    def steps(name):
        for k in range(4):  # all at one level
            order.append((name, k))
            time.sleep(SLICE)  # a whole turn
            yield k

    with schedule.turn(Share()):
        views = []
        for place, name in enumerate("abc", 1):
            views.append(runs.view(Private(lambda name=name: steps(name))))
            until(lambda view=views[-1], place=place: view.run.position == place)
            assert views[-1].state == "queued"
    assert [view.run.result() for view in views] == [3, 3, 3]
    assert [view.run.position for view in views] == [0, 0, 0]
    for name in "abc":
        mine = [k for k, (who, _) in enumerate(order) if who == name]
        assert max(b - a for a, b in itertools.pairwise(mine)) <= 3


@pytest.mark.parametrize(
    ("others", "mine", "place"),
    [
        (None, None, 2),
        (None, SLICE / 2, 1),  # in the middle of a turn
        (None, SLICE, 2),
        (SLICE, None, 1),  # nothing yet, while the other wants more
        (SLICE, SLICE / 2, 1),
        (SLICE, SLICE, 2),
    ],
)
def test_turns_are_ended_first_then_those_come_who_have_nothing_yet(others, mine, place):
    schedule, first, second = Schedule(1), Share(), Share()
    first.spent, second.spent = others, mine

    def take(share):
        with schedule.turn(share):
            pass

    with schedule.turn(Share()):
        threads = [threading.Thread(target=take, args=(share,)) for share in (first, second)]
        threads[0].start()
        until(lambda: schedule.position(first) == 1)
        threads[1].start()
        until(lambda: schedule.position(second) == place)
        assert schedule.position(first) == 3 - place
    for thread in threads:
        thread.join(10)
    assert 0 < second.spent < 10
    assert (second.spent > (mine or 0)) == (mine != SLICE)


def test_a_short_run_does_not_wait_for_long_ones():
    """An attack among pictures: at most one of them has a turn before its next."""
    schedule, order = Schedule(1), []
    runs = Runs(LocalRunner(schedule, Store()))

    def steps(name, count):
        for _ in range(count):
            order.append(name)
            time.sleep(SLICE)  # a whole turn
            yield name

    views = []
    for _ in range(4):  # one after the other: which began first decides who comes first
        views.append(runs.view(Private(lambda: steps("long", 5)), paused=True))
        until(lambda: views[-1].run.frames)
        views[-1].run.share.total = LEVELS[-2]
    with schedule.turn(Share()):
        for place, view in enumerate(views, 1):
            view.resume()
            until(lambda view=view, place=place: schedule.position(view.run.share) == place)
        brief = runs.view(Private(lambda: steps("brief", 4)))
        until(lambda: schedule.position(brief.run.share) == 1)
        del order[:]
    for view in (brief, *views):
        view.run.result()
    assert order[:8].count("brief") == 4
    assert order.count("long") == 16


def test_a_long_run_has_its_share_however_many_short_ones_come():
    """Every third turn is for whoever has waited longest."""
    schedule, order, threads = Schedule(1), [], []

    def take(name, total):
        share = Share()
        share.spent, share.total = SLICE, total
        with schedule.turn(share):
            order.append(name)

    with schedule.turn(Share()):
        waiting = [("long", LEVELS[-2])] * 3 + [("short", 0.0)] * 9
        for number, (name, total) in enumerate(waiting):
            threads.append(threading.Thread(target=take, args=(f"{name} {number}", total)))
            threads[-1].start()
            until(lambda number=number: len(schedule._queue) == number + 1)
    for thread in threads:
        thread.join(10)
    assert [name.split()[0] for name in order[:9]].count("long") == 9 // LONGEST_EVERY
    for kind, numbers in (("long", range(3)), ("short", range(3, 12))):
        assert [one for one in order if kind in one] == [f"{kind} {number}" for number in numbers]
    gaps = [k for k, name in enumerate(order) if "long" in name]
    assert set(np.diff(gaps)) == {LONGEST_EVERY}


def test_long_runs_are_finished_one_after_the_other_and_all_of_them_grow():
    """The one that began first has most turns; of three turns, one goes to each in turn."""
    schedule, order = Schedule(1), []
    runs = Runs(LocalRunner(schedule, Store()))

    def steps(name):
        for _ in range(12):
            order.append(name)
            time.sleep(SLICE)  # a whole turn
            yield name

    views = []
    for name in "abc":
        views.append(runs.view(Private(lambda name=name: steps(name)), paused=True))
        until(lambda: views[-1].run.frames)
        views[-1].run.share.total = LEVELS[-2]
    with schedule.turn(Share()):
        for count, view in enumerate(reversed(views), 1):  # the last that began waits longest
            view.resume()
            until(lambda count=count: len(schedule._queue) == count)
        assert [schedule.position(view.run.share) for view in views] == [1, 2, 3]
        del order[:]
    for view in views:
        view.run.result()
    ends = [len(order) - order[::-1].index(name) for name in "abc"]
    assert ends == sorted(ends)
    assert ends[0] < 27  # of 33; with equal turns, it would be 31
    assert {"b", "c"} <= set(order[: ends[0]])


def test_the_less_a_run_has_had_the_sooner_it_comes():
    share = Share()
    share.spent, ranks = SLICE, []
    for share.total in np.linspace(0.0, LEVELS[-1], 9):
        ranks.append(share.rank)
    assert ranks == sorted(ranks)
    assert ranks[0] == 2
    assert ranks[-1] == len(LEVELS) + 2


def test_what_many_watch_counts_as_short_for_longer(one_place):
    _, runs = one_place
    task = counting([])
    task.key = "the same for all"
    views = [runs.view(task, paused=True) for _ in range(3)]
    share = views[0].run.share
    until(lambda: views[0].run.frames)  # its first turn is over
    share.spent, share.total = SLICE, 2.5 * LEVELS[-2]
    until(lambda: share.people == 3)
    assert share.rank == len(LEVELS)
    views[0].stop()
    until(lambda: share.people == 2)
    assert share.rank == len(LEVELS) + 1


def test_who_looks_at_a_page_comes_first():
    schedule = Schedule(2)
    runs = Runs(LocalRunner(schedule, Store()))
    with schedule.first():
        with schedule.turn(Share()):  # the one place that is left
            views = [runs.view(counting([])) for _ in range(2)]
            until(lambda: all(view.run.position for view in views))
        assert views[0].run.result() == 999  # one place is always left
    assert views[1].run.result() == 999


def test_only_so_many_compute_at_once():
    schedule = Schedule(2)
    runs = Runs(LocalRunner(schedule, Store()))
    inside, most, lock = [0], [], threading.Lock()

    def steps():
        for k in range(20):
            with lock:
                inside[0] += 1
                most.append(inside[0])
            time.sleep(0.001)  # long enough for others to come in, if they could
            with lock:
                inside[0] -= 1
            yield k

    views = [runs.view(Private(steps)) for _ in range(6)]
    assert [view.run.result() for view in views] == [19] * 6
    assert max(most) == 2


def test_who_stops_leaves_the_queue(one_place):
    schedule, runs = one_place
    with schedule.turn(Share()):
        first, second = runs.view(counting([])), None
        until(lambda: first.run.position == 1)
        second = runs.view(counting([]))
        until(lambda: second.run.position == 2)
        first.stop()
        until(lambda: second.run.position == 1)
        first.run.wait(5)
        assert first.state == "stopped"
        assert first.latest is None
    assert second.run.result() == 999


def test_a_paused_run_holds_no_place(one_place):
    _, runs = one_place
    seen = []
    paused = runs.view(counting(seen), paused=True)
    paused.step()
    until(lambda: paused.run.frames)
    assert runs.view(counting([])).run.result() == 999
    assert seen == [0]
    paused.resume()
    assert paused.run.result() == 999


def test_runs_that_take_much_memory_wait_for_a_whole_one(one_place):
    schedule, _ = one_place
    runs = Runs(LocalRunner(schedule, Store(), alone=1))

    class Large(Private):
        alone = True

    first = runs.view(Large(lambda: iter(range(9))), paused=True)
    first.step()
    until(lambda: first.run.frames)
    second = runs.view(Large(lambda: iter(range(9))))
    until(lambda: second.run.position == 1)
    assert second.latest is None
    first.stop()
    assert second.run.result() == 8
