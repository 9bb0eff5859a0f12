"""On which photos an attack is tried, beside the one on the stage."""

import numpy as np
import streamlit as st

from components import shell
from components.adversarial_attacks.experiment import Plan
from components.shell import cache
from engine import config
from engine.storage import datasets, samples

PHOTOS = 8  # of the samples, of Pets, and at most of one's own
THIS, SAMPLES, PETS, OWN = "This picture", "The samples", "Pets", "My photos"


def choose(plan: Plan, name: str) -> list[np.ndarray]:
    """Lets a person choose: this picture, the samples, some of Pets, or photos of their own.

    Args:
        plan: of the attack on this picture.
        name: tells this choice from others on the page.

    Returns:
        Pictures `(H, W, 3)` in 0..1.
    """
    pets = config.pets_root()
    here = datasets.has_pets(pets)
    sources = [THIS, SAMPLES, *([PETS] if here else []), OWN]
    shell.check_link(f"{name}_photos", sources, "the photos")
    source = st.segmented_control(
        "Photos", sources, default=THIS, required=True, key=f"{name}_photos", bind="query-params"
    )
    if source == THIS:
        return [plan.picture]
    if source == SAMPLES:
        return [cache.sample(sample) for sample in list(samples.SAMPLES)[:PHOTOS]]
    if source == PETS:
        with shell.errors():
            return [cache.decoded(data) for data in _some_pets()]
        return []
    files = st.file_uploader(
        f"Up to {PHOTOS} photos",
        type=["jpg", "jpeg", "png", "webp"],
        accept_multiple_files=True,
        max_upload_size=10,
        key=f"{name}_files",
    )
    found = []
    for file in files[:PHOTOS]:
        with shell.errors():
            found.append(cache.decoded(file.getvalue()))
    return found


@st.cache_data(show_spinner=False, max_entries=1, ttl=900)
def _some_pets() -> list[bytes]:
    """Photos of Oxford-IIIT Pets at random, the same for everyone."""
    paths = datasets.pets(config.pets_root()).paths
    chosen = np.random.default_rng(0).permutation(len(paths))[:PHOTOS]
    return [paths[k].read_bytes() for k in chosen]
