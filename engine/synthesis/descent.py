"""A picture's parameters and the optimizer that moves them: compiled once, borrowed by one run."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from engine.backbones import Backbone
from engine.core import backend
from engine.synthesis.live import Checkpoint
from engine.synthesis.settings import OPTIMIZERS


class Tensors:
    """Converts named arrays to tensors; an unchanged array is not converted again."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, Any]] = {}

    def __call__(self, name: str, values: np.ndarray) -> Any:
        content = values.tobytes()
        if name not in self._last or self._last[name][0] != content:
            self._last[name] = content, backend.tensor(values)
        return self._last[name][1]


class Descent:
    """A picture's parameters as a variable, and an optimizer whose step on it is compiled."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.busy = threading.Lock()
        self.variable = keras.Variable(np.zeros(shape, "float32"))
        self._optimizer = OPTIMIZERS[name]()
        self._optimizer.build([self.variable])
        self._take = backend.optimizer_step(self._optimizer, self.variable)

    def begin(self, parameters: np.ndarray) -> None:
        """Sets the parameters and resets the optimizer."""
        self.variable.assign(parameters)
        self._rate = 0.0
        for memory in self._optimizer.variables:
            memory.assign(np.zeros(memory.shape, memory.dtype))

    def checkpoint(
        self, step: int, random: Mapping[str, Any], importance: np.ndarray
    ) -> Checkpoint:
        """All that this and the optimizer know, and what the run knows besides."""
        state = tuple(np.array(backend.numpy(v)) for v in self._optimizer.variables)
        parameters = np.array(backend.numpy(self.variable))
        return Checkpoint(
            step=step,
            parameters=parameters,
            state=state,
            random=random,
            importance=importance.copy(),
        )

    def recall(self, state: tuple[np.ndarray, ...]) -> None:
        """Puts the optimizer where a checkpoint's was."""
        for mine, other in zip(self._optimizer.variables, state, strict=True):
            mine.assign(other)

    def step(self, grad: Any, learning_rate: float) -> None:
        """Takes one step along the negative gradient; `grad` has the parameters' shape."""
        if learning_rate != self._rate:
            self._optimizer.learning_rate = self._rate = learning_rate
        self._take(grad)


@contextmanager
def borrowed(net: Backbone, optimizer: str, shape: tuple[int, ...]) -> Iterator[Descent]:
    """A descent that no other run uses; kept for the next one, with what is compiled of it.

    `shape` is that of the picture's parameters.

    The pool also holds those in use: a run that is garbage-collected must not take its compiled
    step with it.
    """
    pool: list[Descent] = net.kept(("descents", optimizer, shape), list)
    descent = next((one for one in list(pool) if one.busy.acquire(blocking=False)), None)
    if descent is None:
        descent = Descent(optimizer, shape)
        descent.busy.acquire()
        pool.append(descent)
    try:
        yield descent
    finally:
        descent.busy.release()
