"""What is on disk or comes over the network; Keras is never imported here."""

from engine.storage import (
    archives,
    datasets,
    downloads,
    offline,
    patterns,
    registry,
    samples,
    web,
    weights,
)
from engine.storage.applications import Spec
from engine.storage.datasets import Data, Rejected, few_of

__all__ = [
    "Data",
    "Rejected",
    "Spec",
    "archives",
    "datasets",
    "downloads",
    "few_of",
    "offline",
    "patterns",
    "registry",
    "samples",
    "web",
    "weights",
]
