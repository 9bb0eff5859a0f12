"""Transfer learning: the screen's place; the experiment itself is not built yet."""

import streamlit as st

from components import shell

shell.page(
    "Transfer learning", "A frozen network learns 37 breeds of cats and dogs while you watch."
)

with st.container(border=True):
    st.markdown("#### :material/construction: This experiment is not open yet")
    st.markdown("What it will do:")
    st.markdown(
        "- Train a breed classifier on frozen features with one button, then fine-tune it.\n"
        "- Try it on your own photo, and on classes of your own."
    )
    st.page_link(
        "pages/feature_maps.py",
        label="Until then, open the feature maps",
        icon=":material/arrow_forward:",
    )
