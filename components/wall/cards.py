"""The cards of a wall: one component, as a wall is looked at each second by thirty people.

A card's picture is sent once to each tab, small; whoever lacks one asks for it.
"""

import base64
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image, UnidentifiedImageError

from components.shell import classroom

if TYPE_CHECKING:
    from engine.classroom import Entry

SIDE = 360  # px of a card's picture
SENT = "wall_pictures_sent"  # names of the pictures that this tab has

_HTML = '<div class="wall"></div>'
_CSS = """
.wall { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr));
  gap: 12px; font-family: var(--st-font); color: var(--st-text-color); }
article { border: 1px solid var(--st-border-color); border-radius: 8px; padding: 12px;
  overflow-wrap: anywhere; min-width: 0; }
article.hidden > :not(footer) { opacity: .45; }
img { width: 100%; border-radius: 6px; display: block; margin-bottom: 8px; }
p { margin: 0; }
footer { display: flex; gap: 8px; margin-top: 10px; }
button { font: inherit; color: inherit; background: none; cursor: pointer; padding: 4px 10px;
  border: 1px solid var(--st-border-color); border-radius: 8px; }
button:hover:not(:disabled) { border-color: currentColor; color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
button:disabled { opacity: .5; cursor: default; }
"""
_JS = """
const pictures = new Map();
export default function ({ data, parentElement, setTriggerValue }) {
  const wall = parentElement.querySelector(".wall");
  for (const [name, address] of Object.entries(data.pictures)) pictures.set(name, address);
  const drawn = (wall.drawn ??= new Map());
  const act = (verb, number) => setTriggerValue("did", [verb, number, Date.now()]);
  const make = (kind, parent, text) => {
    const node = document.createElement(kind);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  };
  const draw = (card) => {
    const node = document.createElement("article");
    if (card.picture) {
      const image = make("img", node);
      image.alt = card.title;
      image.src = pictures.get(card.picture) ?? "";
    }
    const words = make("p", node);
    make("b", words, (card.rank ? card.rank + ". " : "") + card.title);
    make("br", words);
    make("span", words, card.by);
    if (card.caption) { make("br", words); make("i", words, card.caption); }
    const foot = make("footer", node);
    const clap = make("button", foot, "👏 " + card.applause);
    clap.setAttribute("aria-label", `Applaud ${card.title}: ${card.applause}`);
    clap.title = data.pupil ? "Applaud" : "Only pupils can applaud";
    clap.disabled = !data.pupil;
    clap.onclick = () => act("applaud", card.number);
    make("button", foot, "Open").onclick = () => act("open", card.number);
    if (data.teacher) {
      const verb = card.hidden ? "show" : "hide";
      make("button", foot, card.hidden ? "Show" : "Hide").onclick = () => act(verb, card.number);
    }
    node.className = card.hidden ? "hidden" : "";
    return node;
  };
  const missing = [];
  const nodes = data.cards.map((card) => {
    if (card.picture && !pictures.has(card.picture)) missing.push(card.picture);
    const state = JSON.stringify([card, data.pupil, data.teacher, pictures.has(card.picture)]);
    const before = drawn.get(card.number);
    if (before?.state === state) return before.node;
    const node = draw(card);
    const focus = before?.node.contains(parentElement.activeElement ?? document.activeElement);
    const at = focus ? [...before.node.querySelectorAll("button")].findIndex(
      (button) => button.matches(":focus")) : -1;
    before?.node.replaceWith(node);
    drawn.set(card.number, { state, node });
    if (at >= 0) node.querySelectorAll("button")[at]?.focus();
    return node;
  });
  const focused = [...wall.querySelectorAll("button")].find((button) => button.matches(":focus"));
  for (const node of [...wall.children]) if (!nodes.includes(node)) node.remove();
  nodes.forEach((node, k) => {
    if (wall.children[k] !== node) wall.insertBefore(node, wall.children[k] ?? null);
  });
  focused?.focus(); // a node that is moved loses it
  if (missing.length) setTriggerValue("lacks", missing);
}
"""
_cards = st.components.v2.component("wall_cards", html=_HTML, css=_CSS, js=_JS)


def show(
    entries: "Sequence[Entry]", *, ranked: bool, teacher: bool, on_act: Callable[[str, int], None]
) -> None:
    """Draws cards; `on_act` gets what was pressed, `applaud`, `open`, `hide` or `show`, and where.

    Args:
        entries: what is on the wall, in order.
        ranked: whether they are numbered.
        teacher: whether they can be hidden.
    """
    sent: set[str] = st.session_state.setdefault(SENT, set())
    new = [e.still for e in entries if e.still and e.still not in sent]
    sent.update(new)

    def did() -> None:
        if (what := st.session_state.wall_cards.get("did")) is not None:
            on_act(str(what[0]), int(what[1]))

    def lacks() -> None:
        sent.difference_update(st.session_state.wall_cards.get("lacks") or ())

    _cards(
        data={
            "cards": [
                {
                    "number": entry.number,
                    "rank": rank if ranked else 0,
                    "title": entry.title,
                    "by": entry.by,
                    "caption": entry.caption,
                    "applause": entry.applause,
                    "hidden": entry.hidden,
                    "picture": entry.still,
                }
                for rank, entry in enumerate(entries, 1)
            ],
            "pictures": {name: _picture(name) for name in new},
            "pupil": bool(classroom.key()),
            "teacher": teacher,
        },
        key="wall_cards",
        on_did_change=did,
        on_lacks_change=lacks,
    )


@st.cache_data(show_spinner=False, max_entries=400)
def _picture(name: str) -> str:
    """A picture of the wall as a small data address; "" where it is gone."""
    try:
        with Image.open(io.BytesIO(classroom.wall().file(name))) as whole:
            small = whole.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return ""
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
