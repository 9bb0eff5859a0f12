"""Ideal images: gradient descent on the picture, the network left as it is.

One compiled function takes the picture's parameters and every number a person may change, and
gives the gradient; a Keras optimizer takes the step. As those numbers are inputs, changing one
neither restarts nor recompiles, and all runs of a kind on a backbone share one compilation.
Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2013 (arXiv:1312.6034); Olah,
Mordvintsev and Schubert, "Feature Visualization", Distill, 2017.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from engine import backend, images
from engine.backbones import Backbone, softmax, top_predictions
from engine.errors import BadSettings, Diverged
from engine.synthesis.live import Checkpoint, Controls
from engine.synthesis.objectives import (
    L1,
    L2,
    Algebra,
    Objective,
    Part,
    TotalVariation,
    answers,
    check,
)
from engine.synthesis.settings import OPTIMIZERS, Settings, preset
from engine.types import Prediction

PENALTIES: tuple[Part, ...] = (TotalVariation(), L1(), L2())


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One step of a run: a picture, and what was computed of that very picture.

    `picture` is `(H, W, 3)` in 0..1, `loss` the sum of `terms`: the target's, then those of the
    penalties, weights included; `variation` the total variation in grey levels. With
    transformations on, `logit`, `probability` and `predictions` are of the picture as the network
    saw it in this step, by the mean of its logits. In the last frame the picture is rounded to 8
    bits, and they are of it.
    """

    picture: np.ndarray
    step: int
    loss: float
    terms: tuple[float, ...]
    variation: float
    logit: float
    probability: float
    predictions: tuple[Prediction, ...]
    last: bool = False


def ideal_image(
    net: Backbone,
    target: int | Algebra,
    settings: Settings | None = None,
    controls: Controls | None = None,
    start: np.ndarray | None = None,
    resume: Checkpoint | None = None,
) -> Iterator[Frame]:
    """Changes a picture until the network sees in it what it is asked for.

    Args:
        net: a loaded backbone.
        target: a class, or an objective to be made large.
        settings: None takes the "clear" preset of the backbone.
        controls: numbers that another thread may change meanwhile.
        start: a picture `(H, W, 3)` in 0..1 at the network's size; None starts from noise.
        resume: a checkpoint of such a run, to go on from; see `Controls.checkpoint`.

    Yields:
        A frame before each step, and one of the result.

    Raises:
        BadSettings: a number that makes no sense.
        UnknownClass, UnknownLayer: the network has no such target.
        Diverged: the numbers grew beyond all bounds; a smaller learning rate helps.
    """
    settings = settings or preset("clear", net.spec.builder)
    settings.check()
    controls = controls or Controls(settings)
    objective = settings.objective(target)
    check(net, objective)
    parametrization, size = settings.parametrization, net.input_size
    if start is not None and start.shape != (*size, 3):
        raise BadSettings(f"Expected a start of {(*size, 3)}; received: {start.shape}.")
    parts = (*objective.parts, *PENALTIES)
    structure = tuple(part.structure for part in parts)
    gradient = _gradient(net, structure, settings)
    indices = ops.convert_to_tensor([part.index for part in parts], dtype="int32")
    generator = np.random.default_rng([settings.seed, 1])
    first = (
        parametrization.start(size, settings.seed) if start is None else parametrization.of(start)
    )
    shown = target if isinstance(target, int) else None
    tensor, transformations = _Tensors(), settings.transformations
    with _borrowed(net, settings.optimizer) as descent:
        descent.begin(first if resume is None else resume.parameters)
        if resume is not None:
            descent.recall(resume.memory)
            generator.bit_generator.state = resume.random
        for number in range(resume.step if resume else 0, settings.steps):
            rewound = controls.take_rewind()
            if rewound is not None:
                descent.begin(parametrization.of(rewound))
            random = generator.bit_generator.state
            coarse = settings.coarse_steps
            sharpness = min(1.0, 0.03 + number / coarse) if coarse else 1.0
            weights = _weights(objective, controls)
            (_, (picture, values, logits)), slope = gradient(
                descent.variable.value,
                tensor("weights", weights),
                indices,
                tensor("sharpness", np.array(sharpness)),
                tensor("affine", transformations.draw(generator, size)),
            )
            frame = _frame(net, shown, number, weights, picture, values, logits)
            with controls.standing_at(lambda n=number, r=random: descent.checkpoint(n, r)):
                yield frame
            descent.step(slope, controls.learning_rate)
        picture = parametrization.picture(descent.variable.value, backend.tensor(1.0))
        picture = images.from_uint8(images.to_uint8(backend.numpy(picture)))
    values, logits = _look(net, structure)(backend.tensor(picture), indices)
    weights = _weights(objective, controls)
    yield _frame(net, shown, settings.steps, weights, picture, values, logits, last=True)


def _weights(objective: Objective, controls: Controls) -> np.ndarray:
    """Weights of the parts in the loss: those of the target turned round, as it is to grow."""
    penalties = (controls.variation_weight, controls.l1_weight, controls.l2_weight)
    return np.array([*(-w for w in objective.weights), *penalties], "float32")


