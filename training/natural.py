"""Natural statistics of networks whose weights do not tell them: means and deviations, no photos.

    python -m training.natural imagenet-samples

Runs every network of Keras Applications that is on this machine on a folder of ImageNet photos and
writes the numbers into `engine/assets`. The built-in networks need none: their batch normalization
has kept what their recipe uses.
"""

import argparse
from pathlib import Path

import numpy as np

from engine import backbones, images
from engine.storage import registry, weights
from engine.synthesis import natural


def main(folder: Path) -> None:
    """Measures, and writes float16."""
    files = sorted(folder.glob("*.jpg"))
    found = {}
    for name in weights.available():
        if registry.spec(name).builtin:
            continue
        net = backbones.load(name)
        photos = np.stack([images.fit(images.load(file), net.input_size) for file in files])
        known = natural.measure(net, photos, "")
        found |= {f"{name}/{key}": a.astype("float16") for key, a in natural.arrays(known).items()}
        print(f"{name}: {len(known.layers)} layers on {len(photos)} photos")
    np.savez_compressed(natural.MEASURED, source=f"{len(files)} photos of ImageNet", **found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure natural statistics.")
    parser.add_argument("photos", type=Path)
    main(parser.parse_args().photos)
