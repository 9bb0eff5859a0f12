"""Ideal images: gradient descent on the picture does what its settings say."""

import gc
from dataclasses import replace

import keras
import numpy as np
import pytest

from engine import backbones, features, images, synthesis
from engine.core.errors import BadSettings, UnknownClass, UnknownLayer
from engine.synthesis import Live
from engine.synthesis.objectives import (
    Channel,
    ClassLogit,
    CrossEntropy,
    Direction,
    Layer,
    Neuron,
    Objective,
)
from engine.synthesis.parametrization import (
    COLOURS,
    PARAMETRIZATIONS,
    Phases,
    Pixels,
    Pyramid,
    Waves,
)
from engine.synthesis.penalties import L1, TotalVariation
from engine.synthesis.settings import LESSON, OPTIMIZERS, Settings, preset
from engine.synthesis.transformations import Transformations

PLAIN = Settings(steps=12, live=Live(learning_rate=0.02))


@pytest.fixture(scope="module")
def target(net):
    return net.class_names.index("Egyptian cat")


def last(net, target, settings, **more):
    *_, frame = synthesis.ideal_image(net, target, settings, **more)
    assert frame.last
    return frame


@pytest.mark.parametrize(
    "parametrization", [Pixels(), Waves(), Waves(decay=1.5, decorrelated=False), Pyramid()]
)
@pytest.mark.parametrize("size", [(64, 96), (80, 80)])
def test_a_picture_survives_its_parameters(parametrization, size, cat):
    picture = images.fit(cat, size).clip(0.02, 0.98)
    again = np.asarray(parametrization.picture(parametrization.of(picture), size))
    assert np.abs(again - picture).max() < 1e-4


def before_the_sigmoid(picture) -> np.ndarray:
    x = np.asarray(picture, "float64")
    return np.log(x / (1 - x)) @ np.linalg.inv(COLOURS)


def test_phases_move_waves_and_leave_their_strengths(cat):
    size, phases = (48, 64), Phases(contrast=0.7)
    from_noise, from_photo = phases.start(size, 3), phases.of(images.fit(cat, size))
    shown = [before_the_sigmoid(phases.picture(p, size)) for p in (from_noise, from_photo)]
    noise, photo = (np.fft.fft2(x, axes=(0, 1)) for x in shown)
    free = np.ones(size, bool)
    free[::24, ::32] = False  # these waves are their own opposites: their phase is not free
    np.testing.assert_allclose(np.abs(noise[free]), np.abs(photo[free]), rtol=1e-3)
    assert shown[0].std() == pytest.approx(0.7, rel=0.02)
    off = np.angle(photo[free] * np.exp(-1j * from_photo[free]))
    assert np.abs(off).max() < 0.01


def test_the_algebra_adds_up():
    a, b = ClassLogit(3), TotalVariation()
    objective = Objective.of(2 * a - 0.5 * b + a - CrossEntropy(3))
    assert objective.terms == ((3.0, a), (-0.5, b), (-1.0, CrossEntropy(3)))
    assert (-a).weights == (-1.0,)


def test_the_same_seed_gives_the_same_picture_and_another_another(net, target):
    settings = replace(PLAIN, transformations=Transformations(jitter=4, noise=9, pad=True))
    first, second = (last(net, target, settings).picture for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, last(net, target, replace(settings, seed=1)).picture)


def test_the_network_sees_what_it_was_asked_for(net, target):
    frame = last(net, target, preset("clear", net))
    assert frame.probability > 0.9
    assert frame.predictions == net.predict(images.fit(frame.picture, net.input_size))
    assert np.array_equal(frame.picture, images.from_uint8(images.to_uint8(frame.picture)))


def test_the_negative_is_the_least_of_it(net, target):
    least = last(net, target, replace(PLAIN, target_weight=-1.0, steps=20))
    most = last(net, target, replace(PLAIN, steps=20))
    assert least.logit < 0 < most.logit
    assert least.probability < 1e-3


