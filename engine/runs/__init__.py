"""Running things on one machine: tasks in plain values, runs that many may watch, fair turns."""

from typing import TYPE_CHECKING

import lazy_loader

from engine.runs.run import Cancelled, Compressed, Continuation, Run, Runner
from engine.runs.runner import LocalRunner
from engine.runs.schedule import SLICE, Schedule, Share
from engine.runs.view import Private, Runs, View, in_background

if TYPE_CHECKING:
    from engine.runs.task import (
        Attack,
        EpsilonSweep,
        IdealImage,
        Judge,
        Task,
        Training,
        TransferMatrix,
        Vectors,
    )

__all__ = [
    "SLICE",
    "Attack",
    "Cancelled",
    "Compressed",
    "Continuation",
    "EpsilonSweep",
    "IdealImage",
    "Judge",
    "LocalRunner",
    "Private",
    "Run",
    "Runner",
    "Runs",
    "Schedule",
    "Share",
    "Task",
    "Training",
    "TransferMatrix",
    "Vectors",
    "View",
    "in_background",
]

_TASKS = [name for name in __all__ if name not in globals()]  # imported when they are needed
__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs={"task": _TASKS})
