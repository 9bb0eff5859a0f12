"""The strengths of waves in photos, which `Phases` gives its pictures.

python -m benchmarks.spectrum PHOTOS
"""

import sys
from pathlib import Path

import numpy as np

from engine import images
from engine.core.errors import BadImage
from engine.synthesis.parametrization import COLOURS

SIDE, MOST = 128, 400  # px; photos
COARSEST, FINEST = 3 / SIDE, 0.4  # periods per pixel: below, the window counts; above, the JPEG


def measure(folder: Path) -> dict[str, float]:
    """Fits mean strengths to `f ** slope * exp(axes * cos(4 * angle))`, for all three colours."""
    window = (np.hanning(SIDE)[:, None] * np.hanning(SIDE))[..., None]
    total, count = np.zeros((SIDE, SIDE, 3)), 0
    for file in sorted(folder.rglob("*.*")):
        try:
            photo = images.fit(images.load(file), (SIDE, SIDE))
        except BadImage:
            continue
        x = np.clip(photo, 0.01, 0.99).astype("float64")
        x = np.log(x / (1 - x)) @ np.linalg.inv(COLOURS)
        total += np.abs(np.fft.fft2((x - x.mean((0, 1))) * window, axes=(0, 1))) ** 2
        count += 1
        if count == MOST:
            break
    y, x = np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)
    frequency, angle = np.hypot(y, x), np.arctan2(y, x)
    band = (frequency > COARSEST) & (frequency < FINEST)
    known = [np.ones(band.sum()), np.log(frequency[band]), np.cos(4 * angle[band])]
    strength = np.log(np.sqrt(total / count))[band].mean(axis=-1)
    fitted, left, *_ = np.linalg.lstsq(np.stack(known, axis=1), strength, rcond=None)
    explained = 1 - left[0] / np.square(strength - strength.mean()).sum()
    return {"photos": count, "slope": fitted[1], "axes": fitted[2], "R2": explained}


if __name__ == "__main__":
    for name, value in measure(Path(sys.argv[1])).items():
        print(f"{name} {value:.3g}")
