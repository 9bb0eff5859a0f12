"""Everything about running things on one machine: jobs, turns, shared runs, recordings."""

from typing import TYPE_CHECKING

import lazy_loader

from engine.runs.jobs import Admission, Job

if TYPE_CHECKING:
    from engine.runs import context, jobs, sharing, tasks
    from engine.runs.recording import Recording, together
    from engine.runs.streams import Stream, Streams
    from engine.runs.tasks import IdealImage, Runner, Task, Threads

__all__ = [
    "Admission",
    "IdealImage",
    "Job",
    "Recording",
    "Runner",
    "Stream",
    "Streams",
    "Task",
    "Threads",
    "context",
    "jobs",
    "sharing",
    "tasks",
    "together",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submodules=["context", "jobs", "sharing", "tasks"],
    submod_attrs={
        "recording": ["Recording", "together"],
        "streams": ["Stream", "Streams"],
        "tasks": ["IdealImage", "Runner", "Task", "Threads"],
    },
)
