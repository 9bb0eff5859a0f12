"""Pretrained image networks: look inside, train on top, optimise the picture; for notebooks, too.

    from engine import attacks, backbones, datasets, features, images
    from engine import robustness, synthesis, transfer

Each room is entered through its `__init__`; `datasets` and `robustness` are rooms' modules that
are used so often that they are named here, too. Nothing is imported before it is asked for.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from engine.attacks import robustness
    from engine.storage import datasets

__all__ = ["datasets", "robustness"]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__, submod_attrs={"storage": ["datasets"], "attacks": ["robustness"]}
)
