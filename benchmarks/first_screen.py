"""The feature maps screen: what a change of layer or channel costs on the server."""

import resource
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from components.widgets import gallery
from engine import backbones, features, images
from engine.storage import samples

TITLE = "Feature maps (MobileNetV2, 224 px)"
ROOT = Path(__file__).parent.parent


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    net = backbones.load("MobileNetV2")
    photo = images.load(samples.path("Cat"))
    picture = images.fit(photo, net.input_size)
    net.predict(picture)
    layers = [info.name for info in net.layers if info.has_maps]
    engine = [seconds(lambda name=name: draw(net, picture, name)) for name in layers]
    yield "one layer's maps and sheet, all layers in turn", spread(engine)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in layers:
        draw(net, picture, name)
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    yield f"memory gained by visiting all {len(layers)} layers again", f"{growth:.0f} MB"

    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.switch_page("pages/feature_maps.py").run()
    chosen = layers[5::12]
    page = [seconds(lambda n=n: app.selectbox(key="layer").set_value(n).run()) for n in chosen]
    yield "the whole page after a change of layer", spread(page)
    pick = partial(app.number_input, key="channel")
    page = [seconds(lambda c=c: pick().set_value(c).run()) for c in range(1, 11)]
    yield "the whole page after a change of channel", spread(page)


def draw(net: backbones.Backbone, picture: np.ndarray, layer: str) -> bytes:
    """What the screen computes for a layer: activations, ranking, contact sheet."""
    maps = features.activations(net, picture, layer)
    values = maps.values[..., maps.ranking[:96]]
    sheet = gallery.sheet(values, float(np.abs(values).max()), gallery.scale_of(values))
    return gallery.png_of(sheet)


def seconds(function) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def spread(times: list[float]) -> str:
    """Median and largest, in milliseconds."""
    return f"median {1000 * statistics.median(times):.0f} ms, largest {1000 * max(times):.0f} ms"
