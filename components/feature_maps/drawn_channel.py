"""A picture that activates a channel, drawn live; and the way to draw it with all controls."""

from dataclasses import replace

import streamlit as st

from components.shell import cache, class_link
from components.widgets import live_view, run_panel

STEPS = 40
# As parameters of a link: the penalties of the clear preset that `channel_preset` leaves out.
WITHOUT = dict.fromkeys(("variation", "naturalness", "l2"), "0.0")


def show(name: str, layer: str, channel: int) -> None:
    """The button, the picture, and a link to the ideal images, which draw it the same way."""
    _draw(name, layer, channel)
    st.page_link(
        "pages/ideal_images.py",
        label="Watch it being drawn, with all controls",
        icon=":material/auto_awesome:",
        query_params=class_link.onward(
            use=name, of_layer=layer, of_channel=str(channel), preset="clear", **WITHOUT
        ),
    )


def _draw(name: str, layer: str, channel: int) -> None:
    if st.session_state.get("likes_of") != (name, layer, channel):
        run_panel.forget("likes")

    def begin() -> None:
        from engine import synthesis
        from engine.runs.tasks import IdealImage

        settings = replace(synthesis.channel_preset(cache.backbone(name)), steps=STEPS)
        target = synthesis.Channel(layer, channel)
        st.session_state.likes_of = (name, layer, channel)
        run_panel.start("likes", [IdealImage(backbone=name, target=target, settings=settings)])

    def draw() -> None:
        view = next(iter(run_panel.views("likes")), None)
        words = f"A picture drawn to activate channel {channel} of {layer}"
        live_view.draw(
            "likes",
            [live_view.Track(view=view, row=lambda f: live_view.Row(f.step, (), f.predictions))],
            steps=STEPS,
            panes=[live_view.Pane(caption="", label=words, said=False)],
        )
        run_panel.notices("likes")

    st.button("Draw what activates it", icon=":material/brush:", width="stretch", on_click=begin)
    if st.session_state.get("likes_views"):
        run_panel.watch("likes", draw)
