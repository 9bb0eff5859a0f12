"""Drops what fragments of a page still ask for after a person has left it.

Streamlit (1.67) runs such a fragment after the next page; the browser, told that it is of the
former page, clears the screen, which stays blank. If the next page has not begun yet, the former
one even takes its place.
"""

from functools import wraps
from typing import NamedTuple
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession


class _Place(NamedTuple):
    """The page that a browser was on, and the one that it has asked for since, by their hashes."""

    page: str = ""  # until the first request that names one
    next: str | None = None


_places: WeakKeyDictionary[AppSession, _Place] = WeakKeyDictionary()


def watch() -> None:
    """Lets every session of this process drop them."""
    request = AppSession.request_rerun
    if hasattr(request, "__wrapped__"):
        return

    @wraps(request)
    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        if client_state is None or not _left(self, client_state):
            request(self, client_state)

    AppSession.request_rerun = request_rerun


def _left(session: AppSession, asked: ClientState) -> bool:
    """Whether a fragment asks whose page has been left; remembers where the browser is."""
    page, (before, coming) = asked.page_script_hash, _places.get(session, _Place())
    if asked.fragment_id and coming not in (None, page) and before in ("", page):
        return True
    moves = not asked.fragment_id and page not in (before, session.page_script_hash)
    _places[session] = _Place(before, page) if moves else _Place(page)
    return False
