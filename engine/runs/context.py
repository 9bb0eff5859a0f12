"""Whose work a thread does: the job it belongs to, asked to end, or told something."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

_here = threading.local()


class Work(Protocol):
    """A job, as the threads that do its work see it: see `engine.jobs.Job`."""

    note: str
    waits_for: Callable[[], int]

    @property
    def cancelled(self) -> bool:
        """Whether it shall end."""
        ...


class Cancelled(Exception):
    """Raised in a job's own thread when it shall end; the job itself catches it."""


def current() -> Work | None:
    """The job whose thread this is; None elsewhere."""
    return getattr(_here, "job", None)


@contextmanager
def on_behalf_of(job: Work | None) -> Iterator[None]:
    """Makes this thread, for the block, one of a job's."""
    before, _here.job = current(), job
    try:
        yield
    finally:
        _here.job = before


def check() -> None:
    """Raises `Cancelled` in the thread of a job that shall end."""
    job = current()
    if job is not None and job.cancelled:
        raise Cancelled


def say(words: str) -> None:
    """Tells whoever watches this thread's job that something has happened to it."""
    job = current()
    if job is not None:
        job.note = words
