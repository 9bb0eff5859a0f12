"""Adversarial attacks: gradient descent on a photo, with a change too small to see.

for frame in attacks.run(net, picture, attacks.Targeted(284), attacks.PGD(epsilon=4)):
    frame.picture, frame.succeeded
"""

from engine.attacks import robustness, transferability
from engine.attacks.adaptive import APGD, Square, TargetedAPGD
from engine.attacks.goals import Batch, Frame, Targeted, Untargeted
from engine.attacks.gradient import (
    FGSM,
    PGD,
    Attack,
    Bounded,
    GradientDescent,
    RandomNoise,
    Universal,
)
from engine.attacks.loop import run, run_batch
from engine.attacks.minimal import CarliniWagner, DeepFool
from engine.attacks.momentum import (
    BlockShuffle,
    DiverseInput,
    MomentumIterative,
    ScaleInvariant,
    TranslationInvariant,
)
from engine.attacks.sparse import Patch, Sparse
from engine.attacks.transferability import TransferRow
from engine.attacks.white_box import WhiteBox

__all__ = [
    "APGD",
    "FGSM",
    "PGD",
    "Attack",
    "Batch",
    "BlockShuffle",
    "Bounded",
    "CarliniWagner",
    "DeepFool",
    "DiverseInput",
    "Frame",
    "GradientDescent",
    "MomentumIterative",
    "Patch",
    "RandomNoise",
    "ScaleInvariant",
    "Sparse",
    "Square",
    "Targeted",
    "TargetedAPGD",
    "TransferRow",
    "TranslationInvariant",
    "Universal",
    "Untargeted",
    "WhiteBox",
    "robustness",
    "run",
    "run_batch",
    "transferability",
]
