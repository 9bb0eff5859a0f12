"""Live views without a browser: what their messages have brought, and what would be on the screen.

The same rules as `components/widgets/live_view/film.js`, so that both can be held against another.
"""

from dataclasses import dataclass, field
from typing import Any

from components.widgets.live_view import message


@dataclass
class Film:
    """The frames of one run: `(at, values, predictions, pictures)`, its start, its last ones."""

    frames: list[tuple[float, list, list, list[bytes]]] = field(default_factory=list)
    start: list[bytes] = field(default_factory=list)
    exact: list[bytes] = field(default_factory=list)


class Films:
    """All films of a session, and the last header of each view."""

    def __init__(self) -> None:
        self.films: dict[str, Film] = {}
        self.headers: dict[str, dict[str, Any]] = {}
        self.frames = 0  # received in all

    def receive(self, data: bytes) -> dict[str, int]:
        """Files a message; of each film that lacks frames before it, how many there are."""
        header, pictures = message.unpack(data)
        self.headers[header["key"]] = header
        missing = {}
        for track in header["tracks"]:
            film = self.films.setdefault(track["film"], Film())
            if track["start"]:
                film.start = [pictures[one[0]] for one in track["start"]]
            start_missing = track["starts"] and not film.start
            if start_missing or track["first"] > len(film.frames):
                missing[track["film"]] = 0 if start_missing else len(film.frames)
                continue
            for k, (at, values, predictions, stills) in enumerate(track["frames"]):
                if track["first"] + k == len(film.frames):
                    shown = [pictures[one[0]] for one in stills]
                    film.frames.append((at, values, predictions, shown))
                    self.frames += 1
            if track["exact"]:
                film.exact = [pictures[one[0]] for one in track["exact"]]
        return missing

    def of(self, key: str) -> list[Film]:
        """The films that a view shows."""
        header = self.headers.get(key)
        return [self.films[track["film"]] for track in header["tracks"]] if header else []

    def status(self, key: str) -> str:
        """The line below the picture."""
        header, films = self.headers[key], self.of(key)
        frames = films[0].frames if films else []
        where = f"{header['unit']} {frames[-1][0]} of {header['steps']}, " if frames else ""
        return header["waiting"] or where + header["state"]

    def words(self) -> list[str]:
        """Everything that live views say."""
        said = [
            [self.status(key) if h["panes"] else "", h["verdict"]["text"]]
            for key, h in self.headers.items()
        ]
        return [line for lines in said for line in lines if line]

    def pictures(self) -> dict[str, bytes]:
        """What each pane shows, by its label, with the step where the run has begun."""
        found = {}
        for key, header in self.headers.items():
            for pane in header["panes"]:
                film = self.of(key)[pane["track"]]
                shown = film.frames[-1][3] if film.frames else film.start
                shown = film.exact if header["ended"] and film.exact else shown
                step = f", {header['unit']} {film.frames[-1][0]}" if film.frames else ""
                if len(shown) > pane["still"]:
                    found[f"{pane['label'] or pane['caption']}{step}"] = shown[pane["still"]]
        return found
