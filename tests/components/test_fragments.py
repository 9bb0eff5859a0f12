"""What a fragment draws arrives, also where another one is asked for as soon as it ends."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from harness.pupil import Pupil
from harness.server import free_port, running

SCRIPT = """
import time
from copy import copy

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from components import shell


@st.fragment
def other():
    st.markdown("The other one")


@shell.fragment
def pressed():
    if st.button("Press"):
        here, server = get_script_run_ctx(), runtime.get_instance()
        session = server._session_mgr.get_session_info(here.session_id).session
        mine = here.fragment_ids_this_run

        def busy():
            time.sleep(0.5)  # the server has much else to do, then a timer asks for the other one
            state = copy(session._client_state)
            (state.fragment_id,) = set(here.fragment_storage._fragments) - set(mine)
            session.request_rerun(state)

        server._get_async_objs().eventloop.call_soon_threadsafe(busy)
        st.markdown("Pressed")


other()
pressed()
"""


def test_what_a_fragment_draws_last_is_not_dropped(tmp_path):
    script = tmp_path / "page.py"
    script.write_text(SCRIPT)

    async def press(address: str) -> None:
        async with Pupil(address) as pupil:
            await pupil.open()
            await pupil.until(lambda: pupil.has("button", "Press"), "the button")
            await pupil.click("Press")
            await pupil.until(lambda: "Pressed" in pupil.words(), "what the button draws")

    with running(free_port(), script) as (address, _), ThreadPoolExecutor(1) as thread:
        # in a thread of its own: Playwright's loop may be in this one
        thread.submit(asyncio.run, asyncio.wait_for(press(address), 30)).result()
