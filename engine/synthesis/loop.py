"""Ideal images: gradient descent on the picture, the network left as it is.

One compiled function takes the picture's parameters and every number a person may change, and
gives the gradient; a Keras optimizer takes the step. As those numbers are inputs, changing one
neither restarts nor recompiles, and all runs of a kind on a backbone share one compilation.
Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2013 (arXiv:1312.6034); Olah,
Mordvintsev and Schubert, "Feature Visualization", Distill, 2017.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from keras import ops
from scipy.special import softmax

from engine.backbones import Backbone, top_predictions
from engine.core import backend, images
from engine.core.errors import BadSettings, Diverged
from engine.core.types import Prediction
from engine.synthesis import natural
from engine.synthesis.descent import Tensors, borrowed
from engine.synthesis.live import PENALTIES, Checkpoint, Live
from engine.synthesis.objectives import Algebra, Objective, Part, answers, check, part_names
from engine.synthesis.settings import Settings, preset

CHECKPOINT_EVERY = 10  # steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One step of a run: a picture, and the numbers computed from it.

    `picture` is `(H, W, 3)` in 0..1. `terms` maps names to weighted terms of the loss: the target's
    parts in words, then the penalties by name; `loss` is their sum. `variation` is the total
    variation in grey levels. With transformations, `logit`, `probability` and `predictions` come
    from the mean logits of this step's views. The last frame's picture is rounded to 8 bits, and
    all its numbers are computed from that; its `importance`, `(H, W)` in 0..1, says how much the
    network's gradients have moved each pixel, over all steps (Fel et al., 2023, arXiv:2306.06805).
    `live` has the live numbers of the step. Every tenth frame has a `checkpoint`, from which the
    run can continue.
    """

    picture: np.ndarray
    step: int
    loss: float
    terms: Mapping[str, float]
    variation: float
    logit: float
    probability: float
    predictions: tuple[Prediction, ...]
    live: Live
    last: bool = False
    checkpoint: Checkpoint | None = None
    importance: np.ndarray | None = None


def ideal_image(
    net: Backbone,
    target: int | Algebra,
    settings: Settings | None = None,
    live: Callable[[int], Live] | None = None,
    start: np.ndarray | None = None,
    resume: Checkpoint | None = None,
) -> Iterator[Frame]:
    """Optimises a picture until the network predicts the target for it.

    Args:
        net: a loaded backbone.
        target: a class index, or an objective to maximise.
        settings: None takes the "clear" preset of the backbone.
        live: maps a step number to the live numbers of that step; None keeps those of the settings.
        start: a picture in 0..1 of shape `(*settings.size(net), 3)`; None starts from noise.
        resume: the checkpoint of a frame, to continue from.

    Yields:
        A frame before each step, and a last one with the result.

    Raises:
        BadSettings: a setting is out of range, or `start` has another size.
        UnknownClass, UnknownLayer: the network has no such target.
        Diverged: the values became NaN or infinite; a smaller learning rate helps.
    """
    settings = settings or preset("clear", net)
    settings.check()
    at = live or (lambda step, own=settings.live: own)
    objective = settings.objective(target)
    check(net, objective)
    parametrization, size = settings.parametrization, settings.size(net)
    if start is not None and start.shape != (*size, 3):
        raise BadSettings(f"Expected a start of {(*size, 3)}; received: {start.shape}.")
    penalties = PENALTIES | _natural(net, settings)
    parts = (*objective.parts, *penalties.values())
    names = (*part_names(net, objective), *penalties)
    structure = tuple(part.structure for part in parts)
    gradients = {side: _gradient(net, structure, settings, side) for side in _sides(settings)}
    indices = _indices(parts)
    generator = np.random.default_rng([settings.seed, 1])
    first = (
        parametrization.start(size, settings.seed) if start is None else parametrization.of(start)
    )
    shown = target if isinstance(target, int) else None
    tensor, transformations = Tensors(), settings.transformations
    unmoved = backend.tensor(np.zeros((*size, 3)))
    with borrowed(net, settings.optimizer, first.shape) as descent:
        descent.begin(first if resume is None else resume.parameters)
        if resume is not None:
            descent.recall(resume.state)
            generator.bit_generator.state = resume.random
        importance = np.zeros(size, "float32") if resume is None else resume.importance.copy()
        for number in range(resume.step if resume else 0, settings.steps):
            where = None
            if number % CHECKPOINT_EVERY == 0:
                where = descent.checkpoint(number, generator.bit_generator.state, importance)
            side = settings.shown(number)
            seen = (side, side) if side else net.input_size
            now = at(number)
            weights = _weights(objective, now, penalties)
            views = transformations.draw(generator, size, seen, number)
            (_, (picture, values, logits)), (grad, moved) = gradients[side](
                (descent.variable.value, unmoved),
                tensor("weights", weights),
                indices,
                {name: tensor(name, drawn) for name, drawn in views.items()},
            )
            terms = dict(zip(names, _terms(weights, values), strict=True))
            frame = _frame(net, shown, number, terms, now, picture, names, values, logits)
            yield replace(frame, checkpoint=where)
            descent.step(grad, now.learning_rate)
            importance += np.abs(backend.numpy(moved)).mean(axis=-1)
        picture = parametrization.picture(descent.variable.value, size)
        picture = images.from_uint8(images.to_uint8(backend.numpy(picture)))
    shown_whole = images.fit(picture, net.input_size)
    values, logits = _look(net, structure, settings.canvas)(
        backend.tensor(picture), backend.tensor(shown_whole), indices
    )
    now = at(settings.steps)
    terms = dict(zip(names, _terms(_weights(objective, now, penalties), values), strict=True))
    frame = _frame(net, shown, settings.steps, terms, now, picture, names, values, logits)
    strongest = max(float(np.percentile(importance, 99)), 1e-12)
    yield replace(frame, last=True, importance=(importance / strongest).clip(0.0, 1.0))


