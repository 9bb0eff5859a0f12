"""Pictures of one class that differ from each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from engine.backbones import Backbone
from engine.core import backend, images
from engine.synthesis.objectives import Part, answers

ops: Any = keras.ops  # its type stubs allow None for every result
WIDEST = 256  # channels of a layer that pictures are compared in


@dataclass(frozen=True)
class Unlike(Part):
    """Minus the similarity to other pictures, so that a picture of the same class differs.

    That of two pictures is the cosine of their Gram matrices: which channels of a layer answer
    together, wherever that is (the diversity term of Olah, Mordvintsev and Schubert, 2017).

    Attributes:
        layer: the layer they are compared in.
        others: the mean of the other pictures' Gram matrices, `(c, c)` float32 in bytes, each of
            length 1; see `Unlike.of`.
    """

    layer: str
    others: bytes = field(repr=False)

    @classmethod
    def of(cls, net: Backbone, pictures: Sequence[np.ndarray]) -> "Unlike":
        """Unlike pictures in 0..1 of any size, in the deepest layer that is not too wide."""
        narrow = (one.name for one in net.layers if len(one.shape) == 3 and one.shape[-1] <= WIDEST)
        *_, layer = narrow
        ask = answers(net, (cls(layer, b""),))
        seen = (images.fit(picture, net.input_size)[None] for picture in pictures)
        grams = [backend.numpy(_gram(ask(backend.tensor(one))[layer])) for one in seen]
        return cls(layer, np.mean(grams, axis=0).astype("float32").tobytes())

    @property
    def reads(self) -> str:
        return self.layer

    @property
    def index(self) -> np.ndarray:
        width = round((len(self.others) // 4) ** 0.5)
        return np.frombuffer(self.others, "float32").reshape(width, width)

    @property
    def structure(self) -> Part:
        return replace(self, others=b"")

    def value(self, picture: Any, answer: Any, index: Any) -> Any:
        return -ops.sum(_gram(answer) * index)

    def words(self, net: Backbone) -> str:
        return "difference from the other pictures"


def _gram(maps: Any) -> Any:
    """The Gram matrix `(c, c)` of maps `(N, h, w, c)`, of length 1."""
    answers = ops.reshape(maps, (-1, maps.shape[-1]))
    product = ops.matmul(ops.transpose(answers), answers)
    return product / (ops.norm(product) + 1e-8)
