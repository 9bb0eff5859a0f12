"""A run that is watched: its pictures as a film in the browser, its numbers as bars and curves.

    live_view.draw("ideal", [live_view.Track(view=view, row=row)], panes=..., curves=...)

Each look at a run sends all frames it has made since the last one, in one message; the browser
plays them evenly until the next message comes, and keeps them: going through the film needs no
server. Two components share the work, as Streamlit sends a component's code with each of its
messages: one that stands still draws, and a second, of a few lines, carries the messages.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from components.widgets import charts, run_state
from components.widgets.live_view import message
from components.widgets.live_view.parts import NO_VERDICT, Curve, Pane, Row, Track, Verdict
from engine import images
from engine.core.types import Prediction

__all__ = [
    "Curve",
    "Pane",
    "Row",
    "Sent",
    "Track",
    "Verdict",
    "draw",
    "hurry",
    "roll_back",
    "updates",
]
_HERE = Path(__file__).parent
_view = st.components.v2.component(
    "live_view",
    html=(_HERE / "view.html").read_text(),
    css=(_HERE / "view.css").read_text(),
    js="\n".join((_HERE / f"{name}.js").read_text() for name in ("film", "draw", "view")),
)
_feed = st.components.v2.component("live_feed", js=(_HERE / "feed.js").read_text())
_AT_ONCE = 0.1  # seconds within which of two messages only the second may be drawn


def roll_back(key: str) -> None:
    """Call it before the page runs again: what was just sent may be dropped."""
    if (sent := st.session_state.get(f"{key}_sent")) is not None:
        sent.roll_back()


def hurry(key: str) -> None:
    """Call it when something was changed: what is sent next is played at once, not evenly."""
    if (sent := st.session_state.get(f"{key}_sent")) is not None:
        sent.hurry = True


@dataclass(slots=True)
class Sent:
    """What the browser has been sent: frames by film, and how many bytes a second it can take."""

    frames: dict[str, int] = field(default_factory=dict)
    exact: dict[str, int] = field(default_factory=dict)  # and after how many frames
    before: tuple[dict[str, int], dict[str, int], bool] = field(
        default_factory=lambda: ({}, {}, False)
    )
    budget: float = math.inf
    last_pictures: float = -1.0  # when any were sent
    last_message: float = 0.0
    hurry: bool = False  # the next message is to be played at once

    def resend(self, film: str, have: int) -> None:
        """Goes back to what the browser says it has got."""
        self.frames[film] = have
        self.exact.pop(film, None)
        if not have:
            del self.frames[film]  # its start is sent again, too
        self.last_message = 0.0

    def roll_back(self) -> None:
        """Counts the last message as not sent: the next one carries what was in it, too."""
        frames, exact, hurry = self.before
        self.frames, self.exact, self.hurry = dict(frames), dict(exact), self.hurry or hurry


def draw(
    key: str,
    tracks: Sequence[Track],
    *,
    steps: int,
    panes: Sequence[Pane] = (),
    curves: Sequence[Curve] = (),
    unit: str = "step",
    verdict: Verdict = NO_VERDICT,
    first: Sequence[Prediction] = (),
    bars: bool = False,
    faint: bool = False,
    again: Callable[[int], None] | None = None,
) -> None:
    """Draws runs as they are now. Call it in the fragment that looks at them.

    Args:
        key: of the view.
        tracks: the runs, shown frame by frame beside each other.
        steps: how many steps the longest has.
        panes: its pictures, from left to right.
        curves: its figures.
        unit: what is counted.
        verdict: a sentence; it has its place also while there is none.
        first: the predictions before the first frame.
        bars: whether the predictions of the first track's frame stand beside it.
        faint: offers to stretch the contrast of faint pictures.
        again: called with the shown step when a person asks to start again from there.
    """
    sent = st.session_state.setdefault(f"{key}_sent", Sent())
    name = f"{key}_live"

    def asked() -> None:
        state = st.session_state[name]
        for film, have in (state.get("missing") or {}).items():
            sent.resend(film, int(have))
        if state.get("slow"):
            sent.budget = max(float(state["slow"]), 2000.0)
        if again is not None and state.get("again") is not None:
            again(int(state["again"]))

    header, pictures = updates(sent, tracks)
    header |= {
        "key": key,
        "panes": [
            {name: getattr(pane, name) for name in Pane.__dataclass_fields__} for pane in panes
        ],
        "curves": [
            {
                "title": curve.title,
                "share": curve.share,
                "lines": [{"name": n, "track": t, "value": v} for n, t, v in curve.lines],
            }
            for curve in curves
        ],
        "steps": steps,
        "unit": unit,
        "verdict": {"text": verdict.text, "tone": verdict.tone},
        "first": _predictions(first),
        "single": bars,
        "faint": faint,
        "again": again is not None,
    }
    data = message.pack(header, pictures)
    with st.container(gap=None):
        _view(
            data={"key": key, "colours": charts.COLOURS},
            key=name,
            on_missing_change=asked,
            on_slow_change=asked,
            on_again_change=asked,
        )
        _feed(data=data, key=f"{key}_feed")


def updates(sent: Sent, tracks: Sequence[Track]) -> tuple[dict[str, Any], list[bytes]]:
    """What has changed since the last message: a header, and the pictures it names."""
    pictures: list[bytes] = []

    def add(data: bytes, *range_: float) -> list[float]:
        pictures.append(data)
        return [len(pictures) - 1, *range_]

    now = time.monotonic()
    if now - sent.last_message < _AT_ONCE:  # the browser may not draw the last one any more
        sent.roll_back()
    sent.before, sent.last_message = (dict(sent.frames), dict(sent.exact), sent.hurry), now
    had, exactly, hurry = sent.before
    sent.hurry = False
    room = sent.budget * max(now - sent.last_pictures, 1e-3)  # since the last pictures
    views = [track.view for track in tracks if track.view is not None]
    ended = all(view.ended for view in views)
    films = []
    for track in tracks:
        view = track.view
        film = view.name if view else _start_film(track)
        if view and film not in had:
            sent.budget = math.inf  # of another run it is not known yet
        frames, stills = (view.frames, view.stills) if view else ([], [])
        first = min(had.get(film, 0), len(frames))
        start = track.start() if track.start and film not in had else ()
        sizes = [sum(len(still.data) for still in one) for one in stills[first:]]
        chosen = set(range(len(sizes))) if ended else _evenly_spaced(sizes, room)
        rows = []
        for k, frame in enumerate(frames[first:], first):
            step, values, predictions = track.row(frame)
            left_out = stills[k] and k - first not in chosen
            shown = [] if left_out else [add(*still) for still in stills[k]]
            labels = [] if left_out else _predictions(predictions)
            rows.append([step, [*map(_finite, values)], labels, shown])
        exact = None
        if frames and ended and track.exact and exactly.get(film) != len(frames):
            exact = [add(images.png(picture)) for picture in track.exact()]
            sent.exact[film] = len(frames)
        films.append(
            {
                "film": film,
                "first": first,
                "starts": track.start is not None,
                "start": [add(images.png(picture)) for picture in start],
                "frames": rows,
                "exact": exact,
            }
        )
        sent.frames[film] = len(frames)
    sent.last_pictures = now if pictures else sent.last_pictures
    return {
        "tracks": films,
        "ended": ended,
        "state": run_state.state(views),
        "waiting": run_state.waiting(views),
        "sent": round(1000 * now),
        "hurry": hurry,
    }, pictures


def _start_film(track: Track) -> str:
    """The name of a film that has not begun: what it will begin with."""
    return "start " + " ".join(map(images.digest, track.start() if track.start else ()))


def _evenly_spaced(sizes: Sequence[int], room: float) -> set[int]:
    """Which pictures to send where not all fit: spread evenly, the last among them."""
    share = min(1.0, room / max(sum(sizes), 1))
    count = int(share * len(sizes))
    return {len(sizes) - 1 - int(k * len(sizes) / count) for k in range(count)}


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _predictions(predictions: Sequence[Prediction]) -> list[list[Any]]:
    return [[p.label, round(p.probability, 5)] for p in predictions]
