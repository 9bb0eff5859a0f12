"""A box that takes a picture from the clipboard."""

import base64
import binascii

import streamlit as st

_HTML = (
    '<div class="box" tabindex="0" role="status">Click here, then paste a picture (Ctrl+V)</div>'
)
_CSS = """
.box { font-family: var(--st-font); color: var(--st-text-color); padding: 22px 12px; cursor: text;
  text-align: center; border: 1.5px dashed var(--st-border-color);
  border-radius: var(--st-base-radius); background: var(--st-secondary-background-color); }
.box:focus { outline: 2px solid var(--st-primary-color); }
"""
# The browser scales the picture to 1024 px before it sends it: on bad Wi-Fi that is what counts.
_JS = """
export default function ({ parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".box");
  box.onpaste = async (event) => {
    event.preventDefault();
    const items = [...(event.clipboardData?.items ?? [])];
    const file = items.find((item) => item.type.startsWith("image/"))?.getAsFile();
    if (!file) {
      box.textContent = "There is no picture in the clipboard. Copy one, then paste.";
      return;
    }
    try {
      const bitmap = await createImageBitmap(file);
      const scale = Math.min(1, 1024 / Math.max(bitmap.width, bitmap.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(bitmap.width * scale));
      canvas.height = Math.max(1, Math.round(bitmap.height * scale));
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      setTriggerValue("pasted", canvas.toDataURL("image/png").split(",")[1]);
      box.textContent = "Pasted. Paste again for another picture.";
    } catch {
      box.textContent = "The browser cannot read this picture. Try another.";
    }
  };
}
"""
_box = st.components.v2.component("paste_box", html=_HTML, css=_CSS, js=_JS)


def paste_box(*, key: str) -> bytes | None:
    """Returns the pasted picture's file content in the run after the paste, else None."""
    pasted = _box(key=key, on_pasted_change=lambda: None).pasted
    if not isinstance(pasted, str):
        return None
    try:
        return base64.b64decode(pasted, validate=True)
    except binascii.Error:
        return None
