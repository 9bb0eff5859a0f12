"""Pretrained networks that take a picture in 0..1 and give logits.

    net = backbones.load("MobileNetV2")
    net.predict(images.fit(picture, net.input_size))

Keras is imported with the first name that needs it, so that a page can be drawn before.
"""

from typing import TYPE_CHECKING

import lazy_loader

from engine.backbones.store import Store

if TYPE_CHECKING:
    from engine.backbones import folding, graph, pocket
    from engine.backbones.joint import resized, together
    from engine.backbones.network import (
        Backbone,
        available,
        build,
        class_names,
        load,
        names,
        top_predictions,
    )
    from engine.backbones.portable import digest, packed, unpacked

__all__ = [
    "Backbone",
    "Store",
    "available",
    "build",
    "class_names",
    "digest",
    "folding",
    "graph",
    "load",
    "names",
    "packed",
    "pocket",
    "resized",
    "together",
    "top_predictions",
    "unpacked",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submodules=["folding", "graph", "pocket"],
    submod_attrs={
        "joint": ["resized", "together"],
        "network": [
            "Backbone",
            "available",
            "build",
            "class_names",
            "load",
            "names",
            "top_predictions",
        ],
        "portable": ["digest", "packed", "unpacked"],
    },
)
