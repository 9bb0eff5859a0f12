"""How runs stand, in words."""

from collections.abc import Sequence

from engine.runs import View


def state(views: Sequence[View]) -> str:
    """Of several runs the state that says most: one that is running, or how they ended."""
    order = ("running", "queued", "paused", "failed", "stopped", "page closed", "done")
    found = next((one for one in order if one in [view.state for view in views]), "")
    return {"page closed": "stopped: page closed"}.get(found, found)


def waiting(views: Sequence[View]) -> str:
    """That a run waits for its turn, in words; "" where none does."""
    position = max((view.run.position for view in views), default=0)
    if not position or any(view.state == "running" for view in views):
        return ""
    return f"Queued ({ordinal(position)}); starts automatically."


def ordinal(number: int) -> str:
    """A number as a place: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
