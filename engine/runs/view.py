"""A view is one person's access to a run, which may be shared by many.

    view = runs.view(task)
    view.look()                      # how many frames there are for this person
    view.frames, view.latest, view.state
    view.pause(); view.step(); view.resume(); view.steer(live); view.stop()

A run computes while somebody wants more than there is. The first who steers a run that others
watch goes on with a fork of it, from the frame that person saw.
"""

import secrets
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from copy import copy
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from cachetools import LRUCache

from engine.backbones import Store
from engine.core import images
from engine.runs.run import Run, Runner
from engine.runs.runner import LocalRunner
from engine.runs.schedule import Schedule

PACE = 0.02  # seconds a frame is shown when a run is replayed


class View:
    """One person's access to a run: how many frames were seen, paused or not.

    Args:
        run: the run; another one after a fork.
        runs: where it is from.
        lease: seconds after the last look after which the page counts as closed; None for never.
    """

    def __init__(self, run: Run, runs: "Runs | None" = None, lease: float | None = None) -> None:
        self.run = run
        self.name = secrets.token_hex(6)  # what a browser calls it
        self.seen = 0
        self.latest: Any = None  # the last frame this person has seen, with its picture
        self.paused = self.stopped = False
        self._steps = 0  # asked for while paused
        self._before = len(run.frames)  # made before this person came
        self.left = False  # stopped, and the run is others' or had ended: it shows no more of it
        self._runs, self._lease = runs, lease
        self._gone: tuple[float, float] | None = None  # since when, and for how long it may be
        self._looked = time.monotonic()

    def look(self) -> int:
        """Renews the lease and takes in new frames; returns how many frames have been seen.

        Frames computed before this person joined are replayed rather than skipped.
        """
        now, there = time.monotonic(), len(self.run.frames)
        passed, self._looked = now - self._looked, now
        if self._gone and now - self._gone[0] > 0.5:  # not a look that was on its way then
            self._gone = None
        if self.left:
            return self.seen
        if self.stopped or self.run.cut:
            self.seen = there  # with the frame that was being made when it was ended
        elif self.paused:
            more = min(self._steps, there - self.seen)
            if not more:
                return self.seen  # the last frame stays whole, though the run may have gone on
            self.seen, self._steps = self.seen + more, self._steps - more
        elif self.seen < self._before:
            self.seen = min(self._before, self.seen + max(1, int(passed / PACE)))
        else:
            self.seen = there
        self.latest = self.run.latest(self.seen)
        return self.seen

    @property
    def frames(self) -> list[Any]:
        """What this person has seen."""
        return self.run.frames[: self.seen]

    @property
    def stills(self) -> list[tuple[images.Still, ...]]:
        """Of each frame this person has seen, its compressed pictures."""
        return self.run.stills[: self.seen]

    @property
    def pictures(self) -> dict[int, np.ndarray]:
        """Exact pictures of some of the steps this person has seen, `{step: (H, W, 3) uint8}`."""
        frames = self.frames
        last = frames[-1].step if frames else -1
        return {step: picture for step, picture in self.run.pictures.items() if step <= last}

    @property
    def error(self) -> Exception | None:
        """What ended the run, if this person still watched it."""
        return None if self.left else self.run.error

    @property
    def live(self) -> Any:
        """The live numbers of the last frame seen; before the first one, of the run."""
        now = getattr(self.latest, "live", None)
        return self.run.live if now is None else now

    @property
    def expired(self) -> bool:
        """Whether the page has not looked for longer than its lease."""
        since, lease = self._gone or (self._looked, self._lease)
        return lease is not None and time.monotonic() - since > lease

    @property
    def wants_it(self) -> bool:
        """Whether it still watches."""
        return not (self.stopped or self.expired)

    @property
    def wanted(self) -> float:
        """How many frames the run should compute for this view; infinite unless paused."""
        return self.seen + self._steps if self.paused else float("inf")

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        if self.left:
            return True
        return self.run.done and self.seen == len(self.run.frames)

    @property
    def state(self) -> str:
        """`failed`, `stopped`, `page closed`, `done`, `paused`, `queued` or `running`."""
        if self.error is not None and self.ended:
            return "failed"
        if self.stopped:
            return "stopped"
        if self.ended:
            return "page closed" if self.run.cut else "done"
        if self.paused:
            return "paused"
        return "queued" if self.run.position else "running"

    def expire_within(self, seconds: float) -> None:
        """Shortens the lease: the page seems to be gone. If it looks again, all is as before."""
        self._gone = time.monotonic(), seconds

    def pause(self) -> None:
        """Pauses at the last frame seen."""
        self.paused, self._steps = True, 0

    def step(self) -> None:
        """Advances by one frame, and pauses again."""
        self.paused, self._steps = True, self._steps + 1
        self.run.wake()

    def resume(self) -> None:
        """Goes on after a pause."""
        self.paused, self._steps = False, 0
        self.run.wake()

    def stop(self) -> None:
        """Ends it for this person, with what there is; for nobody else."""
        if not self.ended and not self.stopped:
            self.look()
            behind = self.behind
            self.left = self.stopped = True  # a twin made meanwhile shows nothing of others' run
            self.left = not self.run.leave(self) or behind

    def steer(self, live: Any) -> None:
        """Goes on with other live numbers; where others watch the run, with a fork of it."""
        if not self.ended and live != self.run.live and self._runs is not None:
            self._runs.steer(self, live)

    @property
    def behind(self) -> bool:
        """Whether the run has made frames that it will see only later."""
        waits = self.paused and self.seen < len(self.run.frames)
        return waits or self.run.done or self.seen < self._before

    def extend(self, task: Any) -> None:
        """Goes on with a longer task, alone, after everything its run has made."""
        self.look()
        self.stopped = self.paused = self.left = False
        self._steps = 0
        self.go_on_with(self.run.fork(len(self.run.frames), self.run.live, task))

    def twin(self) -> "View":
        """Another access to the same run, at the same place: for a page that was opened again."""
        other = copy(self)
        other.name, other._gone, other._looked = secrets.token_hex(6), None, time.monotonic()
        if not other.stopped:
            other.run.join(other)
        return other

    def go_on_with(self, fork: Run) -> None:
        """Watches a fork of its run instead."""
        before, self.run, self._before = self.run, fork, 0
        fork.join(self)
        before.leave(self)


