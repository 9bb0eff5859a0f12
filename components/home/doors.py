"""The four doors: a moving picture of what each screen does, and a sentence; all of it the link."""

import streamlit as st

from components import shell

WORDS = {  # what one does there, and what its picture shows
    "Feature maps": (
        "See what each layer and channel of a network responds to in your photo.",
        "A cat, and the maps of four layers of a network that looks at it",
    ),
    "Transfer learning": (
        "Teach it 37 breeds of cats and dogs, or classes of your own, in seconds.",
        "The accuracy on 37 breeds climbs from chance to four in five",
    ),
    "Ideal images": ("Watch noise become the network’s ideal cat.", "Noise becomes a cat"),
    "Adversarial attacks": (
        "Change a photo so little that nobody sees it: the cat becomes a dog.",
        "A cat, a change, and the same cat that is now predicted to be a golden retriever",
    ),
}


def show() -> None:
    """A card for each screen."""
    pages = [page for page in shell.PAGES if page[1] in WORDS]
    for column, (path, label, icon) in zip(st.columns(len(pages)), pages, strict=True):
        with column.container(border=True, height="stretch", key=f"door_{label}"):
            words, shown = WORDS[label]
            st.html(_picture(label.lower().replace(" ", "-"), shown))
            st.page_link(path, label=label, icon=icon)
            st.caption(words)


def _picture(name: str, shown: str) -> str:
    """A film from `static/`, or its last picture for those who want nothing to move."""
    if name == "transfer-learning":  # minds that by itself
        return f'<img class="door" src="app/static/{name}.svg" alt="{shown}">'
    return (
        '<picture><source media="(prefers-reduced-motion: reduce)" '
        f'srcset="app/static/{name}-still.webp">'
        f'<img class="door" src="app/static/{name}.webp" alt="{shown}"></picture>'
    )
