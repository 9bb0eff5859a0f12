"""Equal tasks are computed once; who steers goes on alone; nobody's end is another's."""

import gc
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest

from engine import attacks, images, synthesis
from engine.core.errors import BadSettings, DownloadFailed
from engine.runs import Runs, View, in_background
from engine.runs.run import PICTURES
from engine.runs.tasks import Attack, IdealImage
from engine.synthesis.settings import LESSON
from tests.engine.conftest import until
from tests.engine.running.conftest import Count, Counted


def test_many_watch_and_each_frame_is_computed_once(runs, runner):
    views = [runs.view(Count()) for _ in range(8)]
    assert [view.run.result() for view in views] == [49] * 8
    assert runner.made == list(range(50))
    for view in views:
        until(lambda view=view: view.look() == 50)
    assert all(view.frames == list(range(50)) and view.state == "done" for view in views)


def test_who_comes_after_the_end_sees_it_replayed(runs, runner):
    runs.view(Count()).run.wait()
    view = runs.view(Count())
    assert view.look() < 50
    assert view.state == "running"
    until(lambda: view.look() == 50)
    assert view.state == "done"
    assert len(runner.made) == 50


def test_a_paused_view_sees_no_frame_and_a_single_step_is_one(runs, runner):
    view = runs.view(Count(), paused=True)
    for wanted in (1, 2, 3):
        view.step()
        until(lambda wanted=wanted: view.look() == wanted)
        assert view.state == "paused"
    assert runner.made == [0, 1, 2]
    view.resume()
    assert view.run.result() == 49
    assert view.look() == 50


def test_a_paused_view_stands_while_others_go_on(runs):
    held, other = runs.view(Count(), paused=True), runs.view(Count())
    other.run.wait()
    assert held.look() == 0
    assert held.state == "paused"
    held.step()
    assert held.look() == 1
    held.resume()
    until(lambda: held.look() == 50)
    assert held.state == "done"


@pytest.mark.parametrize("error", [DownloadFailed("no network"), ValueError("a bug")])
def test_an_error_reaches_all_who_watch_and_is_not_kept(runs, error):
    class Broken(Count):
        def steps(self, nets, live=None, resume=None):
            yield 1
            raise error

    views = [runs.view(Broken()) for _ in range(2)]
    for view in views:
        with pytest.raises(type(error)):
            view.run.result()
        view.look()
        assert view.frames == [1]
        assert view.state == "failed"
    assert runs.view(Count()).run is not views[0].run


def test_of_those_that_have_ended_only_the_last_runs_are_kept(runner):
    runs = Runs(runner, keep=2)
    made = []
    for total in (1, 2, 3):
        run = runs.view(Count(total)).run
        run.wait()
        made.append(weakref.ref(run))
    del run
    gc.collect()  # a run and its views know each other
    assert [one() is None for one in made] == [True, False, False]
    assert runs.view(Count(3)).run is made[2]()


def test_a_run_that_goes_on_is_joined_however_many_came_after_it(runner):
    runs = Runs(runner, keep=1)
    first = runs.view(Count(3), paused=True)
    for total in (4, 5):
        runs.view(Count(total)).run.wait()
    assert runs.view(Count(3)).run is first.run


def test_the_same_ideal_image_is_computed_once_and_looks_the_same(runs, runner, task, alone):
    views = [runs.view(task) for _ in range(6)]
    for view in views:
        assert np.array_equal(view.run.result().picture, alone[-1].picture)
        view.look()
        assert [f.loss for f in view.frames] == [f.loss for f in alone]
        assert set(view.pictures) == {f.step for f in alone}
    assert runner.made == [frame.step for frame in alone]


def test_another_seed_is_another_run(runs, task):
    other = replace(task, settings=replace(task.settings, seed=1))
    pictures = [runs.view(one).run.result().picture for one in (task, other)]
    assert not np.array_equal(*pictures)


def test_a_checkpoint_goes_on_bit_for_bit(net, settings):
    longer = replace(settings, steps=24)
    whole = list(synthesis.ideal_image(net, 3, longer))
    assert [frame.step for frame in whole if frame.checkpoint] == [0, 10, 20]
    again = list(synthesis.ideal_image(net, 3, longer, resume=whole[10].checkpoint))
    assert [frame.step for frame in again] == list(range(10, 25))
    for new, old in zip(again, whole[10:], strict=True):
        assert np.array_equal(new.picture, old.picture)


def test_an_attack_is_shared_too(runs, runner, net, cat):
    picture = images.fit(cat, net.input_size)
    how = attacks.PGD(epsilon=8, steps=4)
    task = Attack(
        backbones=("Pocket",), picture=picture, goal=attacks.Untargeted(), attack=how, seed=0
    )
    views = [runs.view(replace(task, picture=picture.copy())) for _ in range(3)]
    *_, end = attacks.run(net, picture, attacks.Untargeted(), how, seed=0)
    for view in views:
        assert np.array_equal(view.run.result().picture, end.picture)
    assert runner.made == [0, 1, 2, 3, 4, end.step]


def test_a_view_shows_the_run_as_it_was_when_it_looked(runs, task, alone):
    held = runs.view(task, paused=True)
    runs.view(task).run.wait()
    for _ in range(5):
        held.step()
    until(lambda: held.look() == 5)
    assert [f.step for f in held.frames] == [0, 1, 2, 3, 4]
    assert held.latest.step == 4
    assert np.array_equal(images.to_uint8(held.latest.picture), held.pictures[4])
    assert max(held.pictures) == 4
    held.resume()
    until(lambda: held.look() == 13)
    assert held.latest.last
    assert np.array_equal(held.latest.picture, alone[-1].picture)


def test_of_a_long_run_some_pictures_are_kept():
    runs = Runs(Counted())
    longer = IdealImage(backbone="Pocket", target=3, settings=replace(LESSON, steps=130))
    view = runs.view(longer)
    view.run.wait()
    view.look()
    assert len(view.frames) == 131
    assert PICTURES / 2 < len(view.pictures) <= PICTURES
    assert {0, 130} <= set(view.pictures)
    gaps = np.diff(sorted(view.pictures)[:-1])
    assert len(set(gaps)) == 1


def test_threads_are_not_left_behind(runs, task):
    before = threading.active_count()
    views = [
        runs.view(replace(task, settings=replace(task.settings, seed=seed))) for seed in range(10)
    ]
    for view in views:
        view.stop()
    for view in views:
        view.run.wait(10)
    assert threading.active_count() <= before


def test_what_runs_in_the_background_needs_nobody():
    run = in_background(lambda: iter([1, 2, 3]))
    assert run.result() == 3
    assert run.done

    def broken():
        yield 1
        raise BadSettings("no")

    with pytest.raises(BadSettings):
        in_background(broken).result()


def test_joining_and_leaving_at_once_leaves_no_view_without_a_run(runs):
    """Many threads start and stop views of one task; whoever stays sees its end."""
    ends = []

    def come_and_go(stay):
        view = runs.view(Count(30))
        if stay:
            until(lambda: view.look() == 30)
            ends.append((view.seen, view.state))
        else:
            view.stop()

    threads = [threading.Thread(target=come_and_go, args=(k % 3 == 0,)) for k in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ends == [(30, "done")] * 20


def test_a_view_alone_needs_no_table():
    looking = threading.Event()
    run = in_background(lambda: (k for k in range(3) if looking.wait(60)))
    view = View(run)
    looking.set()
    run.wait()
    assert view.look() == 3
