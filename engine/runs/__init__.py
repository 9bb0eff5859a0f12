"""Running things on one machine: runs that many may watch, and fair turns.

What can be run is in `tasks`. Importing it imports TensorFlow, so pages do so when they need it.
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
