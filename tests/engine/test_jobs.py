"""A job keeps its latest snapshot, stops when told, and takes nobody down with it."""

import threading

import pytest

from engine.errors import DownloadFailed
from engine.jobs import Job


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
