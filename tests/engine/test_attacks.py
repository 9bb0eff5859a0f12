"""Every attack stays where it may be, says only what is true of the saved picture, and fools."""

from dataclasses import replace

import foolbox
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import attacks, backbones, backend, images, robustness
from engine.attacks.gradient import mean
from engine.attacks.white_box import WhiteBox
from engine.core.errors import BadSettings, UnknownClass

BOUNDED = (
    attacks.FGSM,
    attacks.PGD,
    attacks.MomentumIterative,
    attacks.DiverseInput,
    attacks.TranslationInvariant,
    attacks.BlockShuffle,
    attacks.ScaleInvariant,
    attacks.Universal,
    attacks.RandomNoise,
    attacks.APGD,
    attacks.Square,
)
ALL = (
    *(attack() for attack in BOUNDED if attack not in (attacks.Square, attacks.BlockShuffle)),
    attacks.BlockShuffle(copies=5, steps=12),
    attacks.Square(steps=150),
    attacks.PGD(norm="l2", epsilon=2),
    attacks.GradientDescent(steps=30),
    attacks.Sparse(steps=20),
    attacks.Patch(steps=20),
    attacks.DeepFool(steps=20),
    attacks.CarliniWagner(steps=40, searches=2),
)


@pytest.fixture(scope="module")
def photos(net):
    """Parts of scikit-image's photos: `(8, 80, 80, 3)`, and what the network sees in them."""
    from pathlib import Path

    import skimage

    folder = Path(skimage.__file__).parent / "data"
    cut = []
    for name in ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg"):
        picture = images.load(folder / name)
        height = picture.shape[0]
        cut += [picture, picture[height // 4 :, : 3 * height // 4]]
    batch = np.stack([images.fit(picture, net.input_size) for picture in cut])
    return batch, net.logits(batch).argmax(axis=1)


def last(batches):
    *_, end = batches
    return end


def says_what_is_so(net, step, classes, targeted):
    """Whether a saved picture fools the network exactly where the attack says so."""
    saved = np.stack([images.load(images.png(picture)) for picture in step.pictures])
    np.testing.assert_array_equal(saved, step.pictures)  # on the 8-bit grid: nothing is lost
    named = net.logits(saved).argmax(axis=1)
    np.testing.assert_array_equal(step.fooled, (named == classes) == targeted)


@pytest.mark.parametrize("attack", ALL, ids=lambda a: f"{type(a).__name__}")
def test_a_saved_picture_gives_what_the_attack_says(net, photos, attack):
    """Towards a class; away from one, the next test asks for it."""
    batch, classes = (given[:4] for given in photos)
    classes = (classes + 7) % 200
    attack = replace(attack, steps=min(attack.steps, 8))  # to its end or not, it says what is so
    for step in attacks.run_batch(net, batch, classes, attack, targeted=True):
        assert step.pictures.min() >= 0
        assert step.pictures.max() <= 1
    says_what_is_so(net, step, classes, True)
    assert step.last


@pytest.mark.parametrize(
    "attack",
    [a for a in ALL if not isinstance(a, attacks.RandomNoise)],
    ids=lambda a: f"{type(a).__name__}",
)
def test_the_attack_does_far_better_than_noise_of_its_size(net, photos, attack):
    batch, classes = photos
    for number, end in enumerate(attacks.run_batch(net, batch, classes, attack, targeted=False), 1):
        assert 0 <= end.pictures.min() <= end.pictures.max() <= 1
        if number == 8 or end.last:  # before its end, and at it
            says_what_is_so(net, end, classes, False)
    size = np.sqrt(mean(np.square(end.pictures - batch)))
    noise = np.random.default_rng(0).standard_normal(batch.shape) * size
    by_noise = net.logits(np.clip(batch + noise, 0, 1).astype("float32")).argmax(axis=1) != classes
    assert end.fooled.mean() >= 0.75
    assert end.fooled.sum() > by_noise.sum()


pictures = arrays(np.uint8, (2, 80, 80, 3), elements=st.integers(0, 255), fill=st.integers(0, 255))


@settings(max_examples=25, deadline=None)
@given(
    pictures=pictures,
    attack=st.sampled_from(BOUNDED),
    epsilon=st.one_of(st.integers(0, 40), st.floats(0, 40, width=32)),
    norm=st.sampled_from(["linf", "l2"]),
    steps=st.integers(1, 4),
    targeted=st.booleans(),
    rounded=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_change_stays_within_its_ball(
    net, pictures, attack, epsilon, norm, steps, targeted, rounded, seed
):
    original = images.from_uint8(pictures)
    if attack in (attacks.RandomNoise, attacks.FGSM, attacks.APGD, attacks.Square):
        norm = "linf"
    if attack in (attacks.RandomNoise, attacks.FGSM):
        steps = attack().steps
    attack = attack(epsilon=epsilon, norm=norm, steps=steps)
    for step in attacks.run_batch(
        net, original, np.array([3, 5]), attack, targeted=targeted, seed=seed, rounded=rounded
    ):
        change = 255.0 * (step.pictures.astype("float64") - original)
        size = np.abs(change) if norm == "linf" else np.sqrt(mean(np.square(change)))
        assert size.max() <= epsilon + 1e-3
        assert 0 <= step.pictures.min() <= step.pictures.max() <= 1
        if rounded:
            np.testing.assert_allclose(change, np.rint(change), atol=1e-4)


def test_few_pixels_and_a_patch_leave_the_rest_alone(net, photos):
    batch, classes = photos
    sparse = last(
        attacks.run_batch(net, batch, classes, attacks.Sparse(pixels=30, steps=5), targeted=False)
    )
    assert (np.abs(sparse.pictures - batch).max(axis=-1) > 0).sum(axis=(1, 2)).max() <= 30
    patch = last(
        attacks.run_batch(net, batch, classes, attacks.Patch(share=0.1, steps=5), targeted=False)
    )
    touched = np.abs(patch.pictures - batch).max(axis=(0, -1)) > 0
    rows, columns = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    side = int(np.sqrt(0.1 * 80 * 80))
    assert np.ptp(rows) < side
    assert np.ptp(columns) < side


def test_a_universal_change_is_one_for_all(net, photos):
    batch, classes = photos
    grey = np.full_like(batch, 0.5) + np.arange(8)[:, None, None, None] / 255  # no edge to cut at
    grey = images.from_uint8(images.to_uint8(grey))
    *steps, best = attacks.run_batch(net, grey, classes, attacks.Universal(steps=4), targeted=False)
    for pictures in (steps[-1].pictures, best.pictures):
        change = pictures - grey
        np.testing.assert_allclose(change, np.repeat(change[:1], 8, axis=0), atol=1e-6)


def test_momentum_without_decay_is_the_plain_iteration(net, photos):
    batch, classes = photos
    both = attacks.MomentumIterative(decay=0, steps=5), attacks.PGD(random_start=False, steps=5)
    plain, momentum = (
        last(attacks.run_batch(net, batch, classes, attack, targeted=False)) for attack in both
    )
    np.testing.assert_array_equal(plain.pictures, momentum.pictures)


def test_the_same_seed_gives_the_same_picture(net, photos):
    batch, classes = photos
    attack = attacks.DiverseInput(random_start=True, steps=4)
    one, same, other = (
        last(attacks.run_batch(net, batch, classes, attack, targeted=False, seed=seed)).pictures
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


def test_a_failed_attack_returns_the_nearest_it_came_to(net, photos):
    batch, _ = photos
    goal = net.logits(batch).argsort(axis=1)[:, 0]  # the least likely class
    attack = attacks.PGD(epsilon=1, steps=4)
    *steps, end = attacks.run_batch(net, batch, goal, attack, targeted=True)
    assert not end.fooled.all()
    np.testing.assert_allclose(end.margin, np.max([step.margin for step in steps], axis=0))


def test_what_was_wrong_before_is_told(net, photos):
    batch, classes = photos
    labels = classes.copy()
    labels[0] = (labels[0] + 1) % 200
    end = last(attacks.run_batch(net, batch, labels, attacks.FGSM(), targeted=False))
    assert end.already.tolist() == [True] + [False] * 7


def test_smallest_changes_are_smaller_and_just_across_the_border(net, photos):
    batch, classes = (both[::2] for both in photos)
    carlini = attacks.CarliniWagner(steps=60, searches=4)
    ends = {
        attack: last(attacks.run_batch(net, batch, classes, attack, targeted=False, rounded=False))
        for attack in (attacks.DeepFool(), carlini, attacks.PGD(epsilon=2))
    }
    deep, carlini, pgd = (np.sqrt(mean(np.square(e.pictures - batch))) for e in ends.values())
    assert np.median(deep) < np.median(pgd)
    assert np.median(carlini) < np.median(pgd)
    assert ends[attacks.DeepFool()].fooled.all()
    assert ends[attacks.DeepFool()].margin.max() < 0.5


def test_an_ensemble_is_the_mean_of_its_logits(photos):
    batch, _ = photos
    nets = [backbones.load("MobileNet", pretrained=False) for _ in range(2)]
    big = np.stack([images.fit(picture, nets[0].input_size) for picture in batch[:2]])
    both = WhiteBox(nets).logits(big)
    alone = np.mean([net.logits(big) for net in nets], axis=0)
    np.testing.assert_allclose(both, alone, atol=1e-5)


def test_pictures_are_resized_as_pillow_does(photos):
    batch, _ = photos
    ours = np.asarray(backbones.resized(backend.tensor(batch), (80, 80), (61, 61)))
    pillow = np.stack([images.fit(picture, (61, 61)) for picture in batch])
    assert np.abs(ours - pillow).max() < 1.2 / 255  # Pillow rounds to 8 bits after each axis


def test_networks_of_other_classes_are_refused(net):
    other = backbones.load("MobileNet", pretrained=False)
    with pytest.raises(BadSettings, match="know the same classes"):
        WhiteBox([net, other])
    with pytest.raises(BadSettings, match="received none"):
        WhiteBox([])


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (attacks.PGD(epsilon=-1), "epsilon from 0 to 255"),
        (attacks.PGD(epsilon=float("nan")), "epsilon from 0 to 255"),
        (attacks.PGD(steps=-1), "0 to 5000 steps"),
        (attacks.Sparse(pixels=0), "at least 1 pixel"),
        (attacks.Patch(share=0), "share of the picture"),
        (replace(attacks.PGD(), norm="l7"), "linf or l2"),
    ],
)
def test_senseless_numbers_are_refused(net, photos, attack, words):
    with pytest.raises(BadSettings, match=words):
        list(attacks.run(net, photos[0][0], attacks.Untargeted(), attack))


def test_a_class_the_network_does_not_have_is_refused(net, photos):
    with pytest.raises(UnknownClass):
        list(attacks.run(net, photos[0][0], attacks.Targeted(200), attacks.FGSM()))
    with pytest.raises(UnknownClass):
        next(attacks.run_batch(net, photos[0], photos[1] + 200, attacks.FGSM(), targeted=True))


def test_one_picture_ends_with_its_best_frame(net, photos):
    picture, seen = photos[0][0], photos[1][0]
    *frames, end = attacks.run(net, picture, attacks.Targeted(17), attacks.PGD(steps=12))
    assert [frame.step for frame in frames] == list(range(13))
    assert end.succeeded
    assert end.predictions[0].class_index == 17
    assert end.wanted == max(frame.wanted for frame in frames if frame.step == end.step)
    assert net.predict(picture)[0].class_index == seen
    assert end.before < 0.5 < end.wanted


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="compares TensorFlow models")
def test_fgsm_and_pgd_agree_with_foolbox(net, photos):
    batch, classes = (both[::2] for both in photos)
    theirs = foolbox.TensorFlowModel(net.model, bounds=(0, 1))
    x, y = backend.tensor(batch), keras.ops.convert_to_tensor(classes)
    _, clipped, _ = foolbox.attacks.FGSM()(theirs, x, y, epsilons=4 / 255)
    ours = list(attacks.run_batch(net, batch, classes, attacks.FGSM(), targeted=False))
    end = ours[-1]
    for k in np.flatnonzero(end.steps == 1):
        same = np.abs(end.pictures[k] - clipped[k].numpy()) < 0.51 / 255
        assert same.mean() > 0.999  # a gradient of about zero may have either sign
    moved = ours[1].pictures
    assert (np.abs(moved - clipped.numpy()) < 0.51 / 255).mean() > 0.999
    _, _, fooled = foolbox.attacks.PGD(steps=20, rel_stepsize=0.125)(theirs, x, y, epsilons=2 / 255)
    *_, end = attacks.run_batch(net, batch, classes, attacks.PGD(epsilon=2), targeted=False)
    assert abs(fooled.numpy().mean() - end.fooled.mean()) <= 0.03


def test_a_sweep_begins_without_a_change_and_counts_attack_and_noise(net, cat):
    picture = images.fit(cat, net.input_size)
    goal, how = attacks.Untargeted(), attacks.PGD(steps=3)
    points = list(robustness.epsilon_sweep(net, picture[None], goal, how, (16,)))
    assert [point.epsilon for point in points] == [0, 16]
    assert (points[0].fooled, points[0].by_noise) == (0.0, 0.0)
    assert points[1].fooled == 1.0
    assert points[1].before < points[0].before
