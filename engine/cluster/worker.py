"""A process of a cluster that holds loaded backbones and computes the steps of tasks.

Ray makes an actor of it (`engine.cluster`); it knows nothing of Ray itself. All its runs take turns
on its share of cores, as the runs of one server do.
"""

import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import backend, config
from engine.backbones import Store
from engine.runs import Admission, IdealImage, Task
from engine.storage import registry, weights
from engine.synthesis import Checkpoint, Controls

EVERY = 10  # steps between two checkpoints that are sent along
_END = object()
Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A step of a task on its way: its value, with which controls it was made, where it stands."""

    value: Any
    numbers: Numbers | None
    checkpoint: Checkpoint | None


class Worker:
    """Computes tasks; see `Worker.run`."""

    def __init__(self) -> None:
        backend.keep_session()
        places = 1 if backend.device().kind == "GPU" else min(backend.cores(), 4)
        self._line = Admission(places)
        self._shelf = Store()
        self._runs: dict[str, _Run] = {}

    def ready(self) -> str:
        """The device it computes on; answers when it can compute."""
        return backend.device().name

    def run(
        self,
        key: str,
        task: Task,
        files: Mapping[str, Any],
        fetch: Callable[[Any], Any],
        numbers: Numbers | None = None,
        resume: Checkpoint | None = None,
        script: Mapping[int, Numbers] | None = None,
    ) -> Iterator[Packet]:
        """Yields the steps of a task.

        Args:
            key: of this run, for `steer` and `checkpoint`.
            task: what to compute.
            files: references to weights files by name, fetched where this machine lacks them.
            fetch: turns such a reference into bytes.
            numbers: controls to begin with; None takes those of the task.
            resume: where to go on.
            script: controls by step, of steps that were made before and are made again.

        Raises:
            EngineError: what the task raises, or loading its backbones.
        """
        run = self._runs[key] = _Run(task, numbers, resume, script or {})
        try:
            for name in task.backbones:
                _complete(name, files, fetch)
            yield from self._line.turns(lambda: run.packets(self._shelf))
        finally:
            self._runs.pop(key, None)

    def steer(self, key: str, numbers: Numbers) -> None:
        """Changes the controls of a run from its next step on."""
        if run := self._runs.get(key):
            run.asked = numbers

    def stop(self, key: str) -> None:
        """Ends a run before its next step."""
        if run := self._runs.get(key):
            run.stopped = True

    def busy(self) -> int:
        """How many runs there are."""
        return len(self._runs)

    def checkpoint(self, key: str, step: int) -> Checkpoint | None:
        """Where a run stood before a step; only the last few are known."""
        run = self._runs.get(key)
        return next((c for c in run.kept if c.step == step), None) if run else None


class _Run:
    """A task, its controls, and the last places it stood at."""

    def __init__(
        self,
        task: Task,
        numbers: Numbers | None,
        resume: Checkpoint | None,
        script: Mapping[int, Numbers],
    ) -> None:
        self.asked = numbers
        self.stopped = False
        self.kept: deque[Checkpoint] = deque(maxlen=4)
        self._task, self._resume, self._script = task, resume, script

    def packets(self, shelf: Store) -> Iterator[Packet]:
        nets = [shelf.get(name) for name in self._task.backbones]
        steered = isinstance(self._task, IdealImage)
        controls = Controls(self._task.settings) if steered else None
        steps = self._task.steps(nets, controls, self._resume)
        number = self._resume.step if self._resume else 0
        while not self.stopped:
            if controls is not None:
                controls.numbers = self._script.get(number) or self.asked or controls.numbers
            value = next(steps, _END)
            if value is _END:
                return
            where = controls.checkpoint() if controls else None
            if where is not None:
                self.kept.append(where)
            yield Packet(
                value=value,
                numbers=controls.numbers if controls else None,
                checkpoint=where if number % EVERY == 0 else None,
            )
            number += 1


def _complete(name: str, files: Mapping[str, Any], fetch: Callable[[Any], Any]) -> None:
    """Writes what a backbone needs and this machine does not have."""
    spec = registry.spec(name)
    if weights.is_here(spec):
        return
    try:
        _write(files, fetch)
    except OSError:  # a home one may not write to
        config.use_keras_home(Path(tempfile.mkdtemp(prefix="ideal-cat-")))
        _write(files, fetch)


def _write(files: Mapping[str, Any], fetch: Callable[[Any], Any]) -> None:
    folder = config.keras_home() / "models"
    folder.mkdir(parents=True, exist_ok=True)
    for name, reference in files.items():
        if not (folder / name).is_file():
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as part:
                part.write(fetch(reference))
            Path(part.name).replace(folder / name)  # whole or not at all
