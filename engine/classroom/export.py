"""A wall as files to keep: one page that needs no network, and a table."""

import base64
import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape

from engine.classroom.entries import Entry

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  background: #fff; color: #1d1b26; }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
article { border: 1px solid #ccc; border-radius: 8px; padding: .8rem; overflow-wrap: anywhere; }
article img { width: 100%; border-radius: 4px; display: block; }
h2 { font-size: 1rem; margin: .5rem 0 0; } p, dl { margin: .2rem 0; font-size: .9rem; }
dt { float: left; clear: left; margin-right: .5em; color: #555; } dd { margin: 0; }
@media (prefers-color-scheme: dark) {
  body { background: #14131c; color: #eee; } article { border-color: #444; } dt { color: #aaa; }
}
"""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def page(
    code: str,
    entries: Sequence[Entry],
    guesses: Mapping[str, Counter[str]],
    file: Callable[[str], bytes],
) -> bytes:
    """One HTML page with everything in it.

    Args:
        code: of the class.
        entries: what is on the wall.
        guesses: how often each answer was guessed, by question.
        file: gives the content of a picture by its name.
    """
    cards = "\n".join(_card(entry, file(entry.film or entry.still)) for entry in entries)
    asked = "\n".join(
        f"<h2>{escape(question)}</h2><p>"
        + ", ".join(f"{escape(answer)}: {n}" for answer, n in answers.most_common())
        + "</p>"
        for question, answers in guesses.items()
    )
    guessed = f"<section><h1>Guesses</h1>{asked}</section>" if asked else ""
    title = f"Wall of the class {escape(code)}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{title}</h1><main>{cards}</main>{guessed}</body></html>"
    ).encode()


def _card(entry: Entry, picture: bytes) -> str:
    shown = ""
    if picture:
        kind = "webp" if picture[8:12] == b"WEBP" else "png"
        data = base64.b64encode(picture).decode()
        shown = f'<img alt="{escape(entry.title)}" src="data:image/{kind};base64,{data}">'
    figures = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in entry.figures.items()
    )
    return (
        f"<article>{shown}<h2>{escape(entry.title)}</h2><p>{escape(entry.caption)}</p>"
        f"<p>{escape(entry.by)}, {entry.applause} applause</p><dl>{figures}</dl></article>"
    )


def table(entries: Sequence[Entry]) -> bytes:
    """Comma-separated values, a line for each entry, as spreadsheets read them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["kind", "by", "title", "caption", "made (UTC)", "applause", "figures", "link"])
    for entry in entries:
        figures = "; ".join(f"{name}: {value}" for name, value in entry.figures.items())
        made = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(entry.made))
        cells = (entry.kind, entry.by, entry.title, entry.caption, made)
        writer.writerow([*map(_plain, cells), entry.applause, _plain(figures), _plain(entry.link)])
    return buffer.getvalue().encode("utf-8-sig")


def _plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
