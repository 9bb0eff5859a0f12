"""What every page stands on: its frame, links, errors, lesson cards, caches and downloads."""

from components.shell import (
    cache,
    choice,
    class_link,
    classroom,
    downloads,
    guess,
    last_result,
    linked,
    sessions,
)
from components.shell.frame import PAGES, Lesson, errors, page, stale, told, wait_for_engine
from components.shell.notices import check_link, link_notices
from components.shell.sessions import fragment

__all__ = [
    "PAGES",
    "Lesson",
    "cache",
    "check_link",
    "choice",
    "class_link",
    "classroom",
    "downloads",
    "errors",
    "fragment",
    "guess",
    "last_result",
    "link_notices",
    "linked",
    "page",
    "sessions",
    "stale",
    "told",
    "wait_for_engine",
]
