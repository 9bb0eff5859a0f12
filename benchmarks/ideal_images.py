"""Ideal images: speed of a step against other ways to take it; draws the sheet of the README.

    python -m benchmarks.ideal_images

All ways to take a step are measured in turns in this one run. The peers are measured where they are
installed (`pip install tf-keras-vis==0.8.7 xplique==2.0.2` into an environment of their own).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from benchmarks.apart import Apart
from engine import backbones, backend, images, synthesis
from engine.synthesis.settings import LESSON

TITLE = "Ideal images (MobileNetV2, 224 px, batch 1)"
SHEET = (281, 284, 207, 340, 292, 1, 76, 950, 817, 985)
CATS = (
    "Egyptian cat",
    "goldfish",
    "king penguin",
    "lemon",
    "school bus",
    "jellyfish",
    "golden retriever",
    "monarch",
    "tarantula",
    "brown bear",
)


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    yield from speed()
    yield memory()


def speed(rounds: int = 5, steps: int = 40) -> Iterator[tuple[str, str]]:
    """A step of ours against the lesson's eager loop and a bare compiled gradient step."""
    net = backbones.load("MobileNetV2")
    ways = {
        "ours, the lesson's recipe": ours(net, LESSON),
        "ours, the clear recipe": ours(net, synthesis.preset("clear", net)),
        "bare compiled gradient step, folded network": bare(net),
        "the lesson's eager loop, plain Keras network": Apart(eager),
    }
    for name, make in {"tf-keras-vis 0.8.7": tf_keras_vis, "xplique 2.0.2": xplique}.items():
        try:
            ways[name] = Apart(make)
        except ImportError:
            yield name, "not installed here (make bench-peers)"
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in ways.values():
        run(3)  # compiles
    for _ in range(rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            run(steps)
            times[name].append((time.perf_counter() - started) / steps)
    first = median(times["ours, the lesson's recipe"])
    for name, seconds in times.items():
        yield name, f"{1000 * median(seconds):.1f} ms a step, {median(seconds) / first:.2f} of ours"
    compiled = {k: f for k, f in net._kept.items() if callable(f)}
    traces = [f.experimental_get_tracing_count() for f in compiled.values()]
    moved = replace(LESSON, live=synthesis.Live(variation=0.1, learning_rate=0.3), steps=5)
    list(synthesis.ideal_image(net, 17, moved))
    again = [f.experimental_get_tracing_count() for f in net._kept.values() if callable(f)]
    yield ("compilations for other sliders and another class", str(sum(again) - sum(traces)))


def memory(runs: int = 50) -> tuple[str, str]:
    """What fifty runs leave behind, after a few."""
    net = backbones.load("MobileNetV2")
    run = ours(net, synthesis.preset("clear", net))
    sizes = []
    for count in (5, runs):
        for _ in range(count):
            run(3)
        lines = Path("/proc/self/status").read_text().splitlines()
        sizes.append(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")))
    return f"memory gained by {runs} runs", f"{(sizes[1] - sizes[0]) / 1024:.0f} MB"


def ours(net: backbones.Backbone, settings: synthesis.Settings) -> Callable[[int], None]:
    """`synthesis.ideal_image`, frames and all."""

    def run(steps: int) -> None:
        for _ in synthesis.ideal_image(net, 284, replace(settings, steps=steps)):
            pass

    return run


def bare(net: backbones.Backbone) -> Callable[[int], None]:
    """The least there is to do: one compiled gradient of the same loss, one assignment."""

    @tf.function
    def step(x, rate):
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = net.model((0.5 + x / 255.0)[None], training=False)
            loss = 10 * tf.nn.sparse_softmax_cross_entropy_with_logits([284], logits)[0]
            loss += 0.005 * tf.image.total_variation(x)
        return x - rate * tape.gradient(loss, x)

    def run(steps: int) -> None:
        x = tf.random.normal((224, 224, 3))
        for _ in range(steps):
            x = step(x, tf.constant(1.0))
        x.numpy()

    return run


def eager() -> Callable[[int], None]:
    """As the lesson's notebook writes it."""
    model = keras.applications.MobileNetV2(weights="imagenet")
    target = tf.constant([284])

    def run(steps: int) -> None:
        x = tf.Variable(tf.random.normal((1, 224, 224, 3)))
        for _ in range(steps):
            with tf.GradientTape() as tape:
                probabilities = model(x)
                loss = 10 * tf.reduce_mean(
                    keras.losses.sparse_categorical_crossentropy(target, probabilities)
                )
                loss += 0.005 * tf.reduce_sum(tf.image.total_variation(x))
            x.assign_sub(tape.gradient(loss, x))

    return run


def tf_keras_vis() -> Callable[[int], None]:
    """The peer with its input modifiers off and one regularizer, total variation, as ours."""
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.activation_maximization.regularizers import TotalVariation2D
    from tf_keras_vis.utils.scores import CategoricalScore

    model = keras.applications.MobileNetV2(weights="imagenet", classifier_activation=None)
    maximize = ActivationMaximization(model, None, clone=False)
    noise = tf.random.uniform((1, 224, 224, 3), 0, 255)

    def run(steps: int) -> None:
        maximize(
            CategoricalScore(284),
            seed_input=noise,
            steps=steps,
            input_modifiers=[],
            regularizers=[TotalVariation2D(1.0)],
        )

    return run


def xplique() -> Callable[[int], None]:
    """The peer without transformations, on pixels, as ours."""
    from xplique.features_visualizations import Objective, optimize

    model = keras.applications.MobileNetV2(weights="imagenet", classifier_activation=None)
    objective = Objective.neuron(model, -1, 284)

    def run(steps: int) -> None:
        optimize(
            objective,
            nb_steps=steps,
            use_fft=False,
            custom_shape=(224, 224),
            transformations=None,
            std=0.5,
        )

    return run


def sheet(file: Path) -> None:
    """Draws ten classes by MobileNetV2, lesson and clear, and by Pocket Robust, as one picture."""
    net, pocket = backbones.load("MobileNetV2"), backbones.load("Pocket Robust")
    cats = [pocket.class_names.index(label) for label in CATS]
    rows = [row(net, SHEET, "lesson"), row(net, SHEET, "clear"), row(pocket, cats, "clear")]
    Image.fromarray(np.concatenate(rows)).save(file, quality=85)


def further(file: Path, count: int = 20) -> None:
    """Draws classes that both networks know, evenly spaced: MobileNetV2 above Pocket Robust."""
    net, pocket = backbones.load("MobileNetV2"), backbones.load("Pocket Robust")
    shared = [label for label in pocket.class_names if label in net.class_names]
    some = [shared[k * len(shared) // count] for k in range(count)]
    print(f"{file}: {', '.join(some)}")
    rows = [
        row(network, [network.class_names.index(label) for label in labels], "clear", 160)
        for labels in (some[: count // 2], some[count // 2 :])
        for network in (net, pocket)
    ]
    Image.fromarray(np.concatenate(rows)).save(file, quality=85)


def row(net: backbones.Backbone, targets: Sequence[int], name: str, side: int = 128) -> np.ndarray:
    """Pictures of some classes side by side, at most 160 steps each."""
    settings = synthesis.preset(name, net)
    settings = replace(settings, steps=min(settings.steps, 160))
    pictures = []
    for target in targets:
        *_, frame = synthesis.ideal_image(net, target, settings)
        picture = frame.picture
        if name == "lesson":  # its pattern is too faint to be seen as it is
            picture = (picture - picture.min()) / (picture.max() - picture.min())
        pictures.append(images.to_uint8(images.fit(picture, (side, side))))
    return np.concatenate(pictures, axis=1)


if __name__ == "__main__":
    print(f"{backend.device().name}\n\n| what | measured |\n|---|---|")
    for what, value in measure():
        print(f"| {what} | {value} |", flush=True)
    sheet(Path("docs/ideal-images.jpg"))
    further(Path("docs/ideal-images-further.jpg"))
