"""The judge: attacks that need no tuning, run one after the other on what still stands."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from engine import attacks, backbones, images, robustness
from engine.attacks import adaptive, momentum
from engine.attacks.white_box import WhiteBox
from engine.core.errors import BadSettings
from tests.conftest import SAMPLES

QUICK = robustness.Effort(steps=10, rivals=2, queries=30)


@pytest.fixture(scope="module")
def robust():
    """The adversarially trained one."""
    return backbones.load("Pocket Robust")


@pytest.fixture(scope="module")
def parts(net):
    """Eight parts of scikit-image's photos, `(8, 80, 80, 3)`."""
    cut = []
    for name in ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg"):
        picture = images.load(Path(SAMPLES) / name)
        cut += [picture, picture[: 3 * picture.shape[0] // 4]]
    return np.stack([images.fit(picture, net.input_size) for picture in cut])


def classes(net, pictures):
    return net.logits(pictures).argmax(axis=1)


def asked(loss: float, n: int = 1) -> attacks.gradient.Query:
    """What Auto-PGD knows of n grey pictures, each with that loss."""
    grey = np.full((n, 4, 4, 3), 128.0, "float32")
    return attacks.gradient.Query(
        box=None,
        original=grey,
        change=np.zeros_like(grey),
        pictures=grey / 255,
        logits=np.zeros((n, 5), "float32"),
        loss=np.full(n, loss),
        gradient=np.ones_like(grey),
        classes=np.zeros(n, int),
        targeted=False,
    )


def sizes(losses) -> list[float]:
    """The size of Auto-PGD's steps after each of these losses."""
    attack = attacks.APGD(epsilon=8, steps=100)
    state = attack.state(np.random.default_rng(0))
    found = []
    for loss in losses:
        attack.direction(asked(loss), state)
        found.append(float(state.size.max()))
    return found


def test_a_step_that_helps_stays_as_large_as_it_is():
    assert set(sizes(-np.arange(100.0))) == {16.0}


def test_a_step_that_does_not_help_is_halved_in_ever_shorter_intervals():
    found = np.array(sizes(np.zeros(101)))
    halved = np.flatnonzero(np.diff(found)) + 1
    assert found[0] == 16
    assert found[halved].tolist() == [16 / 2**k for k in range(1, len(halved) + 1)]
    assert halved[0] == 22
    assert np.all(np.diff(np.diff(halved)) <= 0)
    assert np.diff(halved).min() >= 6


def test_it_does_no_worse_than_the_fixed_step_of_pgd(robust, parts):
    own = classes(robust, parts)

    def margins(attack):
        *_, end = attacks.run_batch(robust, parts, own, attack, targeted=False, rounded=False)
        return end.margin

    apgd = attacks.APGD(epsilon=2, steps=30)
    stopped = margins(apgd)  # it stops when all fool, so where it has not, it tried to the end
    fixed = margins(attacks.PGD(epsilon=2, steps=30))
    assert (stopped > 0).sum() >= (fixed > 0).sum()


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_targeted_one_goes_to_the_class_of_its_rank(net, parts, rank):
    before, rows = net.logits(parts), np.arange(len(parts))
    own, wanted = before.argmax(axis=1), np.argsort(-before, axis=1)[:, rank]
    attack = attacks.TargetedAPGD(epsilon=0.5, ranks=(rank,), steps=20)
    np.testing.assert_array_equal(attack.rivals(before, own), wanted)
    *steps, _ = attacks.run_batch(net, parts, own, attack, targeted=False, rounded=False)
    logits = np.stack([step.logits for step in steps])
    ahead = (logits[:, rows, wanted] - logits[:, rows, own]).max(axis=0)
    assert (ahead > before[rows, wanted] - before[rows, own]).all()


def test_the_targeted_one_chooses_its_target_itself(net, parts):
    with pytest.raises(BadSettings, match="Expected the goal Untargeted"):
        list(
            attacks.run_batch(net, parts[:1], np.array([3]), attacks.TargetedAPGD(), targeted=True)
        )


def test_square_fools_without_a_gradient(net, parts, monkeypatch):
    monkeypatch.delattr(WhiteBox, "gradient")
    own = classes(net, parts)
    attack = attacks.Square(epsilon=8, steps=120)
    *_, end = attacks.run_batch(net, parts, own, attack, targeted=False)
    assert end.fooled.mean() >= 0.75
    assert np.abs(255 * (end.pictures - parts)).max() <= 8 + 1e-3


def test_squares_get_smaller():
    attack = attacks.Square(steps=1000)
    shares = [attack._share(step) for step in range(0, 1001, 50)]
    assert shares == sorted(shares, reverse=True)
    assert (shares[0], shares[-1]) == (0.8, 0.8 / 2**9)


def test_what_no_attack_has_fooled_goes_on_to_the_next(net, robust, parts):
    own = classes(net, parts)
    for epsilon in (0.5, 2):
        found = robustness.accuracy(net, parts, own, epsilon, effort=QUICK)
        shares = [found.clean, *found.after.values()]
        assert found.clean == 1
        assert shares == sorted(shares, reverse=True)
        assert found.robust == shares[-1] == found.right.mean()
        assert len(found.after) == 3
    wrong = robustness.accuracy(net, parts, (own + 1) % 200, 1, effort=QUICK)
    assert wrong.clean == wrong.robust == 0


def test_the_robust_network_is_harder_to_fool(net, robust):
    coffee = images.fit(images.load(SAMPLES / "coffee.png"), net.input_size)
    epsilons = (0.5, 1, 2, 4, 8, 16)
    plain, hard = (
        robustness.smallest_epsilon(one, coffee[None], classes(one, coffee[None]), epsilons)[0]
        for one in (net, robust)
    )
    assert hard >= 4 * plain


def test_the_smallest_epsilon_fools_and_the_one_before_does_not(net, parts):
    own, epsilons = classes(net, parts), (0.5, 1, 2, 8)
    found = robustness.smallest_epsilon(net, parts, own, epsilons)
    assert np.isin(found, epsilons).all()
    for epsilon in epsilons:
        attack = attacks.APGD(epsilon=epsilon, steps=20)
        rows = np.flatnonzero(found >= epsilon)
        if not len(rows):
            continue
        *_, end = attacks.run_batch(
            net, parts[rows], own[rows], attack, targeted=False, rounded=False
        )
        np.testing.assert_array_equal(end.fooled, found[rows] == epsilon)


@pytest.mark.parametrize("epsilon", [1, 16])
def test_a_judged_picture_is_what_its_last_trial_says(robust, epsilon):
    coffee = images.fit(images.load(SAMPLES / "coffee.png"), robust.input_size)
    trials = list(robustness.judged(robust, coffee, epsilon, effort=QUICK))
    names = list(dict.fromkeys(trial.attack for trial in trials))
    end = trials[-1]
    assert names == ["Auto-PGD", "Auto-PGD, targeted", "Square"][: len(names)]
    assert end.last
    assert [trial.step for trial in trials] == sorted(trial.step for trial in trials)
    assert np.abs(255 * (end.picture - coffee)).max() <= epsilon + 1e-3
    assert end.predictions == robust.predict(images.load(images.png(end.picture)))
    before = robust.predict(coffee)[0].class_index
    assert end.fooled == (end.predictions[0].class_index != before)
    assert end.fooled == (epsilon == 16)
    if not end.fooled:
        assert len(names) == 3  # all was tried


def test_a_network_of_two_classes_can_be_judged(net, parts):
    outputs = keras.layers.Lambda(lambda x: x[:, :2])(net.model.outputs[0])
    model = keras.Model(net.model.inputs[0], outputs)
    two = backbones.Backbone(
        spec=net.spec, model=model, plain=model, class_names=net.class_names[:2], layers=net.layers
    )
    own = classes(two, parts)
    found = robustness.accuracy(two, parts, own, 8, effort=QUICK)
    assert found.robust < 1
    both, signs = np.stack([own, 1 - own], axis=1), -np.ones(len(parts), "float32")
    _, _, gradient = WhiteBox(two).gradient(parts, both, signs, "ratio")
    assert np.abs(gradient).max(axis=(1, 2, 3)).min() > 0  # of two, the ratio is a constant


def test_scale_invariance_asks_about_each_scale_once():
    views = attacks.ScaleInvariant().views(np.random.default_rng(0), 2, 8, 8)
    assert views.scale.tolist() == 2 * [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16]


def test_blocks_are_moved_and_none_is_lost():
    attack = attacks.BlockShuffle(copies=3, blocks=3, rotation=0, halvings=0)
    views = attack.views(np.random.default_rng(0), 2, 40, 30)
    assert views.maps.shape == (6, 1200)
    for row in views.maps:
        np.testing.assert_array_equal(np.sort(row), np.arange(1200))
    assert len({row.tobytes() for row in views.maps}) == 6
    assert set(views.scale) == {1.0}
    turned = replace(attack, rotation=45.0).views(np.random.default_rng(0), 1, 40, 30).maps
    assert (turned == 1200).mean() < 0.35  # black corners


def test_one_block_that_is_not_turned_gives_the_plain_gradient(net, parts):
    own, signs = classes(net, parts), -np.ones(len(parts), "float32")
    attack = attacks.BlockShuffle(copies=2, blocks=1, rotation=0, halvings=0)
    views = attack.views(np.random.default_rng(0), len(parts), *net.input_size)
    box = WhiteBox(net)
    for one, other in zip(
        box.gradient(parts, own, signs, "cross-entropy", views),
        box.gradient(parts, own, signs, "cross-entropy"),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_a_turned_block_takes_its_pixels_from_where_they_were():
    row, column, inside = momentum._turned(5, 5, 90)
    assert inside.all()
    square = np.arange(25).reshape(5, 5)
    np.testing.assert_array_equal(square[row, column], np.rot90(square))


def test_a_norm_that_auto_pgd_does_not_know_is_refused(net, parts):
    with pytest.raises(BadSettings, match="Expected the norm linf"):
        list(
            attacks.run_batch(
                net, parts[:1], np.array([3]), adaptive.APGD(norm="l2"), targeted=False
            )
        )
