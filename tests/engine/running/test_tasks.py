"""Equal tasks have one key; another value of any field makes another one."""

from dataclasses import fields, replace

import numpy as np
import pytest

from engine import attacks, synthesis
from engine.runs.tasks import Attack, EpsilonSweep, IdealImage, Judge, TransferMatrix

GREY, WHITE = np.full((8, 8, 3), 0.5, "float32"), np.ones((8, 8, 3), "float32")
PAIRS = {  # a value of each field, and another one
    "backbone": ("Pocket", "MobileNetV2"),
    "backbones": (("Pocket",), ("Pocket", "MobileNetV2")),
    "target": (3, 4),
    "settings": (synthesis.Settings(), synthesis.Settings(steps=5)),
    "start": (None, GREY),
    "picture": (GREY, WHITE),
    "pictures": ((GREY, WHITE), (WHITE, GREY)),
    "goal": (attacks.Untargeted(), attacks.Targeted(5)),
    "attack": (attacks.PGD(epsilon=8, steps=4), attacks.PGD(epsilon=8, steps=5)),
    "epsilon": (4.0, 2.0),
    "epsilons": ((1.0, 2.0), (1.0,)),
    "wanted": (None, "tabby"),
    "ensemble": (False, True),
    "attacked": ((), ("Pocket",)),
    "seed": (0, 1),
}


@pytest.mark.parametrize("kind", [IdealImage, Attack, EpsilonSweep, Judge, TransferMatrix])
def test_each_field_tells_tasks_apart(kind):
    names = [field.name for field in fields(kind)]
    task = kind(**{name: PAIRS[name][0] for name in names})
    same = kind(**{name: PAIRS[name][0] for name in names})
    assert task.key == same.key
    hash(task.key)
    others = {replace(task, **{name: PAIRS[name][1]}).key for name in names}
    assert len(others | {task.key}) == len(names) + 1


def test_a_picture_of_the_same_values_is_the_same_task():
    one, other = (Judge(backbone="Pocket", picture=GREY.copy(), epsilon=4, seed=0) for _ in "ab")
    assert one.key == other.key
