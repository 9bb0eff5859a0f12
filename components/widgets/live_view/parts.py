"""What a live view is made of: runs, pictures, figures, a verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from engine.core.types import Prediction
from engine.runs import View


class Row(NamedTuple):
    """The numbers of a frame: step, values for the curves, predictions."""

    step: float
    values: Sequence[float | None]
    predictions: Sequence[Prediction] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One run on a live view.

    Attributes:
        view: this session's look at the run; None before it was started.
        row: gives the numbers of a frame.
        start: makes the pictures before the first frame, `(H, W, 3)` in 0..1; None for none.
        exact: makes those of the last frame, when the run has ended; None for none.
    """

    view: View | None
    row: Callable[[Any], Row]
    start: Callable[[], Sequence[np.ndarray]] | None = None
    exact: Callable[[], Sequence[np.ndarray]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """A picture on a live view.

    Attributes:
        caption: what stands under it; with `said`, the prediction follows.
        label: what it is, for those who do not see it; "" for the caption.
        track, still: which of a track's pictures it shows.
        kind: "wipe" lays the track's first start picture over it, and a handle between the two.
        before: what is said of that picture.
    """

    caption: str
    label: str = ""
    track: int = 0
    still: int = 0
    said: bool = True
    kind: Literal["picture", "wipe"] = "picture"
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A figure of lines `(name, track, value)`: shares from 0 to 1, or numbers of any size."""

    title: str
    lines: Sequence[tuple[str, int, int]]
    share: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What has come of it, in a sentence."""

    text: str = ""
    tone: Literal["good", "bad", "neutral"] = "neutral"


NO_VERDICT = Verdict()