def _natural(net: Backbone, settings: Settings) -> dict[str, Part]:
    """The penalty that is of the network, where the settings have it."""
    if not settings.natural or not natural.statistics(net).layers:
        return {}
    return {"natural": natural.NaturalStatistics(natural.statistics(net))}


def _weights(objective: Objective, live: Live, penalties: Mapping[str, Part]) -> np.ndarray:
    """Weights of the parts in the loss: those of the target negated, as it is to grow."""
    own = (getattr(live, name) for name in penalties)
    return np.array([*(-w for w in objective.weights), *own], "float32")


def _terms(weights: np.ndarray, values: Any) -> list[float]:
    return [float(term) for term in weights * backend.numpy(values)]


def _frame(
    net: Backbone,
    shown: int | None,
    number: int,
    terms: Mapping[str, float],
    live: Live,
    picture: Any,
    names: tuple[str, ...],
    values: Any,
    logits: Any,
) -> Frame:
    values, logits = backend.numpy(values), backend.numpy(logits).mean(axis=0)
    if not np.isfinite(values).all():
        raise Diverged(
            f"The optimisation diverged in step {number}: its values are NaN or infinite. Start "
            "again with a smaller learning rate or smaller weights."
        )
    top = top_predictions(logits, net.class_names)
    about = top[0].class_index if shown is None else shown
    return Frame(
        picture=backend.numpy(picture),
        step=number,
        loss=sum(terms.values()),
        terms=terms,
        variation=float(values[names.index("variation")]),
        logit=float(logits[about]),
        probability=float(softmax(logits)[about]),
        predictions=top,
        live=live,
    )


def _indices(parts: tuple[Part, ...]) -> tuple[Any, list[Any]]:
    """What tells parts from others of their structure: numbers, and the arrays there are."""
    numbers = [part.index if isinstance(part.index, int) else 0 for part in parts]
    arrays = [part.index for part in parts if not isinstance(part.index, int)]
    return ops.convert_to_tensor(numbers, dtype="int32"), [backend.tensor(a) for a in arrays]


def _sides(settings: Settings) -> set[int]:
    """The sides at which the network is shown the picture, in px; 0 for its own size."""
    return {settings.shown(step) for step in range(settings.steps)}


def _gradient(net: Backbone, parts: tuple[Part, ...], settings: Settings, side: int) -> Any:
    """The compiled loss, and its gradients with respect to the parameters and the picture."""
    parametrization, transformations = settings.parametrization, settings.transformations
    size = settings.size(net)

    def make() -> Any:
        shown = net.at_size(side) if side else net
        own = tuple(part.at_other_sizes() for part in parts) if side else parts
        ask = answers(shown, own)

        def loss(both: Any, weights: Any, indices: Any, views: Any) -> Any:
            parameters, moved = both  # zeros, for the gradient of what the network is shown
            picture = parametrization.picture(parameters, size)
            batch = ops.expand_dims(picture, 0)
            seen = batch + moved
            answer = backend.data_parallel(
                lambda some: ask(transformations.apply(seen, some, shown.input_size)), views
            )  # each core moves and looks at its own views
            values = _values(own, batch, answer, indices)
            return ops.sum(weights * values), (picture, values, answer[""])

        return backend.value_and_gradient(loss, auxiliary=True)

    key = ("gradient", parts, parametrization, transformations.structure, settings.canvas, side)
    return net.compiled(key, make)


def _look(net: Backbone, parts: tuple[Part, ...], canvas: int) -> Any:
    """The parts' values for a picture as it is, which the network is shown at its own size."""

    def make() -> Any:
        ask = answers(net, parts)

        def look(picture: Any, shown: Any, indices: Any) -> Any:
            answer = ask(shown[None])
            return _values(parts, picture[None], answer, indices), answer[""]

        return look

    return net.compiled(("look", parts, canvas), make)


def _values(parts: tuple[Part, ...], picture: Any, answer: dict, indices: Any) -> Any:
    numbers, arrays = indices
    rest = iter(arrays)
    values = []
    for k, part in enumerate(parts):
        index = numbers[k] if isinstance(part.index, int) else next(rest)
        values.append(part.value(picture, part.answer(answer), index))
    return ops.stack(values)
