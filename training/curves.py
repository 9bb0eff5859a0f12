"""The training log as a small figure."""

import csv
from pathlib import Path


def draw_curves(log: Path, figure: Path) -> None:
    """Draws training and validation accuracy by epoch as a small SVG file."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    width, height, left, bottom = 560, 300, 46, 34

    def points(column: str) -> str:
        return " ".join(
            f"{left + (k + 0.5) * (width - left) / len(rows):.1f},"
            f"{(height - bottom) * (1 - float(row[column])):.1f}"
            for k, row in enumerate(rows)
        )

    lines = [
        f'<text x="4" y="{(height - bottom) * (1 - y) + 4:.0f}">{y:.0%}</text>'
        f'<path d="M{left} {(height - bottom) * (1 - y):.0f}H{width}" stroke="#ccc"/>'
        for y in (0.0, 0.2, 0.4, 0.6, 0.8)
    ]
    lines += [
        f'<text x="{left + (k + 0.5) * (width - left) / len(rows) - 4:.0f}" y="{height - 16}">'
        f"{row['epoch']}</text>"
        for k, row in enumerate(rows)
    ]
    for column, colour, label in (
        ("accuracy", "#5b55d6", "training crops"),
        ("val_accuracy", "#d9772b", "validation photos"),
    ):
        place = 40 if column == "accuracy" else 20
        lines.append(
            f'<polyline points="{points(column)}" fill="none" stroke="{colour}" '
            f'stroke-width="2.5"/><text x="60" y="{place}" fill="{colour}">{label}</text>'
        )
    figure.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13"><title>Top-1 accuracy by epoch</title>'
        '<rect width="100%" height="100%" fill="#fff"/>' + "".join(lines) + "</svg>\n"
    )
