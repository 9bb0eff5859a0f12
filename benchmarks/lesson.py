"""Every experiment of the lesson, opened by its link and run headless on the app's own pages.

    python -m benchmarks.lesson PETS

PETS is Oxford-IIIT Pets in its original layout. Writes `docs/lesson.md`: what the lesson got, what
the app gets here, and the link that repeats it. `KERAS_HOME` must hold MobileNetV2 and
MobileNet 0.75.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from streamlit.testing.v1 import AppTest

from benchmarks.lesson_results import (
    asked,
    attacked,
    continued,
    ideal,
    maps,
    reopened,
    seen,
    trained,
    voted,
)
from components.shell.lesson_figures import FIGURES

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "lesson.md"
ADDRESS = "http://localhost:8501/"

HEAD = """# The lesson, experiment by experiment

Lesson 8 of Microsoft's *AI for Beginners*, with its two notebooks, its lab and its page on training
tricks. Each link opens the experiment as it is set, for an app at `http://localhost:8501`; then
press the main button. The lesson uses VGG-16 and ResNet-50, this table MobileNetV2 (14 MB), for
which a class can wait; choose VGG16 in the backbone box for the lesson's own network. For cats and
dogs the table takes seven photos of each breed of Oxford-IIIT Pets: 148 to learn from and 111 to
test on; with all its photos, set *Training photos per class* to 4, and figures differ a little. The
lesson's own 25 000 are the source *Cats vs Dogs*, to be downloaded in the app (825 MB) or unpacked
into the folder that `IDEAL_CAT_CATS_AND_DOGS` names; corrupt photos are named, a fifth is kept to
test on, and *Training photos per class* 1600 gives the lesson's 3 200 photos. In brackets: the 95 %
interval.

With plain gradient descent at the lesson's learning rate, the picture hardly changes for
MobileNetV2: its inputs are scaled to 1 where VGG-16's reach 128, and gradients with respect to the
picture shrink as much. Adam's steps do not depend on that.

The lesson's questions before and after are the page [Quiz](http://localhost:8501/quiz); the table
of layers, shapes and parameters is below each trained classifier, under *Layers*.

Made by `python -m benchmarks.lesson PETS`, which opens these very links.
"""


class Row(NamedTuple):
    """An experiment: what it is, what the lesson got, its link, and who reads the result.

    Where `lesson` is a name of `lesson_figures.FIGURES`, the page itself says what the lesson got.
    """

    what: str
    lesson: str
    link: str
    told: Callable[[AppTest], str]


def run(link: str) -> AppTest:
    """Opens a link and presses the page's main button; returns the page when the run has ended."""
    parts = urlsplit(link)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=900)
    app.switch_page(f"pages/{parts.path}.py")
    for name, value in parse_qsl(parts.query):
        app.query_params[name] = value
    app.run()
    begin = [b for b in app.button if b.label in ("Start", "Attack", "Train") and not b.disabled]
    if begin:
        begin[0].click().run()
        key = {"Start": "ideal", "Attack": "attack", "Train": "training"}[begin[0].label]
        views = app.session_state[f"{key}_run"].views
        while not all(view.ended for view in views):  # a page that does not look counts as closed
            views[-1].run.wait(20)
            app.run()
    problems = [*app.exception, *app.error, *(w for w in app.warning if "link asks" in w.value)]
    if problems:
        raise RuntimeError(f"{link}: {[p.value for p in problems]}")
    return app


