"""Ideal images: gradient descent on the picture.

for frame in synthesis.ideal_image(net, class_index):
    frame.picture, frame.step, frame.probability, frame.loss, frame.terms
"""

from engine.synthesis.live import PENALTIES, Checkpoint, Live
from engine.synthesis.loop import Frame, ideal_image
from engine.synthesis.objectives import (
    Algebra,
    Channel,
    ClassLogit,
    CrossEntropy,
    Direction,
    Layer,
    Neuron,
    Objective,
)
from engine.synthesis.parametrization import Pixels, Transformations, Waves
from engine.synthesis.penalties import L1, L2, TotalVariation
from engine.synthesis.settings import OPTIMIZERS, Settings, preset

__all__ = [
    "L1",
    "L2",
    "OPTIMIZERS",
    "PENALTIES",
    "Algebra",
    "Channel",
    "Checkpoint",
    "ClassLogit",
    "CrossEntropy",
    "Direction",
    "Frame",
    "Layer",
    "Live",
    "Neuron",
    "Objective",
    "Pixels",
    "Settings",
    "TotalVariation",
    "Transformations",
    "Waves",
    "ideal_image",
    "preset",
]
