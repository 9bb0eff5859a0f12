"""Pictures on the screen."""

import base64
import io

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest


def page():
    import numpy as np

    from components.widgets import gallery

    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), "uint8")
    gallery.show(noise, "noise", "each pixel as it is", width=300)


def test_a_picture_on_the_screen_is_exact_and_needs_no_file_of_the_server():
    (shown,) = AppTest.from_function(page).run(timeout=60).get("image")[0].proto.imgs
    kind, _, data = shown.url.partition(",")
    assert kind == "data:image/webp;base64"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), "uint8")
    np.testing.assert_array_equal(pixels, noise)
