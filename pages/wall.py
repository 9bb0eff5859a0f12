"""Class wall: a class joins with four words, and what its pupils make appears on the projector."""

import streamlit as st

from components import shell
from components.shell import classroom
from components.wall import board, entrance, teaching
from engine.errors import NoSuchClass

shell.page("Class wall", "Show what you have made, and see what the others found.")


def projected(code: str) -> None:
    """The wall as everybody may see it, with the way to join above it."""
    info = classroom.wall().look(code, classroom.visitor())
    st.html('<style>[data-testid="stSidebar"] { display: none; }</style>')
    main, aside = st.columns([4, 1], gap="medium")
    with main:
        board.show(info.code)
    with aside:
        entrance.invitation(info.code)


def own() -> None:
    """The wall of the pupil who sits here."""
    found = classroom.wall().membership(classroom.key())
    if found is None:
        classroom.become("")
        st.rerun()
    _, info = found
    if st.button("Leave the class", icon=":material/logout:", type="tertiary", key="leave"):
        classroom.become("")
        st.rerun()
    board.show(info.code, every=board.PUPILS)


def main() -> None:
    """What the address and the tab say: a teacher, a projector, a pupil, or nobody yet."""
    secret, code = (st.query_params.get(name, "")[:200] for name in ("teacher", "watch"))
    try:
        if secret:
            teaching.show(secret)
        elif code:
            projected(code)
        elif classroom.key():
            own()
        else:
            entrance.show()
    except NoSuchClass as error:
        st.warning(str(error), icon=":material/search_off:")
        entrance.show()


shell.told(main)()
