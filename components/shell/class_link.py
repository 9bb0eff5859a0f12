"""For a lesson: a link that fixes a page as it is set, hidden controls, large text, a fresh start.

A link's `hide` takes away what pupils are not to touch: `controls`, what is set before the start;
`screens`, the way to the other pages. The state is in the link, nothing is kept on the server.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

HIDDEN = ("controls", "screens")
_CHOICES = (
    "stSelectbox",
    "stButtonGroup",
    "stSlider",
    "stPopover",
    "stCheckbox",
    "stNumberInput",
    "stMultiSelect",
    "stTextInput",
    "stFileUploader",
    "stCameraInput",
)
_LARGE = """
html { font-size: 125%; }
.st-key-choices [data-testid="stColumn"] { min-width: min(100%, 15rem); }
"""


def hidden() -> tuple[str, ...]:
    """What the link that opened this page hides."""
    asked = st.query_params.get("hide", "").split(",")
    return tuple(part for part in HIDDEN if part in asked)


def choices() -> "st.delta_generator.DeltaGenerator":
    """A container for what is set before the start; a link may hide its widgets, not its words."""
    if "controls" in hidden():
        widgets = ", ".join(
            f'.st-key-choices [data-testid="stElementContainer"]:has([data-testid="{name}"])'
            for name in _CHOICES
        )
        popovers = '.st-key-choices [data-testid="stPopover"]'
        st.html(f"<style>{widgets}, {popovers} {{ display: none; }}</style>")
    return st.container(key="choices")


def aside() -> None:
    """What every page's sidebar has below its links."""
    with st.container(horizontal=True, vertical_alignment="center"):
        large = st.toggle(
            "Large text", key="large_text", bind="query-params", persist_state="session"
        )
        query = urlencode(st.query_params.to_dict())
        st.html(
            f'<a href="?{query}" target="_self" title="Forget everything of this session and open '
            'this page anew" style="color:inherit;font-size:.875rem">Start over</a>'
        )
    if large:
        st.html(f"<style>{_LARGE}</style>")


def link(
    place: "st.delta_generator.DeltaGenerator",
    left_out: str,
    shown: Mapping[str, str] | None = None,
    **more: str,
) -> None:
    """Offers a link to this page in the sidebar.

    Args:
        place: of the choices; where a link hides their widgets, it says what they are set to.
        left_out: settings of this page that do not travel with the link, in words; "" for none.
        shown: what a parameter is called on the page, where that is not its value.
        more: what is not in the page's address already, by the names of the link's parameters.
    """
    if "controls" in hidden():
        words = more | dict(shown or {})
        fixed = [f"{name.replace('_', ' ')} **{value}**" for name, value in words.items()]
        place.markdown(" · ".join(fixed))
    if "screens" in hidden():
        return
    with st.sidebar.popover(
        "Link for a class",
        icon=":material/co_present:",
        width="stretch",
        key="class_link",
        on_change="rerun",  # what was moved beside a running picture is in the link too
    ):
        st.caption(
            "Opens this page with its main settings. Not included: "
            + ", ".join(filter(None, (left_out, "your own pictures, photos and classifiers.")))
        )
        wanted = {
            "controls": st.toggle("Hide what is set before the start", key="link_controls"),
            "screens": st.toggle("Hide the other screens", key="link_screens"),
        }
        address(more, hide=",".join(name for name, chosen in wanted.items() if chosen))


def address(more: dict[str, str], hide: str = "") -> None:
    """Shows the page's address with more parameters, to be copied."""
    query = st.query_params.to_dict() | more
    query.pop("hide", None)
    query |= {"hide": hide} if hide else {}
    page = (st.context.url or "").split("?")[0]
    st.code(f"{page}?{urlencode(query)}", language=None, wrap_lines=True)