CAT = "&class=Siamese+cat"
IDEAL = "ideal_images?backbone=MobileNetV2&preset="
DOG = "adversarial_attacks?backbone=MobileNetV2&sample=Bull+mastiff&class=Siamese+cat&attack="
LEARN = "transfer_learning?backbone=MobileNetV2"
GROUPS: dict[str, tuple[Row, ...]] = {
    "Transfer learning": (
        Row("One photo, 1 000 classes", "", "feature_maps?backbone=MobileNetV2&sample=Cat", seen),
        Row(
            "Features of one photo, as a picture",
            "features",
            "feature_maps?backbone=MobileNetV2&sample=Cat&layer=out_relu",
            maps,
        ),
        Row(
            "Cat or dog, one dense layer on frozen features",
            "cats-and-dogs",
            f"{LEARN}&photos_of=Pets%3A+cat+or+dog",
            trained,
        ),
        Row("The lab: 37 breeds", "no figure", LEARN, trained),
        Row(
            "The frozen network and a dense layer, trained end to end for an epoch",
            "end-to-end",
            f"{LEARN}&how=fine-tuned&photos_of=Pets%3A+cat+or+dog&unfreeze=layers&layers=0&tuned=1",
            trained,
        ),
        Row(
            "Fine-tuning the last four layers",
            "fine-tuning",
            f"{LEARN}&how=fine-tuned&photos_of=Pets%3A+cat+or+dog&unfreeze=layers",
            trained,
        ),
        Row("The same, 37 breeds", "", f"{LEARN}&how=fine-tuned", trained),
        Row("A classifier, saved and opened again", "", LEARN, reopened),
        Row("From scratch, 16 epochs", "", f"{LEARN}&how=from+scratch&tuned=16", trained),
        Row("One photo of each breed", "", f"{LEARN}&photos=1", trained),
        Row(
            "The challenge: pictures unlike ImageNet (eight patterns)",
            "no figure",
            f"{LEARN}&photos_of=Drawn+patterns",
            trained,
        ),
    ),
    "The ideal cat": (
        Row("A noisy cat, 1 000 steps, gradient descent", "noisy-cat", f"{IDEAL}noise{CAT}", ideal),
        Row("The same with Adam", "", f"{IDEAL}noise{CAT}&optimizer=Adam", ideal),
        Row(
            "A noisy cat with Adam, then 1 000 steps more with variation loss",
            "ideal-cat",
            f"{IDEAL}lesson{CAT}&optimizer=Adam&variation=0.0",
            continued,
        ),
        Row("The ideal cat, gradient descent", "ideal-cat", f"{IDEAL}lesson{CAT}", ideal),
        Row(
            "The ideal cat: variation loss, with Adam",
            "ideal-cat",
            f"{IDEAL}lesson{CAT}&optimizer=Adam",
            ideal,
        ),
        Row("The ideal zebra, with Adam", "", f"{IDEAL}lesson&class=zebra&optimizer=Adam", ideal),
        Row(
            "The ideal zebra of another network, 500 steps",
            "zebra",
            "ideal_images?backbone=MobileNet+0.75&preset=lesson&class=zebra&optimizer=Adam&steps=500",
            ideal,
        ),
        *(
            Row(
                f"A water bottle, with {name}",
                "",
                f"{IDEAL}lesson&class=water+bottle&optimizer={name.replace(' ', '+')}",
                ideal,
            )
            for name in ("gradient descent", "momentum", "Adam", "RMSprop")
        ),
        Row("The clear preset, 160 steps", "", f"{IDEAL}clear{CAT}", ideal),
        Row(
            "Plain pixels and no penalty, a plain network",
            "",
            "ideal_images?backbone=Pocket&preset=noise",
            ideal,
        ),
        Row(
            "Plain pixels and no penalty, a network trained on attacked photos",
            "",
            "ideal_images?backbone=Pocket+Robust&preset=noise",
            ideal,
        ),
    ),
    "The adversarial dog": (
        Row(
            "A dog becomes a Siamese cat: plain gradient descent, 100 steps",
            "adversarial-dog",
            f"{DOG}The+lesson%27s+gradient+descent",
            attacked,
        ),
        Row(
            "The same picture, shown to another network",
            "ResNet-50: nematode 13 %",
            f"{DOG}The+lesson%27s+gradient+descent",
            asked,
        ),
        Row(
            "The same by small steps (PGD), epsilon 4", "", f"{DOG}Small+steps+%28PGD%29", attacked
        ),
        Row("Noise of the same size", "", f"{DOG}Random+noise", attacked),
        Row(
            "An ensemble protects: two networks vote on the attacked picture",
            "an ensemble protects",
            f"{DOG}Small+steps+%28PGD%29",
            voted,
        ),
        Row(
            "Both networks attacked together, epsilon 8",
            "",
            f"{DOG}Small+steps+%28PGD%29&epsilon=8&with=MobileNet+0.75",
            voted,
        ),
    ),
    "Training tricks (37 breeds)": tuple(
        Row(what, "", f"{LEARN}&{query}", trained)
        for what, query in (
            ("Dropout 20 %", "dropout=0.2"),
            ("Dropout 50 %", "dropout=0.5"),
            ("Batch normalization", "batch_norm=True"),
            ("No weight decay", "weight_decay=0.0"),
            ("Weight decay 0.1", "weight_decay=0.1"),
            ("Without input scaling", "standardize=False"),
            ("Weights drawn from −1 to 1", "initializer=uniform%2C+-1+to+1"),
            ("Normal weights, deviation 1", "initializer=normal%2C+deviation+1"),
            ("Normal weights, deviation 1/√n", "initializer=normal%2C+deviation+1%2Fsqrt%28n%29"),
            ("Glorot's (Xavier's) weights", "initializer=Glorot+%28Xavier%29"),
            ("SGD", "optimizer=SGD&learning_rate=0.1"),
            ("Momentum", "optimizer=momentum&learning_rate=0.1"),
            ("Adagrad", "optimizer=Adagrad&learning_rate=0.1"),
            ("RMSprop", "optimizer=RMSprop"),
            ("Adam, constant learning rate", "schedule=constant"),
            ("Adam, exponential decay", "schedule=exponential"),
            (
                "Adam, falling to a tenth in three steps",
                "schedule=falling+to+a+tenth+in+three+steps",
            ),
            ("Gradient clipping at 1", "clip=1.0"),
            ("Weights averaged over the later epochs", "average=True"),
            ("Label smoothing", "label_smoothing=0.1"),
            ("Early stopping", "epochs=200&patience=5"),
            ("A hidden layer of 256", "hidden=256"),
        )
    ),
}


def rows(groups: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """The document, line by line."""
    yield HEAD
    for title, group in groups.items():
        yield f"\n## {title}\n\n| experiment | the lesson | here |\n|---|---|---|"
        for row in group:
            link, figure = row.link, FIGURES.get(row.lesson)
            link += "" if figure is None else f"&experiment={row.lesson}"
            here = row.told(run(link))
            yield f"| [{row.what}]({ADDRESS}{link}) | {figure or row.lesson} | {here} |"


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    os.environ["IDEAL_CAT_PETS"] = sys.argv[1]
    os.environ["IDEAL_CAT_DATA"] = tempfile.mkdtemp()
    lines = []
    for line in rows(GROUPS):
        print(line, flush=True)
        lines.append(line)
    FILE.write_text("\n".join(lines) + "\n")