def test_the_loss_is_the_sum_that_is_shown(net, target):
    settings = replace(LESSON, steps=2, live=replace(LESSON.live, l1=0.3, l2=0.2, linf=0.1))
    frame = next(synthesis.ideal_image(net, target, settings))
    grey = 255.0 * frame.picture
    variation = np.abs(np.diff(grey, axis=0)).sum() + np.abs(np.diff(grey, axis=1)).sum()
    logits = net.logits(frame.picture[None])[0]
    entropy = np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[target]
    expected = (
        10 * entropy,
        0.005 * variation,
        0.3 * np.abs(grey - 127.5).mean(),
        0.2 * np.sqrt(np.square(grey - 127.5).mean()),
        0.1 * np.abs(grey - 127.5).max(),
    )
    assert list(frame.terms)[1:] == ["variation", "l1", "l2", "linf"]
    assert np.allclose(list(frame.terms.values()), expected, rtol=1e-3)
    assert frame.loss == pytest.approx(sum(expected), rel=1e-3)


def test_gradient_descent_takes_the_gradient_step(net, target):
    """In grey levels, as in the lesson: the picture minus learning rate times gradient."""
    settings = replace(LESSON, live=Live(learning_rate=0.5), steps=2)
    first, second, _ = synthesis.ideal_image(net, target, settings)
    moved = 255.0 * (second.picture - first.picture)
    fall = second.loss - first.loss
    assert fall == pytest.approx(-np.square(moved).sum() / 0.5, rel=0.1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss(net, target, optimizer):
    rate = 0.01 if optimizer in ("Adam", "RMSprop") else 1e-3
    settings = replace(PLAIN, optimizer=optimizer, live=Live(learning_rate=rate))
    frames = list(synthesis.ideal_image(net, target, settings))
    assert frames[-2].loss < frames[0].loss


def test_the_slider_works_while_it_runs(net, target):
    def variation(weight: float) -> float:
        def live(step: int) -> Live:
            return replace(PLAIN.live, variation=weight if step > 10 else 0.0)

        *frames, end = synthesis.ideal_image(net, target, replace(PLAIN, steps=30), live)
        for frame in frames:  # the weight is in the frame's own terms, from the step it was moved
            moved = weight if frame.step > 10 else 0.0
            assert frame.terms["variation"] == pytest.approx(moved * frame.variation, rel=1e-5)
        return end.variation

    assert variation(1e-4) < 0.7 * variation(0.0)


def test_no_slider_and_no_other_class_compiles_again(net, target):
    settings = replace(PLAIN, steps=3)
    list(synthesis.ideal_image(net, target, settings))
    before, traces = dict(net._kept), traces_of(net)
    other = replace(settings, live=Live(variation=1e-4, l1=0.1, learning_rate=0.3), seed=5)
    moved = Transformations(jitter=3, scale=0.1)
    list(synthesis.ideal_image(net, target, replace(settings, transformations=moved)))
    before, traces = dict(net._kept), traces_of(net)
    more = Transformations(jitter=9, scale=0.3, rotation=20)
    list(synthesis.ideal_image(net, target, replace(settings, transformations=more)))
    list(synthesis.ideal_image(net, target + 1, other))
    assert net._kept == before
    assert traces_of(net) == traces


def traces_of(net) -> dict[str, int]:
    """How often each compiled function of a network was traced."""
    counter = (
        "_cache_size" if keras.backend.backend() == "jax" else "experimental_get_tracing_count"
    )
    return {key: getattr(f, counter)() for key, f in net._kept.items() if hasattr(f, counter)}


def test_a_run_left_to_the_garbage_collector_harms_no_other(net, target):
    """Its finalizer and that of what is compiled run in one collection."""
    for optimizer in OPTIMIZERS:
        settings = replace(PLAIN, steps=3, optimizer=optimizer)
        for _ in range(2):
            frames = synthesis.ideal_image(net, target, settings)
            next(frames)
            next(frames)
            island = [frames]
            island.append(island)  # a cycle: only a collection ends it
            del frames, island
            gc.collect()
            assert last(net, target, settings).step == 3


def test_fifty_runs_leave_nothing_behind(net, target):
    """Objects that Python tracks: what a run compiles is for the next one, too."""

    def runs(count: int) -> int:
        for seed in range(count):
            list(synthesis.ideal_image(net, target, replace(PLAIN, steps=2, seed=seed)))
        gc.collect()
        return len(gc.get_objects())

    runs(3)
    before = runs(2)
    assert runs(50) - before < 100


def test_a_photo_can_be_the_start(net, target, cat):
    picture = images.fit(cat, net.input_size).clip(0.02, 0.98)
    first = next(synthesis.ideal_image(net, target, PLAIN, start=picture))
    assert np.abs(first.picture - picture).max() < 1e-3


def test_a_channel_that_is_dead_at_first_comes_to_life(net):
    layer = "block4_conv2_relu"
    noise = next(synthesis.ideal_image(net, 0, PLAIN)).picture
    before = features.activations(net, noise, layer)
    channel = int(before.ranking[-1])  # the most silent of all
    frame = last(net, Channel(layer, channel), replace(PLAIN, steps=25))
    after = features.activations(net, frame.picture, layer)
    assert after.response[channel] > max(5 * before.response[channel], 0.05)


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
def test_every_parametrization_raises_the_logit(net, target, name):
    rate = 3.0 if name == "pixels" else 0.05
    settings = replace(PLAIN, parametrization=PARAMETRIZATIONS[name], live=Live(learning_rate=rate))
    frames = list(synthesis.ideal_image(net, target, settings))
    assert frames[-1].logit > frames[0].logit + 1


def test_importance_is_where_the_target_could_look(net):
    """A neuron sees its receptive field alone, whatever the penalties do elsewhere."""
    settings = replace(PLAIN, parametrization=Pixels(), live=Live(variation=1e-4, learning_rate=1))
    *_, frame = synthesis.ideal_image(net, Neuron("block1_conv1_relu", 3), settings)
    height, width = net.input_size
    seen = np.argwhere(frame.importance > 0)
    assert frame.importance.max() == 1
    assert 0 < len(seen) <= 25
    assert np.abs(seen - (height / 2, width / 2)).max() <= 4


def test_small_steps_come_first_and_cost_less_to_look_at(net, target):
    settings = replace(PLAIN, small=((48, 4), (64, 8)), steps=10)
    assert [settings.shown(step) for step in (0, 3, 4, 7, 8)] == [48, 48, 64, 64, 0]
    frames = list(synthesis.ideal_image(net, target, settings))
    assert {frame.picture.shape for frame in frames} == {(*net.input_size, 3)}
    assert net.at_size(48).input_size == (48, 48)
    picture = images.fit(frames[-1].picture, (48, 48))
    fresh = backbones.load(net.name, size=48)
    np.testing.assert_allclose(
        net.at_size(48).logits(picture[None]), fresh.logits(picture[None]), atol=1e-4
    )


@pytest.mark.parametrize(
    "objective",
    [
        Neuron("block3_conv2_relu", 5),
        Layer("block3_conv2_relu"),
        Direction("block2_conv2_relu", tuple(float(k % 2) for k in range(48))),
        Channel("block5_conv2_relu", 3) - 0.01 * L1(),
        ClassLogit(1) + ClassLogit(2),
    ],
)
def test_other_targets_grow(net, objective):
    frames = list(synthesis.ideal_image(net, objective, replace(PLAIN, steps=8)))
    assert frames[-2].loss < frames[0].loss


def test_two_parts_of_the_same_words_keep_a_term_each(net):
    one, other = (tuple(float(k % n) for k in range(48)) for n in (2, 3))
    both = Direction("block2_conv2_relu", one) - Direction("block2_conv2_relu", other)
    frame = next(synthesis.ideal_image(net, both, PLAIN))
    words = "a direction in block2_conv2_relu"
    assert {words, f"{words} (2)"} < set(frame.terms)
    assert frame.loss == pytest.approx(sum(frame.terms.values()))


@pytest.mark.parametrize(
    ("target", "settings", "error"),
    [
        (200, PLAIN, UnknownClass),
        (-1, PLAIN, UnknownClass),
        (Channel("nonsense", 0), PLAIN, UnknownLayer),
        (Channel("block1_conv1", 24), PLAIN, UnknownLayer),
        (Direction("block1_conv1", (1.0, 0.0)), PLAIN, UnknownLayer),
        (0, replace(PLAIN, live=Live(learning_rate=-1.0)), BadSettings),
        (0, replace(PLAIN, steps=0), BadSettings),
        (0, replace(PLAIN, seed=-1), BadSettings),
        (0, replace(PLAIN, transformations=Transformations(views=0)), BadSettings),
        (0, replace(PLAIN, transformations=Transformations(crop=1.5)), BadSettings),
        (0, replace(PLAIN, small=((8, 4),)), BadSettings),
        (0, replace(PLAIN, optimizer="hope"), BadSettings),
    ],
)
def test_senseless_settings_are_one_sentence(net, target, settings, error):
    with pytest.raises(error):
        next(synthesis.ideal_image(net, target, settings))
