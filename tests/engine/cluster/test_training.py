"""Trainings at a service, and the networks that come of them: as on one machine, bit for bit."""

import functools
from dataclasses import asdict, replace

import numpy as np
import pytest
from cachetools import LRUCache

from engine import backbones, images, transfer
from engine.cluster import client as cluster_client
from engine.core.errors import BadSettings
from engine.core.types import FROZEN, SCRATCH, TUNED
from engine.runs.tasks import Training
from engine.storage import datasets
from engine.transfer import travel
from tests.engine.cluster.conftest import client, frames_of, here, same, stepped, watched


def training(crops, folder, how, **recipe):
    """A short training on a few crops of photos."""
    return Training(
        plan=transfer.TrainingPlan(
            backbone="Pocket",
            source=transfer.PhotoSource(data=datasets.folder(crops), folder=folder),
            how=how,
            recipe=transfer.Recipe(epochs=3, **recipe),
            tuning=transfer.Tuning(epochs=2, batch=9, learning_rate=1e-3, scratch=how == SCRATCH),
        )
    )


def fresh(net):
    """The network without what it has kept."""
    return replace(net, _kept=LRUCache(48), _tensors={})


def measured(view):
    return [(f.message, f.point) for f in frames_of(view) if f.point is not None]


@pytest.fixture(scope="module")
def near(crops, tmp_path_factory):
    """A view of a training on this machine alone, by how it trains; each is computed once."""

    @functools.cache
    def trained(how):
        view = watched(here(), training(crops, tmp_path_factory.mktemp("near"), how))
        frames_of(view)
        return view

    return trained


@pytest.mark.parametrize("how", [FROZEN, TUNED, SCRATCH])
def test_a_training_is_that_of_one_machine(runner, net, crops, tmp_path, near, how, cat):
    far, near = watched(runner, training(crops, tmp_path, how)), near(how)
    there, alone = far.run.result().trained, near.run.result().trained
    assert measured(far) == measured(near)
    np.testing.assert_equal(asdict(there.report()), asdict(alone.report()))
    assert there.class_names == alone.class_names
    picture = images.fit(cat, net.input_size)
    ours, theirs = (
        transfer.from_model(net, made.model, made.class_names, "mine")
        if made.model is not None
        else transfer.as_backbone(net, made.head, made.class_names, "mine")
        for made in (alone, there)
    )
    np.testing.assert_array_equal(ours.logits(picture[None]), theirs.logits(picture[None]))


def test_the_head_on_the_features_that_come_with_the_app_is_trained_there(runner, tmp_path):
    source = transfer.PhotoSource(data=None, folder=tmp_path)
    recipe = transfer.Recipe(epochs=2, photos=2)
    plan = transfer.TrainingPlan(backbone="Pocket", source=source, recipe=recipe)
    far, near = (watched(one, Training(plan=plan)) for one in (runner, here()))
    assert measured(far) == measured(near)
    there, alone = (view.run.result().trained for view in (far, near))
    np.testing.assert_array_equal(there.features.values, alone.features.values)


def test_a_killed_machine_costs_a_training_only_time(machine, crops, tmp_path, near):
    view = watched(client(machine.address), training(crops, tmp_path, FROZEN), paused=True)
    stepped(view, 5)
    assert view.latest.point is not None
    machine.kill()
    machine.start()
    view.resume()
    assert measured(view) == measured(near(FROZEN))
    assert view.run.note == "A cluster machine has stopped. This run starts again on another one."


def test_senseless_options_are_refused_in_the_same_words(runner, crops, tmp_path):
    wrong = training(crops, tmp_path, FROZEN, learning_rate=-1.0)
    with pytest.raises(BadSettings, match="Invalid learning rate"):
        watched(runner, wrong).run.result()


def test_too_many_photos_are_not_sent(runner, crops, tmp_path, near, monkeypatch):
    monkeypatch.setattr(travel, "MOST_SENT", 1000)
    far = watched(runner, training(crops, tmp_path, TUNED))
    assert measured(far) == measured(near(TUNED))
    assert far.run.note.startswith("These photos are too many to send to the cluster.")


@pytest.fixture
def own(net, cat):
    """A classifier as a person makes it."""
    features = transfer.builtin("Pocket")
    *_, epoch = transfer.train_head(features, transfer.Recipe(epochs=1, photos=2))
    return transfer.as_backbone(net, epoch.head, features.class_names, "my breeds")


def test_a_network_that_a_person_trained_goes_there_once(machine, own, task, monkeypatch):
    sent, packed = [], backbones.packed
    monkeypatch.setattr(cluster_client, "packed", lambda net: sent.append(net) or packed(net))
    runner = client(machine.address)
    runner._here.store.teach(own)
    short = replace(task.settings, steps=3)
    mine = replace(task, backbone="my breeds", settings=short)
    expected = list(mine.steps([own]))
    assert same(watched(runner, mine), expected)
    assert same(
        watched(runner, replace(mine, target=5)), list(replace(mine, target=5).steps([own]))
    )
    assert sent == [own]
    machine.kill()
    machine.start()  # which knows it no more
    assert same(watched(runner, mine), expected)
    assert sent == [own, own]


def test_it_is_asked_there_together_with_others(runner, net, task):
    own, nearby = replace(fresh(net), spec=replace(net.spec, name="mine")), here()
    joint = replace(task, backbone="mine + Pocket", settings=replace(task.settings, steps=2))
    for one in (runner._here, nearby):
        one.store.teach(own)
    there, alone = (frames_of(watched(one, joint)) for one in (runner, nearby))
    assert [frame.loss for frame in there] == [frame.loss for frame in alone]


def test_what_two_people_call_the_same_is_not_the_same(service, own, net, task):
    other = replace(fresh(own), model=net.model, plain=net.plain, class_names=net.class_names)
    short = replace(task, backbone="my breeds", settings=replace(task.settings, steps=2))
    for one in (own, other, own):
        runner = client(service)
        runner._here.store.teach(one)
        assert same(watched(runner, short), list(short.steps([one])))
