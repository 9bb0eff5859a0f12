"""What a server does before its first visitor: import TensorFlow, load a backbone, compile.

Libraries whose modules import each other in circles are imported here, by one thread: two threads
that enter such a circle at different modules find some of them half there. So nothing that a page
imports at its top may bring them along.
"""

import gc
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module

import numpy as np

from engine import config, images
from engine.backbones import Store
from engine.core.types import Progress
from engine.runs import Schedule, Share
from engine.storage import samples, weights

HEAVY = (
    *("engine.attacks", "engine.features", "engine.synthesis", "engine.transfer"),
    *("skimage.exposure", "skimage.measure", "skimage.metrics", "skimage.util"),
)
FIRST = ("MobileNetV2", "Pocket Robust", "Pocket")  # what most people begin with
TRIM = 5.0  # seconds between two trims of free memory, of 3 to 30 ms each


def opening(store: Store, name: str | None) -> Iterator[Progress]:
    """Imports TensorFlow, and loads and runs a backbone."""
    started = time.monotonic()
    config.share_arenas()  # a class of thirty takes 0.1 to 0.2 GB less
    yield Progress(fraction=0.1, message="Importing TensorFlow …")
    from engine import backend

    backend.keep_session()  # Streamlit would clear it after every run of every script
    for module in HEAVY:
        import_module(module)
    gc.freeze()  # imported objects stay for good: the garbage collector need not scan them
    sys.setswitchinterval(0.0005)  # many sessions draw at once, and give way at every element
    if name is not None:
        yield Progress(fraction=0.6, message=f"Loading {name} …")
        net = store.get(name)
        yield Progress(fraction=0.85, message=f"Warming up {name} …")
        net.predict(np.zeros((*net.input_size, 3), "float32"))
        backend.compute_in_the_background()
    device = backend.device()
    seconds = time.monotonic() - started
    ready = f"{name} is loaded" if name else "no backbone is on this machine yet"
    where = f"{device.kind}: {device.name}"
    if device.memory:
        where += f", {device.memory / 1e9:.0f} GB"
    yield Progress(fraction=1.0, message=f"{where}. Ready after {seconds:.1f} s; {ready}.")


def first_steps(store: Store, schedule: Schedule) -> Iterator[None]:
    """Runs one step of each kind with the usual backbones, so that later runs need not compile.

    Each step waits for its turn, like that of any run. From now on, free memory is trimmed.
    """
    from engine import attacks, backend, features, synthesis, transfer

    def trim() -> None:
        while True:
            time.sleep(TRIM)
            backend.trim_memory()

    threading.Thread(target=trim, name="trim", daemon=True).start()
    photo = images.load(samples.path("Cat"))
    for name in FIRST:
        if name not in weights.available():
            continue
        with schedule.turn(Share()):
            net = store.get(name)
            picture = images.fit(photo, net.input_size)
        settings = replace(synthesis.preset("clear", net), steps=1)
        for make in (
            lambda net=net, settings=settings: synthesis.ideal_image(net, 0, settings),
            lambda net=net, picture=picture: attacks.run(
                net, picture, attacks.Targeted(0), attacks.PGD(steps=1)
            ),
            lambda net=net, picture=picture: [features.saliency(net, picture, 0)],
            lambda net=net, picture=picture: [features.class_activation(net, picture, 0)],
            lambda net=net, picture=picture: [
                transfer.vectors(net, np.stack([picture] * transfer.BATCH))
            ],
        ):
            with schedule.turn(Share()):
                for _ in make():
                    pass
            yield
    gc.freeze()  # what was compiled, too: scanning it stopped every page for 0.3 s