class Runs:
    """The runs of all sessions by what they compute.

    Args:
        runner: where they are computed.
        keep: how many of the last can be joined when they have ended.
    """

    def __init__(self, runner: Runner, keep: int = 24) -> None:
        self.runner = runner
        self._runs: WeakValueDictionary[Hashable, Run] = WeakValueDictionary()
        self._last: LRUCache[Hashable, Run] = LRUCache(keep)  # those running are alive anyway
        self._lock = threading.Lock()

    def view(self, task: Any, *, paused: bool = False, lease: float | None = None) -> View:
        """Returns a view of a task's run, which is started unless an equal task has one."""
        key = task.key and (task.key, *map(self.runner.store.version, task.backbones))
        with self._lock:
            view = View(self._runs.get(key) or Run(task, self.runner), self, lease)
            view.paused = paused
            if not view.run.join(view):  # it has failed, or is about to end
                view.go_on_with(Run(task, self.runner))
            if key is not None:
                self._runs[key] = self._last[key] = view.run
            return view

    def steer(self, view: View, live: Any) -> None:
        """Changes the live numbers of a view's run, or of a fork of it where others watch."""
        with self._lock:  # nobody joins meanwhile
            run = view.run
            if view.behind or run.shared(view):
                view.go_on_with(run.fork(view.seen, live))
                return
            for key, one in list(self._runs.items()):
                if one is run:  # it is no longer what its key says
                    del self._runs[key]
                    self._last.pop(key, None)
            run.live = live


class Private:
    """A task that is any generator: for one person, and on this machine."""

    backbones: tuple[str, ...] = ()
    key: Hashable = None

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        self.make = make

    def steps(self, nets: Any) -> Iterator[Any]:
        return self.make()


def in_background(make: Callable[[], Iterator[Any]]) -> Run:
    """Runs a generator to its end, in a thread, whoever watches."""
    run = Run(Private(make), LocalRunner(Schedule(1), Store()))
    run.join(View(run))
    return run
