"""Pictures unlike photos, drawn by this program: how far does what a network knows carry?"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, EACH = 160, 40  # px of a picture, pictures of a class
VERSION = 1  # of the pictures; another one is drawn anew

Grid = tuple[np.ndarray, np.ndarray]


def _spiral(at: Grid, waves: float, phase: float) -> np.ndarray:
    x, y = at
    return np.sin(2 * np.pi * waves * np.hypot(x, y) + np.arctan2(y, x) + phase)


def _star(at: Grid, waves: float, phase: float) -> np.ndarray:
    x, y = at
    return np.sin(2 * round(waves) * np.arctan2(y, x) + phase)


# Each is a function of the plane, in -1..1, of how many waves there are in a unit, and of a phase.
KINDS: dict[str, Callable[[Grid, float, float], np.ndarray]] = {
    "stripes": lambda at, waves, phase: np.sin(2 * np.pi * waves * at[0] + phase),
    "checks": lambda at, waves, phase: (
        np.sign(np.sin(np.pi * waves * at[0] + phase)) * np.sign(np.sin(np.pi * waves * at[1]))
    ),
    "rings": lambda at, waves, phase: np.sin(2 * np.pi * waves * np.hypot(*at) + phase),
    "spirals": _spiral,
    "stars": _star,
    "dots": lambda at, waves, phase: (
        np.sin(np.pi * waves * at[0] + phase) * np.sin(np.pi * waves * at[1]) - 0.4
    ),
    "zigzags": lambda at, waves, phase: np.sin(
        2 * np.pi * waves * (at[1] + 0.4 * np.abs((2 * at[0] + phase) % 1 - 0.5))
    ),
    "ripples": lambda at, waves, phase: np.sin(
        2 * np.pi * waves * at[0] + 2 * np.sin(2 * np.pi * at[1] + phase)
    ),
}


def picture(kind: str, generator: np.random.Generator) -> np.ndarray:
    """One picture of a kind, `(SIDE, SIDE, 3)` uint8: turned, moved, in two colours, with noise."""
    axis = np.linspace(-1, 1, SIDE)
    x, y = np.meshgrid(axis, axis)
    angle, (dx, dy) = generator.uniform(0, 2 * np.pi), generator.uniform(-0.5, 0.5, 2)
    turned = (x - dx) * np.cos(angle) + (y - dy) * np.sin(angle)
    across = (y - dy) * np.cos(angle) - (x - dx) * np.sin(angle)
    values = KINDS[kind]((turned, across), generator.uniform(2, 5), generator.uniform(0, 2 * np.pi))
    share = (1 / (1 + np.exp(-generator.uniform(4, 12) * values)))[..., None]
    first, second = generator.uniform(0, 255, (2, 3))
    while np.abs(first - second).max() < 80:
        second = generator.uniform(0, 255, 3)
    drawn = share * first + (1 - share) * second + generator.normal(0, 12, (SIDE, SIDE, 3))
    return np.clip(np.rint(drawn), 0, 255).astype("uint8")


def draw(folder: Path) -> Path:
    """Draws all classes, whole or not at all, unless they are there; returns their folder.

    Raises:
        OSError: the folder cannot be written.
    """
    root = folder / f"patterns-{VERSION}"
    if root.is_dir():
        return root
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as part:
        for number, kind in enumerate(KINDS):
            into = Path(part) / "whole" / kind
            into.mkdir(parents=True)
            generator = np.random.default_rng([VERSION, number])
            for k in range(EACH):
                Image.fromarray(picture(kind, generator)).save(into / f"{k:02d}.png")
        try:
            (Path(part) / "whole").replace(root)
        except OSError:
            if not root.is_dir():  # another session was quicker
                raise
    return root