def _frame(
    net: Backbone,
    shown: int | None,
    number: int,
    weights: np.ndarray,
    picture: Any,
    values: Any,
    logits: Any,
    last: bool = False,
) -> Frame:
    values, logits = backend.numpy(values), backend.numpy(logits).mean(axis=0)
    if not np.isfinite(values).all():
        raise Diverged(
            f"The picture's numbers grew beyond all bounds in step {number}. Start again with a "
            "smaller learning rate or smaller weights."
        )
    terms = tuple(float(t) for t in weights * values)
    top = top_predictions(logits, net.class_names)
    about = top[0].class_index if shown is None else shown
    return Frame(
        picture=backend.numpy(picture),
        step=number,
        loss=sum(terms),
        terms=terms,
        variation=float(values[-len(PENALTIES)]),
        logit=float(logits[about]),
        probability=float(softmax(logits)[about]),
        predictions=top,
        last=last,
    )


class _Tensors:
    """Arrays as tensors by name; one that is as it was is not converted again."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, Any]] = {}

    def __call__(self, name: str, values: np.ndarray) -> Any:
        content = values.tobytes()
        if name not in self._last or self._last[name][0] != content:
            self._last[name] = content, backend.tensor(values)
        return self._last[name][1]


class _Descent:
    """A picture's parameters as a variable, and an optimizer whose step on it is compiled."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.busy = threading.Lock()
        self.variable = keras.Variable(np.zeros(shape, "float32"))
        self._optimizer = OPTIMIZERS[name]()
        self._optimizer.build([self.variable])
        self._take = backend.optimizer_step(self._optimizer, self.variable)

    def begin(self, parameters: np.ndarray) -> None:
        """Takes parameters, and forgets all steps made before."""
        self.variable.assign(parameters)
        self._rate = 0.0
        for memory in self._optimizer.variables:
            memory.assign(np.zeros(memory.shape, memory.dtype))

    def checkpoint(self, step: int, random: Mapping[str, Any]) -> Checkpoint:
        """All that this and the optimizer know."""
        memory = tuple(np.array(backend.numpy(m)) for m in self._optimizer.variables)
        parameters = np.array(backend.numpy(self.variable))
        return Checkpoint(step=step, parameters=parameters, memory=memory, random=random)

    def recall(self, memory: tuple[np.ndarray, ...]) -> None:
        """What the optimizer of a checkpoint knew."""
        for mine, other in zip(self._optimizer.variables, memory, strict=True):
            mine.assign(other)

    def step(self, slope: Any, learning_rate: float) -> None:
        """One step down."""
        if learning_rate != self._rate:
            self._optimizer.learning_rate = self._rate = learning_rate
        self._take(slope)


@contextmanager
def _borrowed(net: Backbone, optimizer: str) -> Iterator[_Descent]:
    """A descent that no other run uses; kept for the next one, with what is compiled of it.

    The pool holds those in use, too: a run that is left to the garbage collector must not take
    with it what is compiled, and then give it back.
    """
    pool: list[_Descent] = net.kept(f"descents {optimizer}", list)
    descent = next((one for one in list(pool) if one.busy.acquire(blocking=False)), None)
    if descent is None:
        descent = _Descent(optimizer, (*net.input_size, 3))
        descent.busy.acquire()
        pool.append(descent)
    try:
        yield descent
    finally:
        descent.busy.release()


def _gradient(net: Backbone, parts: tuple[Part, ...], settings: Settings) -> Any:
    """The compiled loss, what it saw on its way, and its gradient by the parameters."""
    parametrization, transformations = settings.parametrization, settings.transformations

    def make() -> Any:
        ask = answers(net, parts)

        def loss(parameters: Any, weights: Any, indices: Any, sharpness: Any, affine: Any) -> Any:
            picture = parametrization.picture(parameters, sharpness)
            batch = ops.expand_dims(picture, 0)
            answer = backend.data_parallel(
                lambda views: ask(transformations.apply(batch, views)), affine
            )  # each core moves and looks at its own views
            values = _values(parts, batch, answer, indices)
            return ops.sum(weights * values), (picture, values, answer[""])

        return backend.value_and_gradient(loss, auxiliary=True)

    return net.compiled(f"gradient {parts} {parametrization} {transformations.structure}", make)


def _look(net: Backbone, parts: tuple[Part, ...]) -> Any:
    """The parts' values for a picture as it is."""

    def make() -> Any:
        ask = answers(net, parts)

        def look(picture: Any, indices: Any) -> Any:
            answer = ask(picture[None])
            return _values(parts, picture[None], answer, indices), answer[""]

        return look

    return net.compiled(f"look {parts}", make)


def _values(parts: tuple[Part, ...], picture: Any, answer: dict, indices: Any) -> Any:
    values = [
        part.value(picture, answer.get(part.reads), indices[k]) for k, part in enumerate(parts)
    ]
    return ops.stack(values)
