"""The way into a class: join one with a code and a nickname, or open one."""

from urllib.parse import urlsplit

import streamlit as st

from components.shell import classroom
from components.wall import addresses
from engine import config
from engine.classroom import nickname
from engine.core.errors import EngineError


def show() -> None:
    """Draws both ways in."""
    left, right = st.columns(2, gap="large")
    with left:
        _join()
    with right:
        _open()


def _join() -> None:
    st.header("Join your class", anchor=False)
    offered = st.session_state.setdefault("nickname_offered", nickname())
    with st.form("join", border=True):
        code = st.text_input(
            "Code of four words",
            st.query_params.get("join", "")[:80],
            placeholder="river-olive-comet-drum",
            max_chars=80,
        )
        name = st.text_input("Nickname", offered, max_chars=24, help="Not your real name.")
        st.caption(
            "No account, no e-mail. Anyone who knows the four words can see your nickname and what "
            "you show. Your teacher also sees which screen you are on. Your guesses and quiz "
            "answers are stored; pictures only if you show them. Everything is deleted when the "
            "class ends."
        )
        if st.form_submit_button("Join", type="primary", icon=":material/login:"):
            try:
                classroom.become(classroom.wall().join(code, name, classroom.visitor()))
            except EngineError as error:
                st.error(str(error), icon=":material/error:")
            else:
                st.query_params.pop("join", None)
                st.rerun()


def _open() -> None:
    st.header("Open a class", anchor=False)
    with st.container(border=True):
        st.markdown(
            "For teachers: pupils join with four words and show what they make. Their results "
            "appear on the projector at once."
        )
        if st.button("Open a class", icon=":material/add:", key="open_class"):
            try:
                opened = classroom.wall().open(classroom.visitor())
            except EngineError as error:
                st.error(str(error), icon=":material/error:")
            else:
                classroom.teach(opened.secret)
                st.rerun()


def invitation(code: str) -> None:
    """The code, the address to join by, and its QR code, one below the other."""
    address = addresses.of_wall(join=code)
    if config.is_here(urlsplit(address).hostname or ""):
        st.warning(
            "Only this computer can open this address. Open this page by the computer's address in "
            "the network, or set `IDEAL_CAT_ADDRESS`.",
            icon=":material/wifi_off:",
        )
    st.html(
        f'<p style="margin:0;font-size:1.5rem;line-height:1.3;font-weight:700">'
        f"{' '.join(code.split('-'))}</p>"
        f'<img alt="QR code of the address to join" src="{addresses.qr(address)}" '
        'style="width:100%;max-width:260px;border-radius:8px;margin-top:.5rem">'
    )
    st.code(address, language=None, wrap_lines=True)
