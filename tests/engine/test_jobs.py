"""A job keeps its latest snapshot, stops when told, and takes nobody down with it."""

import threading
import time

import pytest

from engine.errors import DownloadFailed
from engine.jobs import Admission, Job


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


def test_jobs_wait_in_line_and_a_paused_one_lets_others_in():
    line = Admission(1)
    first, second, third = (Job(counting([]), admission=line) for _ in range(3))
    first.pause()
    second.pause()
    first.start()
    until(lambda: first.snapshot == 0)
    second.start()  # the first is paused and holds no place
    until(lambda: second.snapshot == 0)
    gate, entered = threading.Event(), threading.Event()

    def held():
        entered.set()
        gate.wait(10)
        yield "held"

    holder = Job(held, admission=line).start()
    assert entered.wait(10)
    third.start()
    until(lambda: third.position == 1)
    first.resume()
    until(lambda: first.position == 2)
    third.cancel()
    until(lambda: first.position == 1)
    assert third.snapshot is None
    gate.set()
    assert holder.result() == "held"
    assert first.result() == 999
    second.cancel()
    second.wait(10)
    assert second.snapshot == 0


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

    first = Job(broken, admission=line).start()
    first.wait(5)
    assert isinstance(first.error, DownloadFailed)
    assert Job(lambda: iter([7]), admission=line).start().result() == 7
