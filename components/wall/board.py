"""What is on a wall, live: the newest results or the best, guesses, and one result opened."""

import base64
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from components.shell import class_link, classroom
from components.wall import cards
from components.widgets import watchdog
from engine.core.errors import EngineError

if TYPE_CHECKING:
    from engine.classroom import Entry

LOOK = 1.0  # seconds between two looks
SHOWN = 24  # results at once
KINDS = {
    "Newest": "",
    "Ideal images": "ideal image",
    "Attacks": "attack",
    "Classifiers": "classifier",
    "Mistakes": "mistake",
    "Games": "game",
    "Quiz": "quiz",
}
BEST = {
    "ideal image": "Most recognised by other networks first.",
    "attack": "Smallest change first.",
    "classifier": "Highest accuracy first, on photos it has not seen. Fewer classes are easier.",
    "mistake": "Most confident first.",
    "game": "Most right answers first.",
    "quiz": "Most right answers first.",
}
GUESSES = "Guesses"
WITHIN = {"any time": None, "10 s": 10.0, "30 s": 30.0, "60 s": 60.0}  # of a training
READ = 400  # entries among which those trained in time are looked for


def show(
    code: str,
    *,
    hide: Callable[[int, bool], None] | None = None,
    every: float = LOOK,
    most: int = SHOWN,
) -> None:
    """Draws a wall again and again.

    Args:
        code: of the class.
        hide: takes an entry off the wall, or puts it back; None for who is no teacher.
        every: seconds between two looks.
        most: how many results are shown.
    """
    chosen = st.segmented_control(
        "On the wall",
        [*KINDS, GUESSES],
        default="Newest",
        required=True,
        key="wall_filter",
        label_visibility="collapsed",
    )

    within = None
    if KINDS.get(chosen) == "classifier":
        time = st.segmented_control(
            "Trained within", list(WITHIN), default="any time", required=True, key="wall_within"
        )
        within = WITHIN[time]
    if (entry := st.session_state.pop("wall_open", None)) is not None:
        _opened(entry)

    @st.fragment(run_every=every)
    def live() -> None:
        if watchdog.late("wall"):
            st.rerun()
        try:
            if chosen == GUESSES:
                _guesses(code)
            else:
                _entries(code, KINDS[chosen], hide, most, within)
        except EngineError as error:
            st.error(str(error), icon=":material/error:")
        watchdog.expect("wall", every)

    live()


def _entries(
    code: str, kind: str, hide: Callable[[int, bool], None] | None, most: int, within: float | None
) -> None:
    wall = classroom.wall()
    read = most if within is None else READ
    entries = wall.entries(code, kind=kind, best=bool(kind), hidden=hide is not None, most=read)
    if within is not None:
        entries = [entry for entry in entries if _seconds(entry) <= within][:most]
    if kind:
        st.caption(BEST[kind])
    if not entries and within is not None:
        st.info(f"No classifier on the wall was trained within {within:.0f} s.")
    elif not entries:
        st.info("Nothing is on the wall yet. The first result appears here at once.")

    def act(verb: str, number: int) -> None:
        if verb == "applaud":
            _applaud(number)
        elif verb == "open":
            st.session_state.wall_open = next((e for e in entries if e.number == number), None)
        elif hide is not None:
            hide(number, verb == "hide")

    cards.show(entries, ranked=bool(kind), teacher=hide is not None, on_act=act)
    if st.session_state.get("wall_open") is not None:
        st.rerun()  # a dialog of a fragment goes when the fragment runs again


def _seconds(entry: "Entry") -> float:
    """How long a training took, by its figures."""
    return float(entry.figures.get("time", "inf s").removesuffix(" s"))


def _applaud(number: int) -> None:
    try:
        classroom.wall().applaud(classroom.key(), number)
    except EngineError as error:
        st.toast(str(error), icon=":material/error:")


@st.dialog("On the wall", width="medium")
def _opened(entry: "Entry") -> None:
    """One result, its film and figures, and the way to repeat it."""
    left, right = st.columns([3, 2] if entry.still else [1, 20], gap="medium")
    if picture := classroom.wall().file(entry.film or entry.still):
        kind = "webp" if entry.film else "png"
        data = base64.b64encode(picture).decode()  # st.image would make a still of a film
        left.html(
            f'<img alt="{escape(entry.title)}" src="data:image/{kind};base64,{data}" '
            'style="width:100%;border-radius:8px">'
        )
    rows = "".join(
        f"<tr><td style='padding-right:1em;opacity:.7'>{escape(name)}</td>"
        f"<td>{escape(value)}</td></tr>"
        for name, value in entry.figures.items()
    )
    caption = f"<br><i>{escape(entry.caption)}</i>" if entry.caption else ""
    right.html(
        f"<h3 style='margin:0;padding:0'>{escape(entry.title)}</h3>"
        f"<p>{escape(entry.by)}{caption}</p><table>{rows}</table>"
    )
    if entry.link:
        right.html(class_link.anchor(entry.link, "Make it yourself"))


def _guesses(code: str) -> None:
    """What the class has guessed, a bar for each answer."""
    found = classroom.wall().guesses(code)
    if not found:
        st.info("Nobody has guessed yet. Each screen asks at its top.")
    for question, answers in found.items():
        total = sum(answers.values())
        bars = "".join(
            f"<tr><td style='white-space:nowrap;padding-right:1em'>{escape(answer)}</td>"
            f"<td style='width:100%'><div style='background:var(--st-primary-color, #5b50d6);"
            f"height:1.2em;border-radius:4px;width:{100 * count / total:.0f}%'></div></td>"
            f"<td style='padding-left:.5em'>{count}</td></tr>"
            for answer, count in answers.most_common()
        )
        st.html(f"<h4>{escape(question)}</h4><table style='width:100%'>{bars}</table>")
