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
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from streamlit.testing.v1 import AppTest

from engine import backbones, images

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "lesson.md"
ADDRESS = "http://localhost:8501/"
OTHER = "MobileNet 0.75"  # is shown what fools or pleases MobileNetV2

HEAD = """# The lesson, experiment by experiment

Lesson 8 of Microsoft's *AI for Beginners*, with its two notebooks, its lab and its page on training
tricks. Each link opens the experiment as it is set, for an app at `http://localhost:8501`; then
press the main button. The lesson uses VGG-16 and ResNet-50, this table MobileNetV2 (14 MB), for
which a class can wait; choose VGG16 in the backbone box for the lesson's own network. For cats and
dogs the app takes Oxford-IIIT Pets: 148 photos to learn from and 111 to test on, where the lesson
has some 20 000. In brackets: the 95 % interval.

With plain gradient descent at the lesson's learning rate, the picture hardly changes for
MobileNetV2: its inputs are scaled to 1 where VGG-16's reach 128, and gradients with respect to the
picture shrink as much. Adam's steps do not depend on that.

Made by `python -m benchmarks.lesson PETS`, which opens these very links.
"""


class Row(NamedTuple):
    """An experiment: what it is, what the lesson got, its link, and who reads the result."""

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


def seen(app: AppTest) -> str:
    """What the backbone predicts for the picture."""
    backbone = backbones.load(app.selectbox(key="backbone").value)
    return _words(backbone, _sample(app.query_params))


def maps(app: AppTest) -> str:
    """The shape of the chosen layer's maps."""
    net = backbones.load(app.selectbox(key="backbone").value)
    return "×".join(map(str, net.layer(app.selectbox(key="layer").value).shape))


def ideal(app: AppTest) -> str:
    """How sure the network is of its picture, and what another says of it."""
    frame = app.session_state["ideal_run"].views[0].latest
    other = _words(backbones.load(OTHER), frame.picture)
    return f"{100 * frame.probability:.0f} %; {OTHER}: {other}"


def attacked(app: AppTest) -> str:
    """How sure the network is of the target, and how far the picture was changed."""
    experiment = app.session_state["attack_run"]
    frame, plan = experiment.latest, experiment.plan
    levels = 255 * abs(frame.picture - images.from_uint8(images.to_uint8(plan.picture))).max()
    top = frame.predictions[0]
    return f"{100 * top.probability:.0f} % {top.label}, within {levels:.0f} grey levels"


def asked(app: AppTest) -> str:
    """What another network says of the attacked picture."""
    frame = app.session_state["attack_run"].latest
    return f"{OTHER}: {_words(backbones.load(OTHER), frame.picture)}"


def trained(app: AppTest) -> str:
    """Accuracy on the test photos, and on those it learned from."""
    experiment = app.session_state["training_run"]
    report, point = experiment.report(), experiment.points[-1]
    low, high = 100 * report.low, 100 * report.high
    return (
        f"{100 * report.accuracy:.1f} % ({low:.0f} to {high:.0f}); "
        f"training photos {100 * point.accuracy:.0f} %"
    )


def _sample(query: Any) -> Any:
    from engine.storage import samples

    return images.load(samples.path(query["sample"][0] if query.get("sample") else "Cat"))


def _words(net: backbones.Backbone, picture: Any) -> str:
    top = net.predict(images.fit(picture, net.input_size), 1)[0]
    return f"{top.label} {100 * top.probability:.0f} %"


CAT = "&class=Siamese+cat"
IDEAL = "ideal_images?backbone=MobileNetV2&preset="
DOG = "adversarial_attacks?backbone=MobileNetV2&sample=Bull+mastiff&class=Siamese+cat&attack="
LEARN = "transfer_learning?backbone=MobileNetV2"
GROUPS: dict[str, tuple[Row, ...]] = {
    "Transfer learning": (
        Row("One photo, 1 000 classes", "", "feature_maps?backbone=MobileNetV2&sample=Cat", seen),
        Row(
            "Features of one photo, as a picture",
            "7×7×512 (VGG-16)",
            "feature_maps?backbone=MobileNetV2&sample=Cat&layer=out_relu",
            maps,
        ),
        Row(
            "Cat or dog, one dense layer on frozen features",
            "about 95 %",
            f"{LEARN}&photos_of=Pets%3A+cat+or+dog",
            trained,
        ),
        Row("The lab: 37 breeds", "no figure", LEARN, trained),
        Row(
            "The frozen network and a dense layer, trained end to end for an epoch",
            "96.7 % (cat or dog)",
            f"{LEARN}&how=fine-tuned&photos_of=Pets%3A+cat+or+dog&unfreeze=layers&layers=0&tuned=1",
            trained,
        ),
        Row(
            "Fine-tuning the last four layers",
            "96.5 % (cat or dog)",
            f"{LEARN}&how=fine-tuned&photos_of=Pets%3A+cat+or+dog&unfreeze=layers",
            trained,
        ),
        Row("The same, 37 breeds", "", f"{LEARN}&how=fine-tuned", trained),
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
        Row("A noisy cat, 1 000 steps, gradient descent", "64 %", f"{IDEAL}noise{CAT}", ideal),
        Row("The same with Adam", "", f"{IDEAL}noise{CAT}&optimizer=Adam", ideal),
        Row(
            "The ideal cat: variation loss, with Adam",
            "92 %",
            f"{IDEAL}lesson{CAT}&optimizer=Adam",
            ideal,
        ),
        Row(
            "The ideal zebra, with Adam",
            "89 % (ResNet-50)",
            f"{IDEAL}lesson&class=zebra&optimizer=Adam",
            ideal,
        ),
        Row(
            "A water bottle, with RMSprop",
            "",
            f"{IDEAL}lesson&class=water+bottle&optimizer=RMSprop",
            ideal,
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
            "87 %",
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
    ),
    "Training tricks (37 breeds)": tuple(
        Row(what, "", f"{LEARN}&{query}", trained)
        for what, query in (
            ("Dropout 20 %", "dropout=0.2"),
            ("Dropout 50 %", "dropout=0.5"),
            ("Batch normalization", "batch_norm=True"),
            ("No weight decay", "weight_decay=0.0"),
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
            ("Gradient clipping at 1", "clip=1.0"),
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
            here = row.told(run(row.link))
            yield f"| [{row.what}]({ADDRESS}{row.link}) | {row.lesson} | {here} |"


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    os.environ["IDEAL_CAT_PETS"] = sys.argv[1]
    os.environ["IDEAL_CAT_DATA"] = tempfile.mkdtemp()
    lines = []
    for line in rows(GROUPS):
        print(line, flush=True)
        lines.append(line)
    FILE.write_text("\n".join(lines) + "\n")
