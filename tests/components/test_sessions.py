"""What a session watches, also when its connection has been broken for a moment."""

from streamlit.testing.v1 import AppTest


def page():
    from unittest.mock import Mock

    import streamlit as st

    from components.shell import sessions

    sessions._until_disconnected.clear()  # every test's session bears the same name
    view = Mock()
    sessions.session_views().append(view)
    sessions._until_disconnected.clear()  # as Streamlit does when the connection breaks
    view.expire_within.assert_called_once_with(sessions.CLOSED)
    st.session_state.known = sessions.session_views() == [view]
    sessions._until_disconnected.clear()
    st.session_state.again = view.expire_within.call_count


def test_a_session_that_comes_back_still_knows_its_runs():
    drawn = AppTest.from_function(page).run(timeout=60)
    assert not drawn.exception
    assert drawn.session_state.known
    assert drawn.session_state.again == 2
