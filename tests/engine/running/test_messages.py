"""A live view's message: what is packed is what is unpacked; every frame has its picture."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine import images
from engine.runs import Runs, message
from engine.runs.tasks import IdealImage
from engine.synthesis import preset
from tests.engine.conftest import until

plain = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(header=st.dictionaries(st.text(), plain, max_size=5), pictures=st.lists(st.binary()))
def test_what_is_packed_is_unpacked(header, pictures):
    header.pop("version", None)
    found, same = message.unpack(message.pack(header, pictures))
    assert same == pictures
    assert found["version"] == message.VERSION
    assert {name: found[name] for name in header if name != "lengths"} == {
        name: value for name, value in header.items() if name != "lengths"
    }


@pytest.mark.parametrize("wrong", [b"", b"no message at all", b'LIVE\x0d\0\0\0{"version":9}'])
def test_another_message_is_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        message.unpack(wrong)


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
