"""What the lesson got where a link repeats one of its experiments, beside what came out here."""

from collections.abc import Mapping

import streamlit as st

from components.shell.notices import check_link

_CAT = {"class": "Siamese cat"}
# By the name that a link gives in `experiment`: the page, what must be set there, and the figure.
# The lesson is number 8 of Microsoft's "AI for Beginners"; its figures are those of its notebooks'
# saved outputs.
_EXPERIMENTS: dict[str, tuple[str, dict[str, str], str]] = {
    "features": ("feature maps", {}, "7 × 7 × 512, by VGG-16"),
    "cats-and-dogs": ("transfer learning", {}, "about 95 % on cats and dogs"),
    "end-to-end": (
        "transfer learning",
        {"how": "fine-tuned", "layers": "0"},
        "96.7 % on cats and dogs after one epoch, with VGG-16",
    ),
    "fine-tuning": (
        "transfer learning",
        {"how": "fine-tuned"},
        "96.5 % on cats and dogs, with VGG-16",
    ),
    "noisy-cat": ("ideal images", _CAT | {"preset": "noise"}, "64 % with VGG-16"),
    "ideal-cat": ("ideal images", _CAT | {"preset": "lesson"}, "92 % with VGG-16"),
    "zebra": ("ideal images", {"class": "zebra", "preset": "lesson"}, "89 % with ResNet-50"),
    "adversarial-dog": (
        "attacks",
        _CAT | {"attack": "The lesson's gradient descent"},
        "87 % with VGG-16",
    ),
}
FIGURES = {name: figure for name, (_, _, figure) in _EXPERIMENTS.items()}


def compare(page: str, yours: str, address: Mapping[str, str]) -> None:
    """Says what the lesson got, and what came out here; nothing for another experiment.

    Args:
        page: which one this is, as above.
        yours: the figure here.
        address: parameters of the page's link, as it was set for that.
    """
    check_link("experiment", tuple(FIGURES), "the lesson's experiment")
    of, needs, figure = _EXPERIMENTS.get(st.query_params.get("experiment", ""), ("", {}, ""))
    if of == page and needs.items() <= dict(address).items():
        st.caption(
            f":material/school: Microsoft’s “AI for Beginners” got {figure}; you got {yours}."
        )
