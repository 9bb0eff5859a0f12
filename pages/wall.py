"""Class wall: a class joins with four words, and what its pupils make appears on the projector."""

import streamlit as st

from components import shell
from components.shell import classroom
from components.wall import board, entrance, teaching
from engine.classroom import tidy_code
from engine.core.errors import NoSuchClass

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
    """The wall of the pupil who sits here, or the way into another class."""
    found = classroom.wall().membership(classroom.key())
    invited = tidy_code(st.query_params.get("join", ""))
    if found is None or invited not in ("", found[1].code):
        if found is None:
            st.info("Your class has ended.")
        entrance.show()
        return
    if st.button("Leave the class", icon=":material/logout:", type="tertiary", key="leave"):
        classroom.wall().leave(classroom.key())
        classroom.become("")
        st.rerun()
    # Thirty phones look at it at once: less often than the projector, and at fewer results.
    board.show(found[1].code, every=5.0, most=12)


def main() -> None:
    """What the address and the tab say: a teacher, a projector, a pupil, or nobody yet."""
    watched = st.query_params.get("watch", "")[:200]
    secret = "" if watched or "join" in st.query_params else classroom.teaching()
    try:
        if secret:
            teaching.show(secret)
            st.query_params["teacher"] = secret  # Streamlit's links between pages lose it
        elif watched:
            projected(watched)
        elif classroom.key():
            own()
        else:
            entrance.show()
    except NoSuchClass as error:
        if secret:
            classroom.teach("")
        st.warning(str(error), icon=":material/search_off:")
        entrance.show()


shell.told(main)()
