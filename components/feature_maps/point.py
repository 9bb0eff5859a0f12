"""A map on which a click, or the arrow keys, choose one value."""

from collections.abc import Callable

import streamlit as st

_HTML = """
<div class="map" role="application" tabindex="0"><img alt=""><i></i></div>
<button class="slide" type="button" aria-pressed="false">▶ Slide the window</button>
"""
_CSS = """
.map { position: relative; max-width: 340px; aspect-ratio: var(--ratio); cursor: crosshair;
  border-radius: 6px; overflow: hidden; }
.map:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
img { width: 100%; height: 100%; display: block; image-rendering: pixelated; }
button { margin-top: .4rem; padding: .3rem .7rem; border-radius: .5rem; cursor: pointer;
  font: inherit; color: inherit; background: none; border: 1px solid var(--st-border-color); }
i { position: absolute; box-sizing: border-box; min-width: 7px; min-height: 7px;
  transform: translate(-50%, -50%); border: 2px solid #fff; outline: 2px solid #000;
  pointer-events: none; }
"""
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const map = parentElement.querySelector(".map");
  const { rows, columns, image, label } = data;
  const draw = () => {
    const [row, column] = map.place;
    mark.style.left = `${(100 * (column + 0.5)) / columns}%`;
    mark.style.top = `${(100 * (row + 0.5)) / rows}%`;
    map.setAttribute("aria-label", label.replace("{row}", row).replace("{column}", column));
  };
  const mark = map.querySelector("i");
  mark.style.width = `${100 / columns}%`;
  mark.style.height = `${100 / rows}%`;
  map.style.setProperty("--ratio", `${columns} / ${rows}`);
  // What was chosen last counts until the server has drawn it: keys may be faster than answers.
  const answered = String(map.sent) === String([data.row, data.column]);
  if (answered || map.shown !== image) map.sent = null;
  if (!map.sent) map.place = [data.row, data.column];
  map.shown = image;
  map.querySelector("img").src = image;
  draw();
  const within = (value, count) => Math.min(Math.max(value, 0), count - 1);
  const choose = (y, x) => {
    map.place = map.sent = [within(y, rows), within(x, columns)];
    draw();
    setTriggerValue("picked", map.place);
  };
  // From value to value, row by row: the next one once the last is on the page.
  const slide = parentElement.querySelector(".slide");
  const stop = () => {
    clearTimeout(map.sliding);
    map.sliding = null;
    slide.textContent = "▶ Slide the window";
    slide.setAttribute("aria-pressed", "false");
  };
  const next = () => {
    if (!map.isConnected) return stop();
    const [row, column] = map.place;
    const last = column + 1 >= columns;
    choose(last ? (row + 1) % rows : row, last ? 0 : column + 1);
  };
  if (map.sliding && !map.sent) {
    clearTimeout(map.sliding);
    map.sliding = setTimeout(next, 250);
  }
  slide.hidden = rows * columns === 1;
  slide.onclick = () => {
    if (map.sliding) return stop();
    slide.textContent = "❚❚ Stop";
    slide.setAttribute("aria-pressed", "true");
    map.sliding = setTimeout(next, 0);
  };
  map.onclick = (event) => {
    stop();
    const box = map.getBoundingClientRect();
    const at = (place, start, length, count) => Math.floor(((place - start) / length) * count);
    choose(at(event.clientY, box.top, box.height, rows),
      at(event.clientX, box.left, box.width, columns));
  };
  map.onkeydown = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (!step[event.key]) return;
    event.preventDefault();
    stop();
    choose(map.place[0] + step[event.key][0], map.place[1] + step[event.key][1]);
  };
}
"""
_map = st.components.v2.component("point_on_map", html=_HTML, css=_CSS, js=_JS)


def choose(
    image: str,
    size: tuple[int, int],
    at: tuple[int, int],
    on_pick: Callable[[int, int], None],
    *,
    label: str,
    key: str,
) -> None:
    """Draws a map; `on_pick` gets the row and column that were chosen.

    Args:
        image: the map's data address, a pixel for each value.
        size: its rows and columns.
        at: the row and column to mark.
        label: what it is, for who does not see it.
    """

    def picked() -> None:
        place = st.session_state[key].get("picked")
        if place is not None:
            on_pick(int(place[0]), int(place[1]))

    _map(
        data={
            "image": image,
            "rows": size[0],
            "columns": size[1],
            "row": at[0],
            "column": at[1],
            "label": f"{label}, row {{row}}, column {{column}}. Arrow keys choose another value.",
        },
        key=key,
        on_picked_change=picked,
    )
