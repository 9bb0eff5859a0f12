"""Running things on one machine: runs that many may watch, fair turns; `tasks` are what can run.

Whoever imports `tasks` imports TensorFlow, which a page does only when it is needed.
"""

from engine.runs.run import Cancelled, Compressed, Continuation, Run, Runner
from engine.runs.runner import LocalRunner
from engine.runs.schedule import SLICE, Schedule, Share
from engine.runs.view import Private, Runs, View, in_background

__all__ = [
    "SLICE",
    "Cancelled",
    "Compressed",
    "Continuation",
    "LocalRunner",
    "Private",
    "Run",
    "Runner",
    "Runs",
    "Schedule",
    "Share",
    "View",
    "in_background",
]
