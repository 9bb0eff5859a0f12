"""Optimizers by name, with a learning rate that follows a schedule."""

from typing import Any, Protocol

import keras

from engine.core import backend

OPTIMIZERS: dict[str, Any] = {
    "SGD": keras.optimizers.SGD,
    "momentum": lambda **options: keras.optimizers.SGD(momentum=0.9, **options),
    "Adagrad": keras.optimizers.Adagrad,
    "RMSprop": keras.optimizers.RMSprop,
    "Adam": keras.optimizers.Adam,
}
SCHEDULES = ("constant", "cosine", "exponential", "falling to a tenth in three steps")
LAST = 0.01  # of the first learning rate, at the end of an exponential decay


class Options(Protocol):
    """What an optimizer is made from."""

    @property
    def optimizer(self) -> str: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def schedule(self) -> str: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def clip(self) -> float: ...


def optimizer_of(options: Options, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer that some options describe.

    Args:
        options: of `OPTIMIZERS` and `SCHEDULES`; `clip` bounds the norm of the gradient as
            a whole, 0 for no bound.
        steps: how many the whole training has.
    """
    rate, total = options.learning_rate, max(steps, 1)
    schedule: Any = rate
    if options.schedule == "cosine":
        schedule = keras.optimizers.schedules.CosineDecay(rate, total)
    elif options.schedule == "exponential":
        schedule = keras.optimizers.schedules.ExponentialDecay(rate, total, LAST)
    elif options.schedule != "constant":
        thirds = [total // 2, total * 3 // 4, total * 7 // 8]
        values = [rate, rate / 2, rate / 5, rate / 10]
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(thirds, values)
    optimizer = OPTIMIZERS[options.optimizer](
        learning_rate=schedule,
        weight_decay=options.weight_decay or None,
        global_clipnorm=options.clip or None,
    )
    return backend.single_replica(optimizer)


class WeightAverage:
    """The mean of a model's weights over the epochs of the second half of a training.

    Stochastic weight averaging (Izmailov et al., 2018, arXiv:1803.05407), without its learning
    rate schedule; the statistics of batch normalization are averaged, too, not measured anew.

    Args:
        model: after each of these epochs it has the mean, while it learns its own weights.
        on: without it, nothing is averaged.
    """

    def __init__(self, model: keras.Model, on: bool) -> None:
        self._model, self._on = model, on
        self._own: list[Any] = []
        self._mean: list[Any] = []
        self._count = 0

    def learn(self) -> None:
        """Gives the model its own weights, before an epoch."""
        if self._own:
            self._model.set_weights(self._own)

    def add(self, share: float) -> None:
        """Gives the model the mean, after an epoch; `share` is that of the epochs that are over."""
        if not self._on or share <= 0.5:
            return
        self._own, self._count = self._model.get_weights(), self._count + 1
        before = self._mean or self._own
        self._mean = [a + (b - a) / self._count for a, b in zip(before, self._own, strict=True)]
        self._model.set_weights(self._mean)
