"""A layer's channels as one contact sheet: a click, or Enter on a tile, picks a channel."""

from collections.abc import Callable
from typing import Any

import streamlit as st

_HTML = '<div class="sheet" role="group" aria-label="Channels"></div>'
_CSS = """
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--tile), 1fr));
  gap: 6px; padding: 4px; font-family: var(--st-font); color: var(--st-text-color); }
button { all: unset; cursor: pointer; display: block; position: relative; border-radius: 6px;
  overflow: hidden; aspect-ratio: 1; image-rendering: pixelated; background-repeat: no-repeat; }
button:hover { filter: brightness(1.2); }
button:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
button[aria-pressed=true] { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
button span { position: absolute; left: 3px; bottom: 2px; font-size: 11px; line-height: 1;
  color: #fff; background: rgb(0 0 0 / .6); border-radius: 3px; padding: 1px 3px; }
button.dead::after { content: "dead"; position: absolute; inset: 0; display: grid;
  place-items: center; font-size: 11px; color: #fff; background: rgb(60 60 70 / .75); }
"""
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const sheet = parentElement.querySelector(".sheet");
  const active = parentElement.activeElement || document.activeElement;
  const focused = sheet.contains(active) ? active.dataset.channel : null;
  sheet.style.setProperty("--tile", data.tile + "px");
  const { columns, rows, tiles, image, selected } = data;
  const style = document.createElement("style");
  style.textContent = `.sheet button { background-image: url(${image});
    background-size: ${columns * 100}% ${rows * 100}%; }`;
  const shown = tiles.some(([channel]) => channel === selected);
  const nodes = tiles.map(([channel, response, dead], k) => {
    const tile = document.createElement("button");
    const x = columns > 1 ? ((k % columns) / (columns - 1)) * 100 : 0;
    const y = rows > 1 ? (Math.floor(k / columns) / (rows - 1)) * 100 : 0;
    tile.style.backgroundPosition = `${x}% ${y}%`;
    tile.className = dead ? "dead" : "";
    const words = `channel ${channel}, response ${response}` + (dead ? ", dead here" : "");
    tile.title = words;
    tile.dataset.channel = channel;
    tile.tabIndex = channel === selected || (k === 0 && !shown) ? 0 : -1;
    tile.setAttribute("aria-label", words);
    tile.setAttribute("aria-pressed", String(channel === selected));
    tile.onclick = () => setTriggerValue("picked", channel);
    const number = document.createElement("span");
    number.textContent = channel;
    tile.append(number);
    return tile;
  });
  sheet.replaceChildren(style, ...nodes);
  sheet.onkeydown = (event) => {
    const at = nodes.findIndex((node) => node.matches(":focus"));
    const row = nodes.filter((node) => node.offsetTop === nodes[0].offsetTop).length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row }[event.key];
    if (!step || at < 0) return;
    event.preventDefault();
    nodes[Math.min(Math.max(at + step, 0), nodes.length - 1)].focus();
  };
  if (focused) nodes.find((node) => node.dataset.channel === focused)?.focus();
}
"""
_sheet = st.components.v2.component("contact_sheet", html=_HTML, css=_CSS, js=_JS)


def contact_sheet(
    image: str,
    captions: list[list[Any]],
    selected: int | None,
    on_pick: Callable[[int], None],
    *,
    key: str,
    columns: int = 16,
    tile: int = 64,
) -> None:
    """Draws the tiles of a sheet without gaps; `on_pick` gets a clicked channel's number.

    Args:
        image: the data address of a sheet as `gallery.sheet` makes it.
        captions: a tile's channel number, response and whether it is dead, in the sheet's order.
        selected: the channel to mark.
        columns: tiles in a row of the image; on the screen as many stand in a row as fit.
        tile: smallest width of a tile on the screen, px.
    """
    columns = min(columns, len(captions))

    def picked() -> None:
        channel = st.session_state[key].get("picked")
        if channel is not None:
            on_pick(int(channel))

    _sheet(
        data={
            "image": image,
            "columns": columns,
            "rows": -(-len(captions) // columns),
            "tiles": captions,
            "selected": selected,
            "tile": tile,
        },
        key=key,
        on_picked_change=picked,
    )
