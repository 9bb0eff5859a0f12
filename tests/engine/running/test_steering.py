"""Who steers goes on alone where others watch; what has ended can go on; frames tell with what."""

from dataclasses import replace

import numpy as np
import pytest

from engine import synthesis
from engine.runs import Runs
from engine.runs.tasks import IdealImage
from engine.synthesis import Live
from tests.engine.conftest import until
from tests.engine.running.conftest import Counted

STRONGER = Live(variation=1e-3, l2=0.05, learning_rate=0.04)


def expected(net, settings, at):
    """The frames where the numbers change from step `at` on."""
    return list(
        synthesis.ideal_image(
            net, 3, settings, lambda step: STRONGER if step >= at else settings.live
        )
    )


def stepped(view, frames):
    """Lets a paused view see some frames."""
    while view.seen < frames:
        seen = view.seen
        view.step()
        until(lambda: view.look() > seen)  # noqa: B023 -- called at once


def same(frames, view):
    assert [f.step for f in view.frames] == [f.step for f in frames]
    assert [f.loss for f in view.frames] == [f.loss for f in frames]
    assert np.array_equal(view.latest.picture, frames[-1].picture)


@pytest.mark.parametrize("ahead", [0, 4])
def test_who_steers_goes_on_alone_as_if_alone_from_the_start(
    runs, task, net, settings, alone, ahead
):
    """Bit for bit, also when the others are ahead of what this person has seen."""
    mine, other = (runs.view(task, paused=True) for _ in range(2))
    stepped(mine, 6)
    stepped(other, 6 + ahead)
    mine.steer(STRONGER)
    assert mine.run is not other.run
    assert [f.step for f in mine.frames] == [0, 1, 2, 3, 4, 5]
    for view in (mine, other):
        view.resume()
        view.run.wait()
        view.look()
    same(expected(net, settings, 6), mine)
    same(alone, other)
    assert mine.frames[-1].terms["variation"] != other.frames[-1].terms["variation"]


def test_who_watches_alone_steers_the_run_itself(runs, runner, task, net, settings):
    view = runs.view(task, paused=True)
    stepped(view, 4)
    run = view.run
    view.steer(STRONGER)
    assert view.run is run
    view.resume()
    run.wait()
    view.look()
    same(expected(net, settings, 4), view)
    assert runner.made == list(range(13))  # nothing twice
    fresh = runs.view(task)  # a steered run is not what its task says
    assert fresh.run is not run


def test_who_steers_a_replay_goes_on_from_what_is_shown(runs, task, net, settings, alone):
    runs.view(task).run.wait()
    view = runs.view(task)
    until(lambda: view.look() > 2)
    seen = view.seen
    view.steer(STRONGER)
    assert view.seen == seen < 13
    view.run.wait()
    view.look()
    same(expected(net, settings, seen), view)


def test_who_steers_while_paused_goes_on_from_what_is_shown(runs, task, net, settings):
    """The run has made more frames than that by the time the press arrives."""
    view = runs.view(task)
    until(lambda: view.look() > 2)
    view.pause()
    seen = view.look()
    view.run.wait(0.5)  # it goes on until it hears of it
    view.steer(STRONGER)
    view.resume()
    view.run.wait()
    view.look()
    same(expected(net, settings, seen), view)


def test_a_page_that_comes_back_finds_its_own_numbers(runs, task, alone):
    away, mine = (runs.view(task, paused=True) for _ in range(2))
    away.expire_within(0.0)  # not before the other has come: a run that nobody watches ends
    stepped(mine, 3)
    assert away.expired
    mine.steer(STRONGER)
    away.expire_within(60.0)
    away.resume()
    away.run.wait()
    away.look()
    same(alone, away)


def test_a_change_is_seen_whole(net, settings):
    """Steering replaces all live numbers at once: no frame has some of the old and the new."""
    runs = Runs(Counted())
    one = replace(settings.live, variation=1e-5, l2=0.1)
    two = replace(settings.live, variation=2e-5, l2=0.2)
    view = runs.view(
        IdealImage(backbone="Pocket", target=3, settings=replace(settings, steps=60, live=one))
    )
    while not view.run.done:
        for live in (two, one):
            view.steer(live)
            view.run.wait(0.001)  # and let it compute
    view.look()
    assert {frame.live for frame in view.frames} == {one, two}
    greys = [frame.terms["l2"] / frame.live.l2 for frame in view.frames]
    assert max(abs(np.diff(greys))) < 0.2 * max(greys)  # a wrong weight would be a jump by two
    for frame in view.frames:
        weight = frame.terms["variation"] / frame.variation
        assert weight == pytest.approx(frame.live.variation, rel=1e-5)


def test_a_run_goes_on_after_its_end_as_if_it_had_been_longer(runs, task, net):
    view = runs.view(task)
    view.run.wait()
    short = view.look()
    longer = replace(task, settings=replace(task.settings, steps=task.settings.steps + 9))
    view.extend(longer)
    assert view.state == "running"
    view.run.wait()
    assert view.look() == short + 9
    alone = list(synthesis.ideal_image(net, task.target, longer.settings))
    assert [frame.step for frame in view.frames] == [frame.step for frame in alone]
    np.testing.assert_array_equal(view.latest.picture, alone[-1].picture)
    assert view.state == "done"
