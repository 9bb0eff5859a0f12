"""Pretrained image networks: look inside, train on top, optimise the picture; for notebooks, too.

    from engine import attacks, backbones, datasets, features, images
    from engine import robustness, synthesis, transfer

The rooms and their most used modules; each is imported on first use.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from engine.attacks import robustness
    from engine.core import backend, config, images
    from engine.storage import datasets

__all__ = ["backend", "config", "datasets", "images", "robustness"]

_NAMED = {
    "attacks": ["robustness"],
    "core": ["backend", "config", "images"],
    "storage": ["datasets"],
}
__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_NAMED)
