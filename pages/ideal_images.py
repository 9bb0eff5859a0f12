"""Ideal images: the screen's place; the experiment itself is not built yet."""

import streamlit as st

from components import shell

shell.page("Ideal images", "Start from noise, follow the gradient on the picture, and watch.")

with st.container(border=True):
    st.markdown("#### :material/construction: This experiment is not open yet")
    st.markdown("What it will do:")
    st.markdown(
        "- Pick a class and watch noise become the network's ideal picture of it, step by step.\n"
        "- Move the variation-loss slider while it runs."
    )
    st.page_link(
        "pages/feature_maps.py",
        label="Until then, open the feature maps",
        icon=":material/arrow_forward:",
    )
