"""What the lesson got where a link repeats one of its experiments, beside what came out here."""

import streamlit as st

from components.shell.frame import check_link

# By the name that a link gives in `experiment`. The lesson is number 8 of Microsoft's "AI for
# Beginners"; its figures are those of its notebooks' saved outputs.
FIGURES = {
    "features": "7 × 7 × 512, by VGG-16",
    "cats-and-dogs": "about 95 % on cats and dogs",
    "end-to-end": "96.7 % on cats and dogs after one epoch, with VGG-16",
    "fine-tuning": "96.5 % on cats and dogs, with VGG-16",
    "noisy-cat": "64 % with VGG-16",
    "ideal-cat": "92 % with VGG-16",
    "zebra": "89 % with ResNet-50",
    "adversarial-dog": "87 % with VGG-16",
}


def compare(yours: str) -> None:
    """Says what the lesson got, and what came out here; nothing without such a link."""
    check_link("experiment", tuple(FIGURES), "the lesson's experiment")
    if (figure := FIGURES.get(st.query_params.get("experiment", ""))) is not None:
        st.caption(
            f":material/school: In the experiment of this link, the lesson got {figure}. You got "
            f"{yours}."
        )
