"""One computation of a task, shared by everyone who starts an equal one."""

import atexit
import threading
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from engine.backbones import Store
from engine.core import images
from engine.runs.schedule import Share

NO_PICTURE = np.empty((0, 0, 3), "float32")
PICTURES = 48  # exact ones kept of a run; of a longer one every second, fourth ... step


class Watcher(Protocol):
    """Who watches a run: how many frames it should have made, and whether it is still wanted."""

    @property
    def wanted(self) -> float: ...

    @property
    def wants_it(self) -> bool: ...


class Runner(Protocol):
    """Where runs are computed, with the backbones of a store."""

    @property
    def store(self) -> Store: ...

    def steps(self, run: "Run") -> Generator[Any]:
        """The frames of a run's task; calls `run.check` while it waits."""
        ...

    def position(self, run: "Run") -> int:
        """Where a run stands in the queue, from 1; 0 where it does not wait."""
        ...


class Cancelled(Exception):
    """Raised in a run's own thread when nobody wants it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """What a run needs to go on after frames that another one has made.

    `resume` is a checkpoint at or before the last of them. The steps after it are computed again,
    bit for bit, with the live numbers `live` of those frames, by step.
    """

    resume: Any = None
    live: Mapping[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compressed:
    """A frame, and its pictures compressed for the screen."""

    frame: Any
    stills: tuple[images.Still, ...]

    @classmethod
    def of(cls, task: Any, frame: Any) -> "Compressed":
        """With what the task wants to be shown of a frame: its picture, unless it says more."""
        shown = getattr(task, "shown", lambda frame: (frame.picture,))(frame)
        return cls(frame, tuple(map(images.still, shown)))


class Run:
    """One computation of a task: append-only frames, and how it ended.

    `frames` are stored without their pictures, and without what `frame.light()` leaves out.
    `stills` holds the compressed pictures of each frame, `pictures`, `{step: (H, W, 3) uint8}`, the
    exact pictures of some steps, `checkpoints` the last few checkpoints, and after the end the
    last. `error` is the exception that ended the run, `note` a message for the page, `live` the
    live numbers of the next step.

    Args:
        task: what to compute.
        runner: where to compute it.
        live: the initial live numbers; None takes those of the task.
        continuation: of the run that this one continues; None begins anew.
    """

    def __init__(
        self, task: Any, runner: Runner, live: Any = None, continuation: Continuation | None = None
    ) -> None:
        self.task, self.continuation = task, continuation or Continuation()
        self.frames: list[Any] = []
        self.stills: list[tuple[images.Still, ...]] = []
        self.pictures: dict[int, np.ndarray] = {}
        self.live = getattr(task, "live", None) if live is None else live
        resume = self.continuation.resume
        self.checkpoints: deque[Any] = deque([resume] if resume else (), maxlen=4)
        self.error: Exception | None = None
        self.note = ""
        self.share, self.alone = Share(), Share()  # of the schedule, and of memory
        self.done = False
        self.cut = False  # ended before its task did, as nobody wanted it any more
        self._whole: tuple[int, Any] = (0, None)  # the last frame with all it has, and its number
        self._every = 1
        self._runner = runner
        self._views: set[Watcher] = set()
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="run", daemon=True)

    def join(self, view: Watcher) -> bool:
        """Lets a view watch, and starts the run for the first; False where it ends too early."""
        with self._changed:
            if self.error is not None or self.cut or (self._closing and not self.done):
                return False
            self._views.add(view)
            if self._thread.ident is None:
                _alive.add(self)
                self._thread.start()
            self._changed.notify_all()
            return True

    def leave(self, view: Watcher) -> bool:
        """Takes a view away; returns whether it was the last: then the run ends."""
        with self._changed:
            self._views.discard(view)
            self._closing |= not self._views
            self._changed.notify_all()
            return not self._views

    def shared(self, view: Watcher) -> bool:
        """Whether another view has not left it, even one that has expired: it may come back."""
        with self._changed:
            return any(one is not view for one in self._views)

    def wake(self) -> None:
        """Lets the run check again what its views want."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> None:
        """Waits until it has ended, at most `timeout` seconds."""
        self._thread.join(timeout)

    def wait_beyond(self, count: int, timeout: float) -> None:
        """Waits until there are more frames than that, or there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self.done or len(self.frames) > count, timeout)

    def result(self) -> Any:
        """Waits for the end; the last frame, or raises what ended the run."""
        self.wait()
        if self.error is not None:
            raise self.error
        return self.latest(len(self.frames))

    @property
    def position(self) -> int:
        """Where it stands in the queue before its first frame, from 1; 0 where it does not wait."""
        return 0 if self.frames or self.done else self._runner.position(self)

    def live_at(self, step: int) -> Any:
        """The live numbers of a step: those recorded if it is computed again, else the current."""
        return self.continuation.live.get(step, self.live)

    def fork(self, count: int, live: Any, task: Any = None) -> "Run":
        """A run that shares the first `count` frames, with other live numbers or a longer task."""
        shared = self.so_far(count)
        other = Run(task or self.task, self._runner, live, shared)
        other.frames, other.stills = self.frames[:count], self.stills[:count]
        other.pictures = {k: made for k, made in self.pictures.items() if k in shared.live}
        return other

    def so_far(self, count: int) -> Continuation:
        """What another run needs to go on after the first `count` frames of this one."""
        live = {frame.step: getattr(frame, "live", None) for frame in self.frames[:count]}
        known = [one for one in tuple(self.checkpoints) if one.step in live]
        return Continuation(resume=known[-1] if known else None, live=live)

    def latest(self, count: int) -> Any:
        """The last of the first `count` frames, with its picture; None if there is none.

        If that picture is not kept any more, the last frame before it whose picture is.
        """
        frames, (number, whole), pictures = self.frames[:count], self._whole, self.pictures
        if not frames or number == len(frames):
            return whole if frames else None
        if not hasattr(frames[-1], "picture"):
            return frames[-1]
        frame = next((f for f in reversed(frames) if f.step in pictures), None)
        return frame and replace(frame, picture=images.from_uint8(pictures[frame.step]))

    def check(self) -> None:
        """Raises `Cancelled` in the run's own thread where nobody wants it any more."""
        with self._changed:
            people = sum(view.wants_it for view in self._views)
            if self._closing or not people:
                self._closing = True
                raise Cancelled
            self.share.people = people

    def _work(self) -> None:
        try:
            self.check()
            with closing(self._runner.steps(self)) as frames:
                for frame in frames:
                    self._keep(frame)
                    self.wake()
                    self._wait_until_wanted()
        except Cancelled:
            self.cut = True
        except Exception as error:  # kept for the page to show; a thread has nobody to tell
            self.error = error
        finally:
            # They are large. More steps need the last; a fork from further back begins anew.
            self.checkpoints = deque(self.checkpoints, 1)
            self._closing = self.done = True
            self.wake()
            _alive.discard(self)

    def _wait_until_wanted(self) -> None:
        while True:
            self.check()
            with self._changed:
                if any(v.wants_it and v.wanted > len(self.frames) for v in self._views):
                    return
                self._changed.wait(0.2)

    def _keep(self, made: Any) -> None:
        frame = made.frame if isinstance(made, Compressed) else made
        if getattr(frame, "checkpoint", None) is not None:
            self.checkpoints.append(frame.checkpoint)
            frame = replace(frame, checkpoint=None)
        if not hasattr(frame, "picture"):
            self.stills.append(())
            self.frames.append(frame.light() if hasattr(frame, "light") else frame)
            self._whole = len(self.frames), frame
            return
        if self.frames and frame.step <= self.frames[-1].step and not frame.last:
            return  # made again, between the checkpoint and what was there before
        if frame.last or frame.step % self._every == 0:
            self._keep_picture(frame)
        compressed = made if isinstance(made, Compressed) else Compressed.of(self.task, frame)
        self.stills.append(compressed.stills)  # before the frame: it may be read
        self.frames.append(replace(frame, picture=NO_PICTURE))
        self._whole = len(self.frames), frame

    def _keep_picture(self, frame: Any) -> None:
        pictures = self.pictures | {frame.step: images.to_uint8(frame.picture)}
        while len(pictures) > PICTURES:
            self._every *= 2
            kept = (step for step in pictures if step % self._every == 0 or step == frame.step)
            pictures = {step: pictures[step] for step in kept}
        self.pictures = pictures  # replaced, not changed: a page may be reading it


_alive: set[Run] = set()


@atexit.register
def _end() -> None:
    """Ends what runs before the interpreter does: a thread inside TensorFlow would crash it."""
    for run in _alive.copy():
        run._closing = True
        run.wake()
    for run in _alive.copy():
        run.wait(10)
