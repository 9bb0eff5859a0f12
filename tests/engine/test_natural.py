"""Pictures larger than what the network is shown, and statistics that photos have."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from engine import backbones, features, images, synthesis
from engine.backbones import graph
from engine.core.errors import BadSettings
from engine.synthesis import Live, Settings, Transformations, natural
from engine.synthesis.objectives import answers
from engine.synthesis.transformations import resampling
from tests.conftest import SAMPLES

CANVAS = Settings(
    steps=4,
    canvas=112,
    transformations=Transformations(crop=0.4, views=2, flip=True),
    live=Live(learning_rate=0.05),
)


def last(net, settings, **more):
    *_, frame = synthesis.ideal_image(net, 5, settings, **more)
    return frame


def test_a_canvas_is_drawn_at_its_own_size_and_judged_at_the_networks(net):
    frame = last(net, CANVAS)
    assert frame.picture.shape == (112, 112, 3)
    assert frame.predictions == net.predict(images.fit(frame.picture, net.input_size))


def test_a_canvas_goes_on_from_a_checkpoint_bit_for_bit(net):
    settings = replace(CANVAS, steps=14)
    frames = list(synthesis.ideal_image(net, 5, settings))
    checkpoint = frames[10].checkpoint
    again = list(synthesis.ideal_image(net, 5, settings, resume=checkpoint))
    np.testing.assert_array_equal(again[-1].picture, frames[-1].picture)
    np.testing.assert_array_equal(again[-1].importance, frames[-1].importance)


def test_a_canvas_begins_with_a_picture_of_its_size(net, cat):
    frames = list(synthesis.ideal_image(net, 5, CANVAS, start=images.fit(cat, (112, 112))))
    assert np.abs(frames[0].picture - images.fit(cat, (112, 112))).mean() < 0.02
    with pytest.raises(BadSettings, match="Expected a start of"):
        list(synthesis.ideal_image(net, 5, CANVAS, start=images.fit(cat, net.input_size)))


@pytest.mark.parametrize("canvas", [8, 1000])
def test_a_canvas_of_no_use_is_refused(net, canvas):
    with pytest.raises(BadSettings, match="Expected a canvas of 32 to 448 px"):
        list(synthesis.ideal_image(net, 5, replace(CANVAS, canvas=canvas)))


def test_a_network_without_statistics_learns_them_from_photos(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    net = backbones.load("Pocket", pretrained=False, size=32)
    assert natural.statistics(net).layers == ()
    assert not synthesis.preset("clear", net).natural
    photos = np.stack([images.fit(images.load(SAMPLES / "chelsea.png"), (32, 32))] * 2)
    learned = natural.learn(net, photos, "two cats")
    assert natural.statistics(net) is learned
    again = replace(net, _kept={})  # as after a restart
    found = natural.statistics(again)
    assert (found.layers, found.source) == (learned.layers, "two cats")
    np.testing.assert_array_equal(found.deviations[2], learned.deviations[2])
    assert found.totals == learned.totals
    (total,) = found.totals
    assert total.deviation == pytest.approx(0.1 * total.mean)  # of photos that are all alike
    other = backbones.load("Pocket", pretrained=False, size=32)  # other weights
    assert natural.statistics(other).layers == ()
    (file,) = (tmp_path / "ideal-cat" / "natural").iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:300], whole[:300] + bytes(300) + whole[600:]):
        file.write_bytes(damaged)
        assert natural.statistics(replace(net, _kept={})).layers == ()


def test_shrinking_leaves_nothing_out():
    whole = resampling(96, 32, 96, 0)
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-6)
    assert (whole.sum(axis=0) > 0.2).all()  # every pixel is seen: no grid
    np.testing.assert_allclose(resampling(40, 40, 40, 0), np.eye(40), atol=1e-6)
    part = resampling(96, 32, 48, 24)
    assert part[:, :22].sum() == part[:, 74:].sum() == 0
    ramp = part @ np.arange(96.0)
    np.testing.assert_allclose(np.diff(ramp)[2:-2], 1.5, atol=0.1)


def test_crops_lie_within_the_picture_and_half_are_mirrored():
    moves = Transformations(crop=0.5, views=40, flip=True)
    drawn = moves.draw(np.random.default_rng(0), (100, 100), (50, 50))["moves"]
    assert drawn.shape == (40, 2, 50, 100)
    rows = drawn[:, 0].argmax(axis=-1)
    assert (np.diff(rows, axis=1) >= 0).all()
    shares = (rows[:, -1] - rows[:, 0] + 2) / 100
    assert shares.min() >= 0.48
    assert shares.max() <= 1.02
    mirrored = drawn[:, 1, 0].argmax(axis=-1) > drawn[:, 1, -1].argmax(axis=-1)
    assert 10 < mirrored.sum() < 30


def value(net, picture, statistics=None) -> float:
    """How unnatural a picture is to a network."""
    part = natural.NaturalStatistics(statistics or natural.statistics(net))
    given = answers(net, (part,))(picture[None])
    return float(part.value(None, part.answer(given), 0))


@pytest.mark.parametrize("name", ["Pocket", "Pocket Robust"])
def test_a_photo_is_more_natural_than_noise_and_than_grey(name, cat):
    net = backbones.load(name)
    noise = np.random.default_rng(0).random((*net.input_size, 3), "float32")
    photo = value(net, images.fit(cat, net.input_size))
    assert 1 < photo < 4  # in units of how photos differ from one another
    assert photo < value(net, noise) / 2
    assert photo < value(net, np.full_like(noise, 0.5)) / 2
    assert natural.statistics(net).source == "its own batch normalization"


def test_what_batch_normalization_knows_is_what_photos_show(net):
    known = natural.statistics(net)
    names = ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg")
    photos = [images.fit(images.load(SAMPLES / n), net.input_size) for n in names]
    seen = natural.measure(net, np.stack(photos), "four photos")
    assert seen.layers == known.layers
    assert len(known.layers) == natural.LAYERS
    for mine, other in zip(seen.deviations, known.deviations, strict=True):
        assert np.corrcoef(mine, other)[0, 1] > 0.2
    means = [np.corrcoef(*both)[0, 1] for both in zip(seen.means, known.means, strict=True)]
    assert np.mean(means) > 0.3  # four photos say little of the last layers


def test_the_weight_of_natural_statistics_is_live_and_acts(net):
    settings = replace(CANVAS, steps=24, natural=True)
    free = last(net, settings)
    held = last(net, settings, live=lambda step: Live(learning_rate=0.05, natural=30.0))
    assert free.terms["natural"] == 0
    part = natural.NaturalStatistics(natural.statistics(net))
    pictures = (images.fit(frame.picture, net.input_size) for frame in (free, held))
    of_free, of_held = (value(net, picture) for picture in pictures)
    assert held.terms["natural"] == pytest.approx(30 * of_held, rel=1e-3)
    assert of_held < of_free
    assert part.words(net) in held.terms


@pytest.mark.parametrize("name", ["MobileNetV3Small", "EfficientNetB0", "ResNet50V2"])
def test_other_architectures_have_natural_statistics(name):
    net = backbones.load(name, pretrained=False, fold=False)
    generator = np.random.default_rng(0)
    for layer in net.plain.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(generator.uniform(0.1, 3, layer.moving_variance.shape))
    known = natural.statistics(net)
    assert len(known.layers) == natural.LAYERS
    for layer, mean, deviation in zip(known.layers, known.means, known.deviations, strict=True):
        assert mean.shape == deviation.shape == net.layer(layer).shape[-1:]
        assert (deviation >= 0).all()


def test_a_network_that_has_seen_no_photos_has_none():
    net = backbones.load("MobileNetV3Small", pretrained=False, fold=False)
    assert natural.statistics(net).layers == ()


def test_a_total_is_the_sum_of_what_the_classifier_reads(net):
    photos = [
        images.fit(images.load(SAMPLES / n), net.input_size) for n in ("coffee.png", "moon.png")
    ]
    (total,) = natural.measure(net, np.stack(photos), "two photos").totals
    layer = graph.last_maps(net.layers)
    own = [
        features.activations(net, photo, layer.name).values.mean((0, 1)).sum() for photo in photos
    ]
    assert total.layer == layer.name
    assert total.mean == pytest.approx(np.mean(own), rel=1e-4)
    assert total.deviation == pytest.approx(max(np.std(own), 0.1 * np.mean(own)), rel=1e-3)


def test_statistics_from_before_totals_were_measured_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    net = backbones.load("Pocket", pretrained=False, size=32)
    photo = images.fit(images.load(SAMPLES / "chelsea.png"), (32, 32))
    learned = natural.learn(net, photo[None], "a cat")
    (file,) = (tmp_path / "ideal-cat" / "natural").iterdir()
    with np.load(file) as saved:
        former = {key: saved[key] for key in saved if not key.startswith("total")}
    np.savez(file, **former)
    found = natural.statistics(replace(net, _kept={}))
    assert found.layers == learned.layers
    assert found.totals == ()


def test_a_run_counts_the_total_at_the_networks_own_size_only(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    net = backbones.load("Pocket", pretrained=False, size=64)
    photo = images.fit(images.load(SAMPLES / "chelsea.png"), (64, 64))
    learned = natural.learn(net, photo[None], "a cat")
    (own,) = learned.totals
    strict = replace(learned, totals=(replace(own, mean=0.0, deviation=own.mean / 1000),))
    net.keep("natural statistics", strict)
    settings = Settings(steps=2, small=((32, 1),), natural=True, live=Live(natural=1.0))
    small, whole, _ = synthesis.ideal_image(net, 5, settings, start=photo)
    assert whole.terms["natural"] == pytest.approx(value(net, whole.picture), rel=0.02)
    assert whole.terms["natural"] > 100_000
    assert small.terms["natural"] < 100


def test_maps_below_zero_have_no_total():
    net = backbones.load("ConvNeXtTiny", pretrained=False, size=32)
    photo = images.fit(images.load(SAMPLES / "chelsea.png"), (32, 32))
    assert natural.measure(net, photo[None], "a cat").totals == ()


def test_calmer_areas_need_a_total(mobilenet):
    known = natural.statistics(mobilenet)
    usual = synthesis.preset("clear", mobilenet).live.variation
    mobilenet.keep("natural statistics", replace(known, totals=()))
    try:
        assert synthesis.preset("clear", mobilenet).live.variation < usual
    finally:
        mobilenet.keep("natural statistics", known)


def test_only_a_total_above_that_of_photos_counts(net, cat):
    photo = images.fit(cat, net.input_size)
    known = natural.measure(net, photo[None], "a cat")
    (own,) = known.totals

    def with_mean(mean):
        return replace(known, totals=(replace(own, mean=mean, deviation=2.0),))

    at_rest = value(net, photo, with_mean(own.mean))
    assert value(net, photo, with_mean(own.mean + 8)) == pytest.approx(at_rest, rel=1e-3)
    assert value(net, photo, with_mean(own.mean - 8)) == pytest.approx(at_rest + 0.2 * 16, rel=1e-3)


def test_the_measured_numbers_fit_the_network(mobilenet):
    known = natural.statistics(mobilenet)
    assert known.source == "500 photos of ImageNet"
    (total,) = known.totals
    assert total.layer == "out_relu"
    for name in ("chelsea.png", "coffee.png", "astronaut.png"):
        photo = images.fit(images.load(SAMPLES / name), mobilenet.input_size)
        own = features.activations(mobilenet, photo, "out_relu").values.mean((0, 1)).sum()
        assert abs(own - total.mean) < 2 * total.deviation < total.mean
    photo = images.fit(images.load(SAMPLES / "coffee.png"), mobilenet.input_size)
    noise = np.random.default_rng(0).random(photo.shape, "float32")
    assert value(mobilenet, photo) < value(mobilenet, noise) / 2


def test_a_network_without_normalization_has_a_preset_without_them():
    net = backbones.load("VGG16", pretrained=False, size=64)
    assert natural.statistics(net).layers == ()
    settings = synthesis.preset("clear", net)
    assert not settings.natural
    *_, frame = synthesis.ideal_image(net, 5, replace(settings, steps=1, natural=True))
    assert "natural" not in frame.terms
