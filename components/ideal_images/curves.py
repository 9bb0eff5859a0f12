"""What a run of the ideal images was like: probability and loss by step, what in it matters."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.ideal_images.experiment import Experiment, Plan
from components.shell import cache
from components.widgets import charts, gallery
from engine import images


def matters(plan: Plan, picture: np.ndarray) -> None:
    """Which parts of the picture speak for its class; the rest fades away."""
    digest = images.digest(picture)
    heat = cache.class_activation(plan.backbone, digest, plan.target, picture)
    pixels = cache.saliency(plan.backbone, digest, plan.target, picture)
    faded = picture * heat[..., None] + 0.5 * (1 - heat[..., None])
    for column, (shown, words) in zip(
        st.columns(3, gap="medium"),
        (
            (gallery.overlay(picture, heat, 0.8), "The places that raise it (Grad-CAM)"),
            (faded, "Only these places: the rest turned to grey"),
            (gallery.overlay(picture, pixels, 0.8), "The pixels that move it most (SmoothGrad)"),
        ),
        strict=True,
    ):
        with column:
            gallery.show(gallery.enlarged(shown.astype("float32"), 448), words, words)


def curves(run: Experiment) -> go.Figure:
    """Probability by step, of all pictures: of the target class, or of the predicted one."""
    lines = []
    for plan, view in zip(run.plans, run.views, strict=True):
        frames = view.frames
        lines.append((plan.words, [f.step for f in frames], [f.probability for f in frames]))
    asked = all(isinstance(plan.target, int) for plan in run.plans)
    return charts.curves(lines, "probability" if asked else "predicted class", "step")


def losses(run: Experiment) -> go.Figure:
    """Loss by step: of one picture with the terms it is made of, of several each as a whole."""
    from engine.synthesis import PENALTIES

    seen = [view.frames for view in run.views]
    steps = [[f.step for f in frames] for frames in seen]
    if len(seen) > 1:
        lines = [
            (plan.words, at, [f.loss for f in frames])
            for plan, at, frames in zip(run.plans, steps, seen, strict=True)
        ]
    else:
        frames, at = seen[0], steps[0]
        targets = [sum(t for name, t in f.terms.items() if name not in PENALTIES) for f in frames]
        lines = [
            ("loss", at, [f.loss for f in frames]),
            ("target", at, targets),
            ("variation", at, [f.terms["variation"] for f in frames]),
        ]
    return charts.curves(lines, "loss", "step", share=False)
