"""The wall of a class: who is in it, what they have shown, and its file for later.

SQLAlchemy is imported with the first name that needs it, so that a page can be drawn before.
"""

from typing import TYPE_CHECKING

import lazy_loader

from engine.classroom.words import nickname, tidy_code

if TYPE_CHECKING:
    from engine.classroom.entries import KINDS, ClassInfo, Draft, Entry, Opened, Pupil
    from engine.classroom.export import page, table
    from engine.classroom.wall import Wall

__all__ = [
    "KINDS",
    "ClassInfo",
    "Draft",
    "Entry",
    "Opened",
    "Pupil",
    "Wall",
    "nickname",
    "page",
    "table",
    "tidy_code",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "entries": ["KINDS", "ClassInfo", "Draft", "Entry", "Opened", "Pupil"],
        "export": ["page", "table"],
        "wall": ["Wall"],
    },
)
