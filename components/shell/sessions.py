"""What all sessions of this server share: loaded backbones, turns, runs; and who watches what.

TensorFlow is imported inside these functions, never at the top, so that a page can be drawn before
the import.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent import futures
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from components.shell import warm_up
from engine.backbones import Store
from engine.runs import LocalRunner, Run, Runner, Runs, Schedule, View, in_background
from engine.storage import weights

P, T = ParamSpec("P"), TypeVar("T")
# Seconds a run goes on after its page has stopped looking. Browsers let a hidden tab look once a
# minute; when a tab is closed, `session_views` shortens it.
LEASE, CLOSED = 90.0, 30.0
PATIENCE = 10.0  # seconds a fragment waits at its end for the server


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The loaded backbones."""
    return Store()


@st.cache_resource(show_spinner=False)
def schedule() -> Schedule:
    """Where runs take turns: a core each, at most four at once; one on a GPU."""
    from engine import backend

    return Schedule(1 if backend.device().kind == "GPU" else min(backend.cores(), 4))


@st.cache_resource(show_spinner=False)
def runner() -> Runner:
    """Where runs are computed: in this process, or on the cluster that is configured."""
    from engine import cluster, transfer

    return cluster.runner(LocalRunner(schedule(), store(), transfer.AT_ONCE))


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """The runs of all sessions; equal tasks are computed once."""
    return Runs(runner())


@st.cache_resource(show_spinner=False)
def opening() -> Run:
    """Imports TensorFlow and loads the default backbone, once for all sessions."""
    first = next(iter(weights.available()), None)
    return in_background(lambda: warm_up.opening(store(), first))


@st.cache_resource(show_spinner=False)
def first_steps() -> Run:
    """Compiles what the screens need first, while nobody else computes; once for all sessions."""
    return in_background(lambda: warm_up.first_steps(store(), schedule()))


@st.cache_resource(show_spinner=False)
def downloads() -> dict[str, Run]:
    """Running and ended downloads by name, seen by everyone."""
    return {}


def _hurry(views: list[View]) -> None:
    for view in views:
        view.expire_within(CLOSED)  # long enough for a phone to find its network again


@st.cache_resource(show_spinner=False, scope="session", on_release=_hurry)
def _until_disconnected(_views: list[View]) -> list[View]:
    """Streamlit releases it when the connection breaks, also when the session then goes on."""
    return _views


def session_views() -> list[View]:
    """The views of this session; they expire soon after its tab is closed."""
    return _until_disconnected(st.session_state.setdefault("watched_views", []))


@st.cache_resource(show_spinner=False)
def _watched() -> set[View]:
    return set()


def start(tasks: Sequence[Any]) -> list[View]:
    """Watches the runs of some tasks, in place of what this session has watched so far."""
    for view in session_views():
        view.stop()
    views = [runs().view(task, lease=LEASE) for task in tasks]
    watch_again(views)
    return views


def watch_only(views: list[View]) -> None:
    """Makes these the views of this session, and ends what else it has watched."""
    for view in session_views():
        if view not in views:
            view.stop()
    watch_again(views)


def watch_again(views: list[View]) -> None:
    """Makes these the views of this session."""
    session_views()[:] = views
    _watched().difference_update(view for view in _watched().copy() if _over(view))
    _watched().update(views)


def fragment(draw: Callable[P, T]) -> Callable[P, T]:
    """`st.fragment`, which ends only when the server has taken in what was drawn.

    If another fragment is asked for after a script has ended, while its last messages are still to
    be taken in, Streamlit (1.67) drops them. On a busy server that may be a second long.
    """

    @st.fragment
    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> T:
        found = draw(*args, **kwargs)
        context = get_script_run_ctx()
        if context and context.fragment_ids_this_run and runtime.exists():
            # Nothing public leads to the server's loop, which takes messages in one by one.
            server = runtime.get_instance()._get_async_objs().eventloop
            futures.wait([asyncio.run_coroutine_threadsafe(asyncio.sleep(0), server)], PATIENCE)
        return found

    return drawn


def running() -> list[View]:
    """The views of all sessions that are not at their end."""
    return [view for view in _watched().copy() if not _over(view)]  # a copy is made in one go


def _over(view: View) -> bool:
    return view.stopped or view.run.done or view.expired
