"""Ideal images: gradient descent on the picture.

for frame in synthesis.ideal_image(net, class_index):
    frame.picture, frame.step, frame.probability, frame.loss, frame.terms
"""

from engine.synthesis.diversity import Unlike
from engine.synthesis.live import PENALTIES, WEIGHTS, Checkpoint, Live
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
    part_names,
)
from engine.synthesis.parametrization import PARAMETRIZATIONS, Phases, Pixels, Pyramid, Waves
from engine.synthesis.penalties import L1, L2, LInf, TotalVariation
from engine.synthesis.settings import (
    OPTIMIZERS,
    RATES,
    Settings,
    channel_preset,
    preset,
    small_first,
)
from engine.synthesis.transformations import Transformations

__all__ = [
    "L1",
    "L2",
    "OPTIMIZERS",
    "PARAMETRIZATIONS",
    "PENALTIES",
    "RATES",
    "WEIGHTS",
    "Algebra",
    "Channel",
    "Checkpoint",
    "ClassLogit",
    "CrossEntropy",
    "Direction",
    "Frame",
    "LInf",
    "Layer",
    "Live",
    "Neuron",
    "Objective",
    "Phases",
    "Pixels",
    "Pyramid",
    "Settings",
    "TotalVariation",
    "Transformations",
    "Unlike",
    "Waves",
    "channel_preset",
    "ideal_image",
    "part_names",
    "preset",
    "small_first",
]
