"""What components say of results: pure functions, no page."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from components.transfer_learning import comparison, report
from components.transfer_learning.experiment import Experiment, usual_tuning, words
from components.widgets.other_networks import attack_outcome
from engine import transfer
from engine.backbones import Store
from engine.core.types import FROZEN, SCRATCH, TUNED, How
from engine.runs import LocalRunner, Runs, Schedule
from engine.runs.tasks import Training

CLASSES = ("pug", "tennis ball", "Egyptian cat")


@pytest.mark.parametrize(
    ("before", "after", "source", "target", "outcome", "sentence"),
    [
        ("pug", "pug", "pug", "Egyptian cat", "unchanged", "still predicts “pug”"),
        ("pug", "tennis ball", "pug", "Egyptian cat", "changed", "from “pug” to “tennis ball”"),
        ("pug", "Egyptian cat", "pug", "Egyptian cat", "target", "to the target “Egyptian cat”"),
        ("pug", "tennis ball", "pug", None, "changed", "from “pug” to “tennis ball”"),
        ("tennis ball", "tennis ball", "pug", None, "unchanged", "for both pictures"),
        ("pug", "pug", "beagle", "pug", "unknown class", "has no class “beagle”"),
        ("pug", "tennis ball", "pug", "lynx", "unknown class", "has no class “lynx”"),
    ],
)
def test_an_attack_on_another_network_has_four_outcomes(
    before, after, source, target, outcome, sentence
):
    found, said = attack_outcome(before, after, source, target, CLASSES)
    assert found == outcome
    assert sentence in said
    assert ("not fooled" in said) == (before == after == source and outcome == "unchanged")


def evaluated(right: int, of: int, classes: int) -> transfer.Report:
    """A report on `of` photos, `right` of them classified correctly."""
    labels = np.arange(of) % classes
    guesses = np.where(np.arange(of) < right, labels, (labels + 1) % classes)
    return transfer.evaluate(np.eye(classes, dtype="float32")[guesses] * 5, labels, np.arange(of))


@pytest.mark.parametrize(
    ("right", "of", "classes", "better"),
    [(3, 111, 37, False), (1, 2, 2, False), (90, 111, 37, True), (11, 12, 2, True)],
)
def test_a_figure_that_chance_explains_is_no_success(right, of, classes, better):
    found = evaluated(right, of, classes)
    assert found.accuracy == pytest.approx(right / of)
    assert found.better_than_chance == better
    said = report.verdict(found)
    assert ("not clearly better than chance" in said) == (not better)


SOURCE = transfer.PhotoSource(data=None, folder=Path())
SHARED = ("photos", "tested", "scratch")  # the head's plan has them, or what is trained
OTHER = {str: "SGD", bool: None, int: 7, float: 0.05}


def called(how: How, recipe=None, tuning=None) -> str:
    """What a training is called."""
    return words(
        transfer.TrainingPlan(
            backbone="Pocket",
            source=SOURCE,
            how=how,
            recipe=recipe or transfer.Recipe(),
            tuning=tuning or usual_tuning(how),
        )
    )


@pytest.mark.parametrize("field", [f.name for f in fields(transfer.Recipe)])
def test_every_option_of_the_head_tells_runs_apart(field):
    recipe = transfer.Recipe()
    usual = getattr(recipe, field)
    other = 3 if usual is None else not usual if isinstance(usual, bool) else OTHER[type(usual)]
    changed = replace(recipe, **{field: other})
    for how in (FROZEN, TUNED):
        assert called(how, recipe=changed) != called(how)
    if field not in ("photos", "tested"):  # from scratch there is no head that it could act on
        assert called(SCRATCH, recipe=changed) == called(SCRATCH)


@pytest.mark.parametrize("field", [f.name for f in fields(transfer.Tuning) if f.name not in SHARED])
def test_every_option_of_the_backbone_tells_runs_apart(field):
    for how in (TUNED, SCRATCH):
        tuning = usual_tuning(how)
        usual = getattr(tuning, field)
        other = 3 if usual is None else not usual if isinstance(usual, bool) else OTHER[type(usual)]
        changed = replace(tuning, **{field: other})
        assert called(how, tuning=changed) != called(how)
        assert called(FROZEN, tuning=changed) == called(FROZEN)


def test_runs_are_named_by_what_tells_them_apart():
    def run(backbone="Pocket", **recipe):
        plan = transfer.TrainingPlan(
            backbone=backbone, source=SOURCE, recipe=transfer.Recipe(**recipe)
        )
        return Experiment(plan)

    usual, other = run(), run(dropout=0.5)
    assert comparison.names([usual, other]) == ["Pocket, frozen, all photos", "dropout 0.5"]
    assert comparison.names([usual, run("Pocket Robust")]) == ["Pocket", "Pocket Robust"]
    both = "Pocket, frozen, all photos, dropout 0.5"
    assert comparison.names([other, other]) == [f"{both} (1)", f"{both} (2)"]


def test_the_lab_sheet_of_a_training_has_its_epochs_its_classes_and_its_verdict():
    recipe = transfer.Recipe(epochs=2)
    run = Experiment(transfer.TrainingPlan(backbone="Pocket", source=SOURCE, recipe=recipe))
    runs = Runs(LocalRunner(Schedule(1), Store()))
    run.views = [runs.view(Training(plan=run.plan))]
    run.views[0].run.wait()
    run.views[0].look()
    sheet = report.sheet(run)
    assert "of 111 photos it has never seen are classified correctly" in sheet.results[0]
    epochs, classes = (content.decode().splitlines() for content, _ in sheet.files.values())
    assert len(epochs) == 1 + 2
    assert len(classes) == 1 + 37
