"""Home: what this is, four doors, what it runs on, and which backbones are ready."""

import streamlit as st

from components import shell
from components.home import panels

DOORS = (
    (
        "pages/feature_maps.py",
        ":material/grid_view:",
        "Feature maps",
        "Open a network layer by layer and see what each channel responds to in your photo.",
    ),
    (
        "pages/transfer_learning.py",
        ":material/pets:",
        "Transfer learning",
        "Teach a trained network 37 breeds of cats and dogs, from a handful of photos.",
    ),
    (
        "pages/ideal_images.py",
        ":material/auto_awesome:",
        "Ideal images",
        "Turn noise into the network's ideal cat by changing the picture, not the network.",
    ),
    (
        "pages/adversarial_attacks.py",
        ":material/visibility_off:",
        "Adversarial attacks",
        "Change a photo so little that nobody sees it, and the network calls a dog a cat.",
    ),
)

shell.page(
    "Ideal Cat",
    "A pretrained image network, opened: look inside, train it, ask for its ideal cat, fool it.",
)

for row in (DOORS[:2], DOORS[2:]):
    for column, (path, icon, name, words) in zip(st.columns(2), row, strict=True):
        with column.container(border=True, height="stretch"):
            st.header(f"{icon} {name}", anchor=False)
            st.markdown(words)
            st.page_link(path, label=f"Open {name.lower()}", icon=":material/arrow_forward:")

panels.engine_status()
panels.backbone_table()
