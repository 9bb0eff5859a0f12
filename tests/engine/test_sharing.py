"""Equal work is computed once; who steers goes on alone; nobody's end is another's."""

import threading
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from engine import attacks, images, synthesis
from engine.errors import BadSettings
from engine.runs import sharing
from engine.runs.jobs import Admission, Job
from engine.runs.recording import Recording
from engine.runs.tasks import Threads
from engine.synthesis.settings import preset


@pytest.fixture
def shared():
    return sharing.Streams(), Threads(Admission(2))


@pytest.fixture(scope="module")
def settings(net):
    return replace(preset("clear", net.spec.builder), steps=12)


def counted(steps: list[int], total: int = 50):
    def make():
        for k in range(total):
            steps.append(k)
            yield k

    return make


def test_many_follow_and_each_step_is_made_once():
    made: list[int] = []
    stream = sharing.Stream(counted(made), [], Admission(2))
    jobs = [Job(stream.follow).start() for _ in range(8)]
    assert [job.result() for job in jobs] == [50] * 8
    assert made == list(range(50))
    assert stream.memory == made


def test_one_who_stops_does_not_stop_the_others():
    made: list[int] = []
    stream = sharing.Stream(counted(made), [], Admission(1))
    first = Job(stream.follow)
    first.pause()
    first.start()
    while first.snapshot is None:
        first.wait(0.01)
    first.cancel()
    first.wait(5)
    assert first.ending == "stopped"
    assert made == [0]  # nobody wanted more
    assert Job(stream.follow).start().result() == 50
    assert made == list(range(50))


def test_who_waits_in_line_and_is_cancelled_leaves_the_stream_to_others():
    line, made = Admission(1), []
    stream = sharing.Stream(counted(made), [], line)
    with line.turn():
        first = Job(stream.follow).start()
        while not first.position:
            first.wait(0.01)
        second = Job(stream.follow).start()
        while not second.position:
            second.wait(0.01)
        first.cancel()
        first.wait(5)
        assert made == []
    assert second.result() == 50
    assert made == list(range(50))


def test_an_error_reaches_all_who_follow_and_is_not_kept(shared):
    streams, line = shared[0], Admission(2)

    def broken():
        yield 1
        raise BadSettings("no such thing")

    stream = streams.get("key", lambda: sharing.Stream(broken, [], line))
    for _ in range(2):
        job = Job(stream.follow).start()
        with pytest.raises(BadSettings):
            job.result()
        assert job.snapshot == 1
    assert streams.get("key", lambda: sharing.Stream(counted([]), [], line)) is not stream


def test_only_the_last_streams_are_kept():
    streams, line = sharing.Streams(keep=2), Admission(2)
    made = [streams.get(k, lambda: sharing.Stream(counted([]), [], line)) for k in range(3)]
    assert streams.get(2, lambda: pytest.fail("gone")) is made[2]
    assert streams.get(0, lambda: sharing.Stream(counted([]), [], line)) is not made[0]


def followed(shared, net, settings, controls, record=None, target=3):
    return sharing.steered(
        *shared, net, target, settings, controls, None, Recording() if record is None else record
    )


def test_the_same_ideal_image_is_computed_once_and_looks_the_same(shared, net, settings):
    alone = list(synthesis.ideal_image(net, 3, settings))
    records = [Recording() for _ in range(6)]
    looks = []
    gradient = sharing.synthesis.ideal_image

    def watched(*arguments):
        for frame in gradient(*arguments):
            looks.append(frame.step)
            yield frame

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharing.synthesis, "ideal_image", watched)
        jobs = [
            Job(lambda r=r: followed(shared, net, settings, synthesis.Controls(settings), r))
            for r in records
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.result()
    assert looks == [frame.step for frame in alone]
    for record in records:
        assert [p.loss for p in record.points] == [f.loss for f in alone]
        assert np.array_equal(record.latest.picture, alone[-1].picture)
        assert set(record.pictures) == {f.step for f in alone}


def test_another_seed_is_another_run(shared, net, settings):
    found = []
    for seed in (0, 1):
        seeded = replace(settings, seed=seed)
        *_, record = followed(shared, net, seeded, synthesis.Controls(seeded))
        found.append(record.latest.picture)
    assert not np.array_equal(*found)


@pytest.mark.parametrize("ahead", [0, 4])
def test_who_steers_goes_on_alone_as_if_alone_from_the_start(shared, net, settings, ahead):
    """Also when the others are ahead of what this person has seen."""
    changed = replace(settings, variation_weight=100 * settings.variation_weight)

    def alone():
        controls = synthesis.Controls(settings)
        for frame in synthesis.ideal_image(net, 3, settings, controls):
            yield frame
            if frame.step == 5:
                controls.take(changed)

    *_, expected = alone()
    other = followed(shared, net, settings, synthesis.Controls(settings))
    list(islice(other, 6 + ahead))
    controls, record = synthesis.Controls(settings), Recording()
    mine = followed(shared, net, settings, controls, record)
    list(islice(mine, 6))
    controls.take(changed)
    *_, record = mine
    steps = [p.step for p in record.points]
    assert steps == list(range(13))
    *_, theirs = other
    *_, undisturbed = synthesis.ideal_image(net, 3, settings)
    assert np.array_equal(theirs.latest.picture, undisturbed.picture)
    assert not np.array_equal(record.latest.picture, undisturbed.picture)
    # The gradient of the step in which the slider moved is the new one here, the old one there.
    assert np.abs(record.latest.picture - expected.picture).mean() < 0.02


def test_a_checkpoint_goes_on_bit_for_bit(net, settings):
    whole = [f.picture for f in synthesis.ideal_image(net, 3, settings)]
    controls = synthesis.Controls(settings)
    frames = synthesis.ideal_image(net, 3, settings, controls)
    list(islice(frames, 7))
    checkpoint = controls.checkpoint()
    frames.close()
    assert controls.checkpoint() is None
    again = [f.picture for f in synthesis.ideal_image(net, 3, settings, resume=checkpoint)]
    assert len(again) == len(whole) - 6
    assert all(np.array_equal(a, b) for a, b in zip(again, whole[6:], strict=True))


def test_an_attack_is_shared_too(shared, net, cat):
    picture = images.fit(cat, net.input_size)
    arguments = (picture, attacks.Untargeted(), attacks.PGD(epsilon=8, steps=4), 0)
    records = [Recording() for _ in range(3)]
    for record in records:
        *_, _ = sharing.attack(*shared, [net], *arguments, record)
    *_, alone = attacks.run(net, *arguments[:3], seed=0)
    for record in records:
        assert np.array_equal(record.latest.picture, alone.picture)
        assert record.latest.predictions == records[0].latest.predictions


def test_a_record_shows_another_as_it_was(net, settings):
    whole = Recording()
    for _ in whole.follow(synthesis.ideal_image(net, 3, settings)):
        pass
    seen = Recording()
    seen.show(whole, 5)
    assert [p.step for p in seen.points] == [0, 1, 2, 3, 4]
    assert seen.latest.step == 4
    assert np.array_equal(images.to_uint8(seen.latest.picture), whole.pictures[4])
    seen.show(whole, len(whole))
    assert seen.latest is whole.latest


def test_threads_are_not_left_behind(shared, net, settings):
    before = threading.active_count()
    jobs = [
        Job(lambda: followed(shared, net, settings, synthesis.Controls(settings))).start()
        for _ in range(10)
    ]
    for job in jobs:
        job.cancel()
    for job in jobs:
        job.wait(10)
    assert threading.active_count() <= before
