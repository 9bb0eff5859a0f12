"""What every page has: configuration, links, title, lesson card, and where errors become words."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from components.shell import class_link, sessions
from engine.errors import EngineError

STYLE = Path(__file__).parent / "style.css"
DARK = """<style>
[data-testid="stBaseButton-primary"] { color: #14131C; }
[data-testid="stBaseButton-primary"]:is(:hover, :focus-visible, :active) {
  color: #14131C; background-color: #BDB7FF; border-color: #BDB7FF;
}
</style>"""

PAGES = (
    ("streamlit_app.py", "Home", ":material/home:"),
    ("pages/feature_maps.py", "Feature maps", ":material/grid_view:"),
    ("pages/transfer_learning.py", "Transfer learning", ":material/pets:"),
    ("pages/ideal_images.py", "Ideal images", ":material/auto_awesome:"),
    ("pages/adversarial_attacks.py", "Adversarial attacks", ":material/visibility_off:"),
)


def page(title: str, subtitle: str, *, icon: str = "🐈") -> None:
    """Begins a page: every page calls this first."""
    st.set_page_config(page_title=f"{title} · Ideal Cat", page_icon=icon, layout="wide")
    st.html(STYLE)
    if st.context.theme.type == "dark":  # Streamlit's white label does not stand out from it
        st.html(DARK)
    with st.sidebar:
        st.markdown("### 🐈 Ideal Cat")
        if "screens" not in class_link.hidden():
            for path, label, symbol in PAGES:
                st.page_link(path, label=label, icon=symbol)
        class_link.aside()
    st.title(title, anchor=False)
    st.markdown(subtitle)


@contextmanager
def errors() -> Iterator[None]:
    """Turns an engine error into a sentence on the screen; the page goes on below it."""
    try:
        yield
    except EngineError as error:
        st.error(str(error), icon=":material/error:")


def told(draw: Callable[[], None]) -> Callable[[], None]:
    """A drawing function whose engine errors become sentences on the screen."""

    def drawn() -> None:
        with errors():
            draw()

    return drawn


def stale(what: str, button: str) -> None:
    """Says that what follows was made with other settings than those above."""
    st.info(
        f"What follows is {what}. Press *{button}* for the settings above.",
        icon=":material/history:",
    )


def linked_number(key: str, low: int, high: int, default: int) -> int:
    """A whole number that a link asks for; says so where it is out of range."""
    asked = st.query_params.get(key, str(default))
    if asked in map(str, range(low, high + 1)):
        return int(asked)
    shown = asked[:60].replace("`", "")
    st.warning(
        f"The link asks for {key.replace('_', ' ')} `{shown}`; expected a whole number from {low} "
        f"to {high}. This page takes {default}.",
        icon=":material/link_off:",
    )
    return default


def lesson_card(question: str, answer: str, look_for: Sequence[str]) -> None:
    """A folded card: something to guess before looking, and what to look for."""
    with st.expander("Lesson card: guess before you look", icon=":material/school:"):
        st.markdown(f"**Guess first.** {question}")
        if st.toggle("Show the answer", key="lesson_answer"):
            st.info(answer, icon=":material/lightbulb:")
        st.markdown("**Look for**\n" + "\n".join(f"- {line}" for line in look_for))


def wait_for_engine() -> None:
    """Holds the page at a progress line until TensorFlow is imported and a backbone is ready."""
    run = sessions.opening()
    if run.done:
        sessions.first_steps()
        return
    line = st.progress(0.0, "Starting TensorFlow …")
    while not run.done:
        if run.frames:
            line.progress(run.frames[-1].fraction, run.frames[-1].message)
        time.sleep(0.1)
    line.empty()


def check_link(key: str, options: Sequence[str], what: str) -> None:
    """Says so when a link names something that is not there; the widget then shows its default."""
    asked = st.query_params.get(key)
    if asked is not None and asked not in options:
        shown = asked if len(asked) <= 60 else asked[:60] + "…"
        st.warning(
            f"The link asks for {what} `{shown.replace('`', '')}`, which is not there; "
            "this page shows its own choice instead.",
            icon=":material/link_off:",
        )
