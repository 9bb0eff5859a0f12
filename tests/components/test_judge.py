"""What the attack screen says of a judge's trials and of a sweep of epsilon."""

from dataclasses import dataclass

import pytest

from components.adversarial_attacks.epsilons import smallest
from components.adversarial_attacks.judge import outcomes
from engine.attacks.robustness import QUICK

FIRST, SECOND, THIRD = (attack for attack, _, _ in outcomes([], False, QUICK))


@dataclass
class Trial:
    """As much of a trial as an outcome needs."""

    attack: str
    fooled: bool = False
    last: bool = False


@pytest.mark.parametrize(
    ("trials", "ended", "states"),
    [
        ([], False, ["not tried"] * 3),
        ([Trial(FIRST)], False, ["running", "not tried", "not tried"]),
        ([Trial(FIRST)], True, ["not tried"] * 3),  # stopped: it proves nothing
        ([Trial(FIRST), Trial(FIRST, True)], False, ["fooled", "not tried", "not tried"]),
        ([Trial(FIRST), Trial(SECOND)], False, ["survived", "running", "not tried"]),
        ([Trial(FIRST), Trial(SECOND), Trial(THIRD)], True, ["survived", "survived", "not tried"]),
        ([Trial(FIRST), Trial(SECOND), Trial(THIRD, last=True)], True, ["survived"] * 3),
        ([Trial(FIRST), Trial(SECOND, True, True)], True, ["survived", "fooled", "not tried"]),
    ],
)
def test_an_attack_has_survived_only_when_it_was_tried_to_its_end(trials, ended, states):
    assert [state for _, _, state in outcomes(trials, ended, QUICK)] == states


@dataclass
class Point:
    """As much of a sweep's point as its smallest epsilon needs."""

    epsilon: float
    fooled: float


def test_the_smallest_epsilon_is_the_first_that_fools():
    points = [Point(0, 0.0), Point(1, 0.0), Point(2, 1.0), Point(3, 0.0), Point(4, 1.0)]
    assert smallest(points) == 2
    assert smallest(points[:2]) is None
    assert smallest([]) is None
