"""A lab sheet: what was done, what came out, captions for the figures, room for one's own words."""

import csv
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from components.shell import guess
from components.widgets import gallery


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is on a sheet: facts by name, results a line each, and files with their captions."""

    title: str
    facts: Mapping[str, str]
    results: Sequence[str]
    files: Mapping[str, tuple[bytes, str]]

    def words(self, expected: str = "") -> str:
        """The text; `expected` is what the person guessed before."""
        facts = "\n".join(f"{name}: {value}" for name, value in self.facts.items())
        results = "\n".join(self.results)
        figures = "\n".join(f"{name}: {caption}" for name, (_, caption) in self.files.items())
        return (
            f"{self.title}, {date.today():%d %B %Y}\n\n{facts}\n\n{results}\n\n{figures}\n\n"
            f"What I expected: {expected}\n\nWhat I saw:\n"
        )


def download(make: Callable[[], Sheet], stem: str, *, width: str | int = "content") -> None:
    """A button for a ZIP with the text and the files; made only when it is asked for.

    Args:
        make: the sheet.
        stem: the file's name, without `.zip`.
        width: of the button.
    """

    expected = guess.made()  # not in `packed`, which runs without the session

    def packed() -> bytes:
        sheet, buffer = make(), io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("lab-sheet.txt", sheet.words(expected))
            for name, (content, _) in sheet.files.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    gallery.download(
        "Lab sheet (ZIP)",
        packed,
        f"{stem}.zip",
        "lab_profile",
        width=width,
        help="Pictures, numbers, and a text to go under them in a report.",
    )


def table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()
