"""Two pictures under one another, and a handle that wipes between them, exact to the pixel."""

import base64

import numpy as np
import streamlit as st

from engine import images

_HTML = """
<div class="pair">
  <img class="after" alt=""><img class="before" alt="">
  <div class="line"></div>
  <span class="left"></span><span class="right"></span>
  <input type="range" min="0" max="100" step="0.5" value="50" aria-label="Before and after">
</div>
"""
_CSS = """
.pair { position: relative; border-radius: 8px; overflow: hidden; line-height: 0;
  font-family: var(--st-font); touch-action: pan-y; }
img { width: 100%; image-rendering: pixelated; display: block; user-select: none; }
.before { position: absolute; inset: 0; }
.line { position: absolute; top: 0; bottom: 0; width: 2px; background: #fff; margin-left: -1px;
  box-shadow: 0 0 4px rgb(0 0 0 / .6); pointer-events: none; }
.line::after { content: "◂ ▸"; position: absolute; top: 50%; left: 50%; font-size: 13px;
  line-height: 30px; width: 34px; text-align: center; transform: translate(-50%, -50%);
  background: #fff; color: #222; border-radius: 15px; box-shadow: 0 1px 4px rgb(0 0 0 / .4); }
span { position: absolute; bottom: 8px; padding: 3px 7px; border-radius: 5px; font-size: 12px;
  line-height: 1.3; color: #fff; background: rgb(0 0 0 / .65); pointer-events: none;
  max-width: 45%; }
.left { left: 8px; } .right { right: 8px; text-align: right; }
input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: ew-resize; }
.pair:focus-within { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""
_JS = """
export default function ({ data, parentElement }) {
  const find = (name) => parentElement.querySelector(name);
  const wipe = find("input"), before = find(".before"), line = find(".line");
  find(".after").src = data.after;
  find(".after").alt = data.right;
  before.src = data.before;
  before.alt = data.left;
  find(".left").textContent = data.left;
  find(".right").textContent = data.right;
  const draw = () => {
    before.style.clipPath = `inset(0 ${100 - wipe.value}% 0 0)`;
    line.style.left = wipe.value + "%";
  };
  wipe.oninput = draw;
  draw();
}
"""
_pair = st.components.v2.component("before_after", html=_HTML, css=_CSS, js=_JS)


def before_after(before: np.ndarray, after: np.ndarray, left: str, right: str, *, key: str) -> None:
    """Shows two pictures `(H, W, 3)` in 0..1 of one size, `left` and `right` said of them."""

    def address(picture: np.ndarray) -> str:
        return "data:image/png;base64," + base64.b64encode(images.png(picture)).decode()

    _pair(
        data={"before": address(before), "after": address(after), "left": left, "right": right},
        key=key,
    )
