"""The compressed pictures of frames: close to the exact ones, and one for every frame."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine import images
from engine.runs import Runs
from engine.runs.tasks import IdealImage
from engine.synthesis import preset
from tests.engine.conftest import until


@pytest.mark.parametrize("contrast", [1.0, 0.3, 0.02])
def test_a_faint_picture_survives_compression(contrast):
    """Compression costs at most a few hundredths of the picture's own contrast."""
    down, across = np.mgrid[:80, :80] / 80
    shape = np.stack([np.sin(9 * down), np.cos(7 * across), down * across], axis=-1)
    picture = (0.5 + contrast / 2 * shape).astype("float32").clip(0, 1)
    still = images.still(picture)
    pixels = np.asarray(Image.open(io.BytesIO(still.data)).convert("RGB")) / 255
    back = still.low + (still.high - still.low) * pixels
    assert np.sqrt(np.square(back - picture).mean()) < 0.04 * contrast


def test_every_frame_of_a_run_has_its_picture_also_after_a_fork(net, runner):
    runs = Runs(runner)
    settings = replace(preset("clear", net), steps=12)
    task = IdealImage(backbone=net.name, target=3, settings=settings)
    one, other = runs.view(task), runs.view(task)
    until(lambda: one.look() > 4)
    one.steer(replace(settings.live, variation=1.0))
    for view in (one, other):
        until(lambda view=view: view.look() == 13)
        assert len(view.stills) == len(view.frames) == 13
        sizes = {Image.open(io.BytesIO(still.data)).size for (still,) in view.stills}
        assert sizes == {settings.size(net)}
    assert one.run is not other.run
