"""The actors of a Ray cluster that hold our backbones: joined, found, started, ended.

Ray does what it can do: it restarts an actor whose process or machine ends, and keeps an actor for
which there is no room pending, which its autoscaler notices.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import config
from engine.cluster.connection import Connection, first_line
from engine.cluster.worker import Worker
from engine.errors import BadSettings, ClusterGone
from engine.storage import registry, weights

LOADING = 2  # runs that may be on an actor before loading their backbone elsewhere is worth it
FULL = 2  # runs on every actor before another actor is started
IDLE = 300.0  # seconds after which an actor without a run ends, where there are more than the least
KEEP = 10.0  # seconds between two looks after the actors
REST = 30.0  # seconds without a new actor after one that could not be started
RUNS = 64  # at once on an actor; further ones wait in Ray's queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many actors there may be, and what each takes of a machine."""

    least: int = 1
    most: int = 100
    cpus: float = 2
    gpus: float | None = None  # None: one where the cluster has GPUs

    @classmethod
    def of_environment(cls) -> "Bounds":
        """From `IDEAL_CAT_RAY_WORKERS` (`least-most`), `..._CPUS` and `..._GPUS`.

        Raises:
            BadSettings: one of them is invalid.
        """
        own = cls()
        amounts, cpus, gpus = config.cluster_workers()
        amounts, cpus = amounts or f"{own.least}-{own.most}", cpus or str(own.cpus)
        try:
            least, most = map(int, amounts.split("-"))
            found = cls(
                least=least, most=most, cpus=float(cpus), gpus=None if gpus is None else float(gpus)
            )
        except ValueError:
            found = None
        if found is None or not 1 <= found.least <= found.most or found.cpus <= 0:
            raise BadSettings(
                "Expected IDEAL_CAT_RAY_WORKERS like 1-8, IDEAL_CAT_RAY_CPUS above 0 and "
                f"IDEAL_CAT_RAY_GPUS a number; received: {amounts!r}, {cpus!r}, {gpus!r}."
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a cluster is made of, and how busy it is; `error` where it does not answer."""

    address: str
    nodes: int = 0
    cpus: float = 0
    gpus: float = 0
    workers: int = 0
    running: int = 0
    waiting: int = 0
    error: str = ""


@dataclass(eq=False)
class Actor:
    """An actor, and what we know of it."""

    handle: Any
    answer: Any  # reference to its reply that it is ready
    loaded: set[str] = field(default_factory=set)
    runs: int = 0
    well: bool = False  # it has sent that reply
    idle_since: float = field(default_factory=time.monotonic)


def fittest(actors: Sequence[Actor], names: Sequence[str]) -> Actor:
    """The least busy actor, unless one that is a little busier has the backbones loaded."""
    wanted = set(names)
    return min(actors, key=lambda one: (one.runs + LOADING * (not wanted <= one.loaded), one.runs))


class Pool:
    """The actors of one cluster.

    Args:
        address: `auto`, or `host:port` of the cluster's head.
        bounds: None takes those of the environment.
        environment: variables that the actors' processes get.
    """

    def __init__(
        self, address: str, bounds: Bounds | None = None, environment: dict[str, str] | None = None
    ) -> None:
        self.address = address
        self._bounds = bounds or Bounds.of_environment()
        self._environment = environment or {}
        self._actors: list[Actor] = []
        self._files: dict[tuple[str, int], Any] = {}
        self._connection = Connection(address)
        self._trouble, self._rest_until = "", 0.0
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="cluster", daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """Leaves the cluster; its actors end."""
        self._closed.set()
        self._keeper.join()
        if self._connection.head is not None:
            import ray

            ray.shutdown()

    def status(self, running: int = 0) -> Status:
        """The cluster's current size, with its runs; does not wait for a silent cluster."""
        head = self._connection.head
        if head is None or self._rest_until:
            return Status(address=head or self.address, error=self._trouble)
        if not self._connection.answers:
            return Status(address=head, error=self._connection.silence)
        import ray

        try:
            nodes = [node for node in ray.nodes() if node["Alive"]]
        except ray.exceptions.RayError as error:
            return Status(address=head, error=first_line(error))
        resources = [node["Resources"] for node in nodes]
        return Status(
            address=head,
            nodes=len(nodes),
            cpus=sum(some.get("CPU", 0) for some in resources),
            gpus=sum(some.get("GPU", 0) for some in resources),
            workers=len(self._actors),
            running=running,
        )

    def place(self, names: Sequence[str]) -> Actor:
        """The actor for a run; raises `ClusterGone`."""
        with self._lock:
            self._join()
            able = self._ready() or self._ready(0.5) or self._actors
            if not able:
                raise ClusterGone(f"{self._trouble} Check that machine, then start again.")
            actor = fittest(able, names)
            actor.runs += 1
            actor.loaded.update(names)
            return actor

    def release(self, actor: Actor, *, lost: bool = False) -> None:
        """Takes a run off an actor; `lost` where that is gone."""
        with self._lock:
            actor.runs -= 1
            actor.idle_since = time.monotonic()
            if lost:
                actor.loaded.clear()
                for one in self._actors:  # its machine's others may be gone with it
                    one.answer, one.well = self._word(one.handle), False

    @property
    def size(self) -> int:
        """How many actors there are."""
        return len(self._actors)

    def _ready(self, patience: float = 0.0) -> list[Actor]:
        """Those that can compute; one that could not be started is taken off."""
        import ray

        answers = {actor.answer: actor for actor in self._actors}
        if not answers:
            return []
        ray.wait(list(answers), timeout=patience)
        done, _ = ray.wait(list(answers), num_returns=len(answers), timeout=0)
        for actor in (answers[answer] for answer in done):
            try:
                actor.well = actor.well or bool(ray.get(actor.answer))
            except ray.exceptions.RayError as error:
                self._actors.remove(actor)
                self._trouble = f"A worker could not be started: {first_line(error)}"
                self._rest_until = time.monotonic() + REST
        return [actor for actor in self._actors if actor.well]

    def _tend(self) -> None:
        """Starts an actor where all are busy, and ends those that have had nothing to do."""
        import ray

        bounds, now = self._bounds, time.monotonic()
        busy = all(actor.runs >= FULL for actor in self._actors)
        ready = len(self._ready())
        if now < self._rest_until:
            return  # one could not be started, and the next one would not be
        if busy and ready == len(self._actors) < bounds.most:
            self._start()  # where there is no room for it, Ray waits, and its autoscaler makes some
        while len(self._actors) < bounds.least:
            self._start()
        for actor in self._actors[bounds.least :]:
            if not actor.runs and now - actor.idle_since > IDLE:
                self._actors.remove(actor)
                ray.kill(actor.handle)

    def _start(self) -> None:
        import ray

        bounds = self._bounds
        gpus = bounds.gpus
        if gpus is None:
            gpus = 1 if ray.cluster_resources().get("GPU") else 0
        cores = {"IDEAL_CAT_CORES": str(max(int(bounds.cpus), 1))}
        remote: Any = ray.remote
        handle = (
            remote(concurrency_groups={"runs": RUNS, "words": 4})(Worker)
            .options(
                num_cpus=bounds.cpus,
                num_gpus=gpus,
                max_restarts=-1,
                runtime_env={"env_vars": cores | self._environment},
            )
            .remote()
        )
        self._actors.append(Actor(handle=handle, answer=self._word(handle)))

    @staticmethod
    def _word(handle: Any) -> Any:
        """A reference to an actor's reply that it is ready; Ray retries until it is."""
        return handle.ready.options(max_task_retries=-1).remote()

    def references(self, names: Sequence[str]) -> dict[str, Any]:
        """The weights of backbones in Ray's object store, put there once."""
        import ray

        specs = [spec for spec in map(registry.spec, names) if not spec.builtin]
        files = [*map(weights.require, specs), *([weights.index_path()] if specs else [])]
        found = {}
        with self._lock:
            for file in files:
                key = (str(file), file.stat().st_mtime_ns)
                if key not in self._files:
                    self._files[key] = ray.put(file.read_bytes())
                found[file.name] = self._files[key]
        return found

    def _join(self) -> None:
        if self._connection.join():
            self._actors.clear()
            self._files.clear()
        self._tend()

    def _keep(self) -> None:
        """Joins the cluster before the first run, and tends the actors while there is none."""
        while not self._closed.is_set():
            try:
                with self._lock:
                    self._join()
                if time.monotonic() >= self._rest_until:
                    self._trouble, self._rest_until = "", 0.0
            except Exception as error:  # the next look may do better
                self._trouble = str(error)
            self._closed.wait(KEEP)
