"""Who stops keeps what was shown, and nobody else notices; a run that nobody wants ends."""

import threading

from engine.runs import Private
from tests.engine.conftest import until
from tests.engine.running.conftest import Count


def test_one_who_stops_does_not_stop_the_others(runs, runner):
    first, second = (runs.view(Count(), paused=True) for _ in range(2))
    first.step()
    until(lambda: first.look() == 1)
    first.stop()
    assert first.state == "stopped"
    assert first.frames == [0]
    assert not second.run.done
    second.resume()
    assert second.run.result() == 49
    assert first.look() == 1
    assert first.frames == [0]
    assert first.state == "stopped"
    assert runner.made == list(range(50))


def test_a_stop_is_final_though_somebody_starts_the_same_before_the_run_has_ended(runs):
    """An equal task is then another run."""
    inside, go = threading.Event(), threading.Event()

    class Slow(Count):
        def steps(self, nets, live=None, resume=None):
            inside.set()
            assert go.wait(10)
            yield from range(3)

    first = runs.view(Slow())
    assert inside.wait(10)
    first.stop()
    second = runs.view(Slow())
    go.set()
    assert second.run.result() == 2
    assert second.run is not first.run
    until(lambda: first.look() == 1 and first.ended)
    assert (first.state, first.run.cut) == ("stopped", True)


def test_who_stops_a_replay_keeps_what_was_shown(runs):
    runs.view(Count()).run.wait()
    view = runs.view(Count())
    view.pause()
    view.step()
    until(lambda: view.look() == 1)
    view.stop()
    assert view.look() == 1
    assert (view.state, view.frames) == ("stopped", [0])


def test_a_step_asked_for_before_going_on_is_not_made_up_later(runs):
    view = runs.view(Count(), paused=True)
    for _ in range(3):
        view.step()
    until(lambda: view.look() == 3)
    for _ in range(3):
        view.step()
    view.resume()
    view.pause()
    seen = view.look()
    view.step()
    until(lambda: view.look() > seen)
    assert view.seen == seen + 1


def test_two_pages_of_one_person_do_not_stop_each_other(runs):
    first = runs.view(Count(), paused=True)
    first.step()
    until(lambda: first.look() == 1)
    second = first.twin()
    assert (second.run, second.seen, second.name != first.name) == (first.run, 1, True)
    first.stop()
    assert not second.stopped
    second.resume()
    assert second.run.result() == 49
    until(lambda: second.look() == 50)
    assert first.frames == [0]


def test_a_run_nobody_wants_ends_and_another_is_begun(runs, runner):
    first = runs.view(Count(), paused=True)
    first.step()
    until(lambda: first.look() == 1)
    first.stop()
    first.run.wait(5)
    assert first.run.cut
    assert runner.made == [0]
    second = runs.view(Count())
    assert second.run is not first.run
    assert second.run.result() == 49


def test_a_stopped_run_makes_no_further_frame_and_is_closed(runs):
    steps, go = [], threading.Semaphore(0)

    def work():
        try:
            for k in range(100):
                assert go.acquire(timeout=10)
                steps.append(k)
                yield k
        finally:
            steps.append("closed")

    view = runs.view(Private(work))
    go.release()
    until(lambda: view.look() == 1)
    view.stop()
    go.release()
    view.run.wait(5)
    assert steps == [0, 1, "closed"]
    assert view.frames == [0]
