"""Which requests of a browser are ignored, as the page they belong to has been left."""

import inspect

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

from components.shell import page_changes


class Session:
    """A session of Streamlit, as far as it is asked: the page whose script has started last."""

    page_script_hash = ""


@pytest.fixture
def ignored():
    """Takes requests and returns those that are ignored.

    "a" is a request for page a, "a:f" one for a fragment of it; "=a": page a starts on the server.
    """

    def asked(*requests: str) -> list[str]:
        session, found = Session(), []
        for request in requests:
            if request.startswith("="):
                session.page_script_hash = request[1:]
                continue
            page, _, fragment = request.partition(":")
            state = ClientState(page_script_hash=page, fragment_id=fragment)
            if page_changes._left(session, state):
                found.append(request)
        return found

    return asked


def test_a_fragment_of_a_page_that_was_left_is_ignored(ignored):
    assert ignored("", "=a", "a:f", "b", "a:f", "=b", "a:g", "b:h") == ["a:f", "a:g"]
    assert ignored("", "=a", "a:f", "b", "=b", "b:h", "c", "b:h", "a:f") == ["b:h"]


def test_also_of_a_page_that_has_asked_for_nothing(ignored):
    assert ignored("", "=a", "b", "a:f") == ["a:f"]
    assert ignored("", "=a", "a:f", "b", "=b", "c", "b:h", "a:f", "=c", "c:g") == ["b:h", "a:f"]
    assert ignored("", "=a", "a:f", "b", "=b", "a", "b:h", "=a", "a:f") == ["b:h"]


def test_a_page_that_runs_again_keeps_its_fragments(ignored):
    assert ignored("", "=a", "a:f", "a", "a:f") == []
    assert ignored("", "=main", "a", "=a", "a:f") == []  # the first run is of no page yet


def test_who_comes_back_before_the_next_page_has_started_has_left_nothing(ignored):
    assert ignored("", "=a", "a:f", "b", "a", "a:f") == []


def test_two_clicks_on_a_link_are_one(ignored):
    assert ignored("", "=a", "a:f", "b", "b", "a:f") == ["a:f"]


def test_a_button_that_leads_back_is_no_link(ignored):
    """A button of page b leads to a: its script, not the browser, changes the page."""
    assert ignored("", "=a", "a:f", "b", "=b", "b", "=a", "a:f") == []


def test_streamlit_has_what_is_patched():
    page_changes.watch()
    rerun = AppSession.request_rerun
    page_changes.watch()
    assert AppSession.request_rerun is rerun  # once
    assert list(inspect.signature(rerun).parameters) == ["self", "client_state"]
    assert isinstance(AppSession.page_script_hash, property)
    assert list(inspect.signature(AppSession.request_script_stop).parameters) == ["self"]
