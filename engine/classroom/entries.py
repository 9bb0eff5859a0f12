"""What goes between a wall and its pages, as plain values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from engine.classroom.files import MOST_BYTES
from engine.classroom.tables import EntryRow
from engine.core.errors import ClassRefused

INSIDE = re.compile(r"(?!wall)[a-z_]{1,40}(\?[^\s<>\"'`\\]{0,900})?")  # a screen, as it is set
AWAY, STUCK = 90.0, 600.0  # seconds, see `Pupil`
KINDS = ("ideal image", "attack", "classifier", "mistake", "game", "quiz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A class that was just opened: the code for pupils, the secret for the teacher's link."""

    code: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassInfo:
    """A class. `task` is the address of a screen within the app, `ends` seconds since 1970."""

    code: str
    frozen: bool
    task: str
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a pupil puts on the wall.

    Attributes:
        kind: one of `KINDS`.
        title: what it is.
        link: address within the app that repeats it; "" where nothing can.
        figures: names of figures with their values in words.
        score: by which the best of a kind are found; larger is better.
        caption: the pupil's own words.
        still, film: a picture and an animation, as files.
    """

    kind: str
    title: str
    link: str
    figures: Mapping[str, str]
    score: float
    caption: str = ""
    still: bytes = field(default=b"", repr=False)
    film: bytes = field(default=b"", repr=False)

    def check(self) -> None:
        """Raises `ClassRefused` if it is of no kind, leads elsewhere or is too large."""
        if self.kind not in KINDS:
            raise ClassRefused(f"Expected a kind of {', '.join(KINDS)}; received: {self.kind!r}.")
        if self.link and not INSIDE.fullmatch(self.link):
            raise ClassRefused(
                "Expected the address of a screen of this app, of at most 900 characters."
            )
        if max(len(self.still), len(self.film)) > MOST_BYTES:
            raise ClassRefused(
                f"The picture is too large for the wall: {MOST_BYTES // 10**6} MB fit."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something on a wall; `still` and `film` are names of files."""

    number: int
    kind: str
    by: str
    title: str
    caption: str
    made: float
    hidden: bool
    link: str
    figures: Mapping[str, str]
    score: float
    still: str
    film: str
    applause: int

    @classmethod
    def of(cls, row: EntryRow, by: str, applause: int) -> Self:
        """An entry from its row, who showed it, and how many have applauded."""
        values: dict[str, Any] = {name: getattr(row, name) for name in _COPIED}
        return cls(number=row.id, by=by, applause=applause, **values)


_COPIED = (
    "kind",
    "title",
    "caption",
    "made",
    "hidden",
    "link",
    "figures",
    "score",
    "still",
    "film",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pupil:
    """Where a pupil is.

    `away` for so many seconds, `shown` so many results, `without` a new one for so many seconds.
    """

    name: str
    page: str
    away: float
    shown: int
    without: float

    @property
    def here(self) -> bool:
        """Whether a page of this pupil has looked lately."""
        return self.away < AWAY

    @property
    def stuck(self) -> bool:
        """Whether this pupil is here, and may need help."""
        return self.here and self.without > STUCK
