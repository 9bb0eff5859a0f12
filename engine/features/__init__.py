"""What a network responds to, and how: activations, heat maps, kernels, one value taken apart."""

from engine.features.operation import Value, value
from engine.features.responses import (
    activations,
    class_activation,
    kernels,
    mean_response,
    nearest_layer,
    network_scale,
    peaks,
    saliency,
    strongest_patches,
)

__all__ = [
    "Value",
    "activations",
    "class_activation",
    "kernels",
    "mean_response",
    "nearest_layer",
    "network_scale",
    "peaks",
    "saliency",
    "strongest_patches",
    "value",
]
