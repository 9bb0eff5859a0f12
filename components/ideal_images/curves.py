"""What a run of the ideal images was like: probability and loss by step, what in it matters."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from components.ideal_images.ideal import Plan, Run
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
            (gallery.overlay(picture, heat, 0.8), "The places that speak for it (Grad-CAM)"),
            (faded, "Only these places: the rest turned to grey"),
            (gallery.overlay(picture, pixels, 0.8), "The pixels that move it most (SmoothGrad)"),
        ),
        strict=True,
    ):
        with column:
            gallery.show(gallery.enlarged(shown.astype("float32"), 448), words, words)


def curves(run: Run) -> go.Figure:
    """Probability by step, of all pictures: of the class, or of what the network sees."""
    lines = []
    for plan, record in zip(run.plans, run.recordings, strict=True):
        points = list(record.points)  # the worker goes on adding
        lines.append((plan.words, [p.step for p in points], [p.probability for p in points]))
    asked = all(isinstance(plan.target, int) for plan in run.plans)
    return charts.curves(lines, "probability" if asked else "surest class", "step")


def losses(run: Run) -> go.Figure:
    """Loss by step: of one picture with the terms it is made of, of several each as a whole."""
    recorded = [list(record.points) for record in run.recordings]
    steps = [[p.step for p in points] for points in recorded]
    if len(recorded) > 1:
        lines = [
            (plan.words, at, [p.loss for p in points])
            for plan, at, points in zip(run.plans, steps, recorded, strict=True)
        ]
    else:
        points, at = recorded[0], steps[0]
        lines = [
            ("loss", at, [p.loss for p in points]),
            ("target", at, [sum(p.terms[:-3]) for p in points]),
            ("variation", at, [p.terms[-3] for p in points]),
        ]
    return charts.curves(lines, "loss", "step", share=False)
