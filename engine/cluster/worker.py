"""A process of a cluster that holds loaded backbones and computes the steps of tasks.

Ray makes an actor of it (`engine.cluster`); it knows nothing of Ray itself. All its runs take turns
on its share of cores, as the runs of one server do.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine import backend, config
from engine.backbones import Store
from engine.runs import Cancelled, Continuation, LocalRunner, Run, Schedule, Task
from engine.storage import registry, weights
from engine.synthesis import Live


class Worker:
    """Computes tasks; see `Worker.run`."""

    def __init__(self) -> None:
        backend.keep_session()
        places = 1 if backend.device().kind == "GPU" else min(backend.cores(), 4)
        self._runner = LocalRunner(Schedule(places), Store())
        self._runs: dict[str, _Remote] = {}

    def ready(self) -> str:
        """The device it computes on; answers when it can compute."""
        return backend.device().name

    def run(
        self,
        key: str,
        task: Task,
        files: Mapping[str, Any],
        fetch: Callable[[Any], Any],
        live: Live | None = None,
        continuation: Continuation | None = None,
    ) -> Iterator[Any]:
        """Yields the frames of a task.

        Args:
            key: of this run, for `steer` and `stop`.
            task: what to compute.
            files: references to weights files by name, fetched where this machine lacks them.
            fetch: turns such a reference into bytes.
            live: the live numbers to begin with; None takes those of the task.
            continuation: what is there already, to go on from.

        Raises:
            EngineError: what the task raises, or loading its backbones.
        """
        run = self._runs[key] = _Remote(task, self._runner, live, continuation)
        try:
            for name in task.backbones:
                _complete(name, files, fetch)
            for frame in self._runner.steps(run):
                yield frame
                run.check()
        except Cancelled:
            return
        finally:
            self._runs.pop(key, None)

    def steer(self, key: str, live: Live) -> None:
        """Changes the live numbers of a run from its next step on."""
        if run := self._runs.get(key):
            run.live = live

    def stop(self, key: str) -> None:
        """Ends a run before its next step."""
        if run := self._runs.get(key):
            run.stopped = True

    def busy(self) -> int:
        """How many runs there are."""
        return len(self._runs)


class _Remote(Run):
    """A run watched from another process: it continues until `stop` is called."""

    stopped = False

    def check(self) -> None:
        if self.stopped:
            raise Cancelled


def _complete(name: str, files: Mapping[str, Any], fetch: Callable[[Any], Any]) -> None:
    """Writes the weights files that a backbone needs and this machine lacks."""
    spec = registry.spec(name)
    if weights.is_here(spec):
        return
    try:
        _write(files, fetch)
    except OSError:  # the home folder is not writable
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
