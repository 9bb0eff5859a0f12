"""Accuracy by epoch as a small figure."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

COLOURS = ("#6b64e4", "#d9772b", "#1b8a7a")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 46, 12, 8, 44


def draw_curves(
    curves: Mapping[str, Sequence[tuple[float, float]]], title: str, figure: Path
) -> None:
    """Draws up to three curves as an SVG file.

    Args:
        curves: points `(epoch, accuracy in 0..1)` by the name of the curve.
        title: for those who do not see the figure.
        figure: the file.
    """
    epochs = max(epoch for points in curves.values() for epoch, _ in points)

    def x(epoch: float) -> float:
        return LEFT + epoch * (WIDTH - LEFT - RIGHT) / epochs

    def y(accuracy: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - accuracy)

    parts = [
        f'<text x="4" y="{y(share) + 4:.0f}">{share:.0%}</text>'
        f'<path d="M{LEFT} {y(share):.0f}H{WIDTH}" stroke="#ddd"/>'
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    parts += [
        f'<text x="{x(epoch):.0f}" y="{HEIGHT - 26}" text-anchor="middle">{epoch}</text>'
        for epoch in range(0, int(epochs) + 1, max(1, round(epochs / 8)))
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">epoch</text>')
    styles = zip(COLOURS, (0.35, 0.26, 0.17), strict=True)
    for (name, points), (colour, place) in zip(curves.items(), styles, strict=False):
        line = " ".join(f"{x(epoch):.1f},{y(accuracy):.1f}" for epoch, accuracy in points)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
            f'<text x="{WIDTH - RIGHT}" y="{y(place):.0f}" text-anchor="end" fill="{colour}">'
            f"{name}</text>"
        )
    figure.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="13"><title>{title}</title>'
        '<rect width="100%" height="100%" fill="#fff"/>' + "".join(parts) + "</svg>\n"
    )


def draw_log(log: Path, columns: Mapping[str, str], title: str, figure: Path) -> None:
    """Draws columns of a training's log by epoch; `columns` maps names of curves to them."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    curves = {
        name: [(float(row["epoch"]), float(row[column])) for row in rows]
        for name, column in columns.items()
    }
    draw_curves(curves, title, figure)
