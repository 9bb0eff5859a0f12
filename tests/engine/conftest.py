"""The built-in backbone, small photos of three classes, and its features of them."""

import time

import numpy as np
import pytest

from engine import backbones, images
from engine.runs.tasks import IdealImage
from engine.storage import datasets
from engine.transfer import extraction
from tests.conftest import SAMPLES

CROPPED = ("chelsea", "coffee", "rocket")


@pytest.fixture(scope="session")
def net():
    """The built-in backbone."""
    return backbones.load("Pocket")


@pytest.fixture(scope="session")
def crops(tmp_path_factory):
    """Three classes of twelve crops each of three photos."""
    root = tmp_path_factory.mktemp("crops")
    generator = np.random.default_rng(0)
    for name in CROPPED:
        file = next(SAMPLES.glob(f"{name}.*"))
        picture = images.load(file)
        side = min(picture.shape[:2]) * 2 // 3
        (root / name).mkdir()
        for k in range(12):
            top, left = (generator.integers(0, n - side) for n in picture.shape[:2])
            crop = picture[top : top + side, left : left + side]
            (root / name / f"{k:02d}.png").write_bytes(images.png(images.fit(crop, (96, 96))))
    return root


@pytest.fixture(scope="session")
def features(net, crops, tmp_path_factory):
    """What the backbone makes of them."""
    *_, step = extraction.extract(net, datasets.folder(crops), tmp_path_factory.mktemp("kept"))
    return step.features


@pytest.fixture(scope="module")
def task(settings):
    """An ideal image with the settings of those who ask for it."""
    return IdealImage(backbone="Pocket", target=3, settings=settings)


def until(condition, seconds: float = 20.0) -> None:
    """Waits for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)
