"""What the teacher of a class has: the invitation, the task, who is where, files, the end."""

from urllib.parse import urlsplit

import streamlit as st

from components.shell import classroom
from components.wall import addresses, board, entrance
from components.widgets import gallery
from engine import config
from engine.classroom import ClassInfo, page, table
from engine.core.errors import EngineError

LOOK = 4.0  # seconds between two looks at who is where


def show(secret: str) -> None:
    """Draws the class of a teacher's secret; raises `NoSuchClass`."""
    info = classroom.wall().teacher(secret).info()
    main, aside = st.columns([4, 1], gap="medium")
    with aside:
        entrance.invitation(info.code)
        st.caption(
            "Anyone with the address of this page can manage the class: save it, and do not show "
            "it on the projector. Export the wall before the class ends, after "
            f"{config.class_hours():g} hours."
        )
    with main:
        with st.container(horizontal=True, vertical_alignment="center"):
            _projector(info)
            _task(secret, info)
            _files(info)
            _end(secret)
            _freeze(secret, info)
        _pupils(secret)
        board.show(info.code, hide=lambda number, hidden: _hide(secret, number, hidden))


def _projector(info: ClassInfo) -> None:
    address = addresses.of_wall(elsewhere=False, watch=info.code)
    st.link_button("Projector", address, icon=":material/cast:")


def _task(secret: str, info: ClassInfo) -> None:
    with st.popover("Set the task", icon=":material/assignment:", key="set_task"):
        st.caption(
            "Paste the link of a screen as you have set it (*Link for a class* in its sidebar). "
            "All pupils are offered it at once."
        )
        with st.form("task", border=False):
            address = st.text_input("Link", info.task, max_chars=1200)
            if st.form_submit_button("Set", type="primary"):
                task = _screen(address)
                if task is None:
                    st.error(
                        "Expected the address of a screen of this app, such as "
                        f"{addresses.of_wall().replace('wall', 'ideal_images')}."
                    )
                elif _done(lambda: classroom.wall().teacher(secret).set(task=task)):
                    st.rerun()


def _screen(address: str) -> str | None:
    """The part of an address that names a screen and its settings; None if it is of none."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    screen = parts.path.rstrip("/").rsplit("/", 1)[-1]
    if not screen:
        return ""
    if screen not in classroom.TASKS:
        return None
    return f"{screen}?{parts.query}" if parts.query else screen


def _freeze(secret: str, info: ClassInfo) -> None:
    key = f"freeze_{info.code}"
    st.session_state[key] = info.frozen  # another tab of the teacher's may have changed it

    def changed() -> None:
        _done(lambda: classroom.wall().teacher(secret).set(frozen=st.session_state[key]))

    st.toggle("Freeze the wall", key=key, on_change=changed)


def _files(info: ClassInfo) -> None:
    wall = classroom.wall()

    def everything() -> list:
        return wall.entries(info.code, most=2000)

    with st.popover("Export", icon=":material/download:", key="export"):
        gallery.download(
            "One page (HTML)",
            lambda: page(info.code, everything(), wall.guesses(info.code), wall.file),
            f"wall-{info.code}.html",
            "web",
            help="With all pictures and films; it needs no network.",
        )
        gallery.download(
            "A table (CSV)", lambda: table(everything()), f"wall-{info.code}.csv", "table"
        )


def _end(secret: str) -> None:
    with st.popover("End the class", icon=":material/delete:", key="end_class"):
        st.markdown("Deletes the class with everything that was shown, for everybody.")
        if st.button("End and delete everything", type="primary", key="end_now") and _done(
            classroom.wall().teacher(secret).delete
        ):
            classroom.teach("")
            st.rerun()


@st.fragment(run_every=LOOK)
def _pupils(secret: str) -> None:
    try:
        pupils = classroom.wall().teacher(secret).pupils()
    except EngineError as error:
        st.caption(str(error))
        return
    stuck = sum(pupil.stuck for pupil in pupils)
    words = f"{len(pupils)} {'pupil' if len(pupils) == 1 else 'pupils'}" if pupils else ""
    words += f", {stuck} without a result for 10 minutes" if stuck else ""
    st.caption(words or "Nobody has joined yet.")
    box = st.expander("Who is where", icon=":material/group:")
    rows = [
        {
            "Pupil": pupil.name,
            "Screen": pupil.page if pupil.here else "away",
            "Results": pupil.shown,
            "Help": "no result for 10 minutes" if pupil.stuck else "",
        }
        for pupil in pupils
    ]
    box.dataframe(rows, hide_index=True, height="content" if len(rows) < 9 else 320)
    if away := [pupil.name for pupil in pupils if not pupil.here]:
        with box.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox(
                "Pupil who is away",
                away,
                key="let_back_name",
                help="A pupil whose tab was closed can join again by the same nickname, and what "
                "they have shown stays theirs.",
            )
            if st.button("Let back in", icon=":material/door_open:", key="let_back") and _done(
                lambda: classroom.wall().teacher(secret).let_back(name)
            ):
                st.toast(f"The next one to join as {name} gets {name}’s results back.")


def _hide(secret: str, number: int, hidden: bool) -> None:
    _done(lambda: classroom.wall().teacher(secret).hide(number, hidden))


def _done(act) -> bool:
    try:
        act()
    except EngineError as error:
        st.error(str(error), icon=":material/error:")
        return False
    return True
