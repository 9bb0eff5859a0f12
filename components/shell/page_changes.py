"""Ignores what fragments ask for after their page has been left by a link.

Streamlit (1.67) runs such a fragment after the next page; the browser, told that it belongs to the
previous page, clears the screen, which stays blank. If the next page has not started yet, the
previous one is shown instead. No page may lead to another by itself, without a press.
"""

from typing import NamedTuple
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession


class _Browser(NamedTuple):
    """Hashes of the page that a browser has asked for last, and of those it may still be leaving.

    "" is the first page of all, until a request names it.
    """

    page: str = ""
    left: frozenset[str] = frozenset()


_browsers: WeakKeyDictionary[AppSession, _Browser] = WeakKeyDictionary()


def watch() -> None:
    """Patches Streamlit so that every session of this process ignores such requests."""
    rerun, stop = AppSession.request_rerun, AppSession.request_script_stop
    if rerun.__module__ == __name__:
        return

    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        if client_state is None or not _left(self, client_state):
            rerun(self, client_state)

    def request_script_stop(self: AppSession) -> None:
        _browsers.pop(self, None)  # the next page may never start: the connection is lost, say
        stop(self)

    AppSession.request_rerun = request_rerun
    AppSession.request_script_stop = request_script_stop


def _left(session: AppSession, asked: ClientState) -> bool:
    """Whether a fragment asks whose page has been left; also records where the browser is."""
    page, (last, left) = asked.page_script_hash, _browsers.get(session, _Browser())
    if asked.fragment_id and page != last and left & {"", page}:
        return True
    if asked.fragment_id or page == session.page_script_hash:  # the browser has drawn that page
        _browsers[session] = _Browser(page)
    elif page != last:
        _browsers[session] = _Browser(page, (left | {last}) - {page})
    return False
