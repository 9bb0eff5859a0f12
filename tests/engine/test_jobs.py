"""A job keeps its latest snapshot, stops when told, and takes nobody down with it."""

import itertools
import threading
import time

import pytest

from engine.errors import DownloadFailed
from engine.runs.jobs import SLICE, Admission, Job, Share


def test_the_latest_snapshot_is_kept():
    job = Job(lambda: iter([1, 2, 3])).start()
    assert job.result() == 3
    assert job.done


def test_a_cancelled_job_makes_no_further_step():
    steps, go = [], threading.Semaphore(0)

    def work():
        try:
            for k in range(100):
                go.acquire()
                steps.append(k)
                yield k
        finally:
            steps.append("closed")

    job = Job(work).start()
    go.release()
    while job.snapshot is None:
        pass
    job.cancel()
    go.release()
    job.wait(5)
    assert job.done
    assert steps == [0, 1, "closed"]
    assert job.snapshot == 1


@pytest.mark.parametrize("error", [DownloadFailed("no network"), ValueError("a bug")])
def test_errors_are_kept_for_the_page(error):
    def work():
        yield 1
        raise error

    job = Job(work).start()
    with pytest.raises(type(error)):
        job.result()
    assert job.snapshot == 1


def counting(seen: list[int]):
    def steps():
        for number in range(1000):
            seen.append(number)
            yield number

    return steps


def until(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_paused_job_makes_no_step_and_a_single_step_is_one():
    seen: list[int] = []
    job = Job(counting(seen))
    job.pause()
    job.start()
    until(lambda: job.snapshot == 0)
    assert job.paused
    for number in (1, 2):
        job.step()
        until(lambda number=number: job.snapshot == number)
    job.wait(0.3)
    assert seen == [0, 1, 2]
    job.resume()
    assert job.result() == 999
    assert not job.paused


def test_jobs_take_turns_and_nobody_waits_for_a_whole_run():
    line, order = Admission(1), []
    gate, entered = threading.Event(), threading.Event()

    def held():
        entered.set()
        gate.wait(10)
        yield "held"

    def steps(name):
        for k in range(5):
            order.append((name, k))
            time.sleep(SLICE)  # a whole turn
            yield k

    holder = Job(lambda: line.turns(held)).start()
    assert entered.wait(10)
    jobs = [Job(lambda n=name: line.turns(lambda: steps(n))) for name in "abc"]
    for number, job in enumerate(jobs, 1):
        job.start()
        until(lambda j=job, n=number: j.position == n)
    gate.set()
    assert holder.result() == "held"
    assert [job.result() for job in jobs] == [4, 4, 4]
    assert [job.position for job in jobs] == [0, 0, 0]
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
    line, first, second = Admission(1), Share(), Share()
    first.spent, second.spent = others, mine

    def step(share):
        with line.turn(share):
            yield "made"

    with line.turn():
        other = Job(lambda: step(first)).start()
        until(lambda: other.position == 1)
        job = Job(lambda: step(second)).start()
        until(lambda: job.position == place)
        assert other.position == 3 - place
    assert job.result() == other.result() == "made"
    assert 0 < second.spent < 10
    assert (second.spent > (mine or 0)) == (mine != SLICE)


def test_who_looks_at_a_page_comes_first():
    line = Admission(2)
    with line.first():
        first, second = (Job(lambda: line.turns(counting([]))) for _ in range(2))
        first.pause()
        with line.turn():  # the one place that is left
            first.start()
            second.start()
            until(lambda: first.position and second.position)
    assert second.result() == 999
    first.resume()
    assert first.result() == 999


def test_only_so_many_compute_at_once():
    line, inside, most = Admission(2), [0], []
    lock = threading.Lock()

    def steps():
        for k in range(20):
            with lock:
                inside[0] += 1
                most.append(inside[0])
            time.sleep(0.001)  # long enough for others to come in, if they could
            with lock:
                inside[0] -= 1
            yield k

    jobs = [Job(lambda: line.turns(steps)).start() for _ in range(6)]
    assert [job.result() for job in jobs] == [19] * 6
    assert max(most) == 2


def test_who_is_cancelled_leaves_the_line():
    line, gate, entered = Admission(1), threading.Event(), threading.Event()

    def held():
        entered.set()
        gate.wait(10)
        yield "held"

    holder = Job(lambda: line.turns(held)).start()
    assert entered.wait(10)
    first = Job(lambda: line.turns(lambda: [1])).start()
    until(lambda: first.position == 1)
    second = Job(lambda: line.turns(lambda: [2])).start()
    until(lambda: second.position == 2)
    first.cancel()
    until(lambda: second.position == 1)
    first.wait(5)
    assert first.ending == "stopped"
    assert first.snapshot is None
    gate.set()
    assert (holder.result(), second.result()) == ("held", 2)


def test_a_paused_job_holds_no_place():
    line, seen = Admission(1), []
    paused = Job(lambda: line.turns(counting(seen)))
    paused.pause()
    paused.start()
    until(lambda: paused.snapshot == 0)
    assert Job(lambda: line.turns(counting([]))).start().result() == 999
    assert seen == [0]
    paused.resume()
    assert paused.result() == 999


def test_a_whole_run_is_waited_for_where_memory_is_short():
    line = Admission(1)
    first = Job(lambda: line.whole(counting([])))
    first.pause()
    first.start()
    until(lambda: first.snapshot == 0)
    second = Job(lambda: line.whole(counting([]))).start()
    until(lambda: second.position == 1)
    assert second.snapshot is None
    first.cancel()
    assert second.result() == 999


def test_a_job_nobody_looks_at_ends():
    job = Job(counting([]), lease=0.3)
    job.pause()
    job.start()
    until(lambda: job.snapshot == 0)
    for _ in range(4):
        job.touch()
        job.wait(0.1)
    assert not job.done
    job.wait(10)
    assert job.done
    assert job.snapshot == 0


def test_how_it_ended_is_told():
    assert_ending(Job(lambda: iter([1])), "done")
    stopped = Job(counting([]))
    stopped.pause()
    stopped.start()
    until(lambda: stopped.snapshot == 0)
    stopped.cancel()
    stopped.wait(5)
    assert stopped.ending == "stopped"
    assert_ending(Job(counting([]), lease=0.0), "left")


def assert_ending(job: Job, ending: str) -> None:
    job.start()
    job.wait(5)
    assert job.ending == ending


def test_what_cannot_be_begun_gives_its_place_back():
    line = Admission(1)

    def broken():
        raise DownloadFailed("gone")

    first = Job(lambda: line.turns(broken)).start()
    first.wait(5)
    assert isinstance(first.error, DownloadFailed)
    assert Job(lambda: line.turns(lambda: [7])).start().result() == 7


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_jump_of_the_clock_ends_no_job(monkeypatch, jump):
    job = Job(counting([]), lease=60.0)
    job.pause()
    job.start()
    until(lambda: job.snapshot == 0)
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + jump)
    job.step()
    until(lambda: job.snapshot == 1)
    assert not job.cancelled
    job.resume()
    assert job.result() == 999
    assert job.ending == "done"
