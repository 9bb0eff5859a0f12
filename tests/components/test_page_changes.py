"""Which requests of a browser are dropped, as the page they belong to has been left."""

import pytest
from streamlit.proto.ClientState_pb2 import ClientState

from components.shell import page_changes


class Session:
    """A session of Streamlit, as far as it is asked: the page whose script has begun last."""

    page_script_hash = ""


@pytest.fixture
def dropped():
    """Takes requests like `"a"`, for a page, or `"a:f"`, for a fragment of it, and `"=a"`: page a
    begins on the server; returns those that are dropped."""

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


def test_a_fragment_of_a_page_that_was_left_is_dropped(dropped):
    assert dropped("", "=a", "a:f", "b", "a:f", "=b", "a:g", "b:h") == ["a:f", "a:g"]
    assert dropped("", "=a", "a:f", "b", "=b", "b:h", "c", "b:h", "a:f") == ["b:h"]


def test_also_where_the_first_page_has_asked_for_nothing_yet(dropped):
    assert dropped("", "=a", "b", "a:f") == ["a:f"]


def test_a_page_that_runs_again_keeps_its_fragments(dropped):
    assert dropped("", "=a", "a:f", "a", "a:f") == []


def test_who_comes_back_before_the_next_page_has_begun_has_left_nothing(dropped):
    assert dropped("", "=a", "a:f", "b", "a", "a:f") == []


def test_two_clicks_on_a_link_are_one(dropped):
    assert dropped("", "=a", "a:f", "b", "b", "a:f") == ["a:f"]


def test_a_page_that_sends_a_person_back_gives_way(dropped):
    """A button of page b leads to a: its script, not the browser, changes the page."""
    assert dropped("", "=a", "a:f", "b", "=b", "b", "=a", "a:f") == []
