"""Adversarial attacks: the screen's place; the experiment itself is not built yet."""

import streamlit as st

from components import shell

shell.page("Adversarial attacks", "Nobody sees the change; the network does.")

with st.container(border=True):
    st.markdown("#### :material/construction: This experiment is not open yet")
    st.markdown("What it will do:")
    st.markdown(
        "- Turn a dog into a cat by a change of a few grey levels.\n"
        "- See which other networks fall for it, and what protects them."
    )
    st.page_link(
        "pages/feature_maps.py",
        label="Until then, open the feature maps",
        icon=":material/arrow_forward:",
    )
