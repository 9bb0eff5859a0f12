"""Choosing a picture, a backbone, a class."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import streamlit as st

from components import shell
from components.shell import cache, choice, class_link, linked, notices
from components.widgets import paste_box
from components.widgets.photo_grid import photo_grid
from engine import config, images
from engine.storage import datasets, registry, samples, weights

MAX_MB = 10
PETS = 24  # photos of a breed that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A chosen picture: `(H, W, 3)` in 0..1, what to call it, its digest, and ImageNet's label."""

    picture: np.ndarray
    name: str
    digest: str
    label: str = ""


def picture(*, key: str = "sample", label: str = "Picture", default: str = "Cat") -> Picked:
    """Lets a person choose a picture; always returns one.

    What a person has chosen stays chosen for the whole session, also on the other pages. When a
    file cannot be read, the reason is shown and the picture before it stays.

    Args:
        key: of the choice; the same key is the same choice.
        label: what the picture is for.
        default: the sample that is shown until something is chosen.
    """
    sources = [
        "Samples",
        *(["Pets"] if datasets.has_pets(config.pets_root()) else []),
        "Upload",
        "Paste",
        "Camera",
        *(["Web address"] if config.web_addresses_allowed() else []),
    ]
    pet = f"{key}_pet"  # a link's photo of Pets: the breed and a number
    if pet in st.query_params and "Pets" not in sources:
        notices.refuse("photo", st.query_params.pop(pet), "one of the samples")
    usual = "Pets" if pet in st.query_params else "Samples"
    st.session_state.setdefault(f"{key}_source", usual)
    class_link.keep_value(f"{key}_source")
    source = st.segmented_control(
        label, sources, required=True, key=f"{key}_source", persist_state="session"
    )
    if source == "Pets":
        with shell.errors():
            return _pet(pet)
    st.query_params.pop(pet, None)
    if source == "Samples":
        return _sample(key, default)
    if (given := _given(source, key)) is not None:
        with shell.errors():
            take(cache.decoded(given.data), given.name, key=key)
    if (own := st.session_state.get(f"{key}_own")) is not None:
        words, drop = st.columns([3, 1], vertical_alignment="center")
        words.caption(f"Your picture: {own.name}")
        drop.button(
            "Remove",
            icon=":material/close:",
            type="tertiary",
            key=f"{key}_drop",
            on_click=_forget,
            args=(key,),
        )
        return own
    picked = _sample(key, default, ask=False)
    st.caption(f"Using sample “{picked.name}”.")
    return picked


def take(picture: np.ndarray, name: str, *, key: str = "sample") -> None:
    """Makes a picture, `(H, W, 3)` in 0..1, the session's own: every page goes on with it."""
    own(picture, name, key)
    if st.session_state.get(f"{key}_source") in (None, "Samples", "Pets"):
        st.session_state[f"{key}_source"] = "Upload"


def own(picture: np.ndarray, name: str, key: str = "sample") -> None:
    """Puts a picture in the place of the session's own."""
    digest = images.digest(picture)
    st.session_state[f"{key}_own"] = Picked(picture=picture, name=name, digest=digest)


class _Given(NamedTuple):
    """A file's content and its name."""

    data: bytes
    name: str


def _given(source: str, key: str) -> _Given | None:
    """What a person gives right now; None where nothing is given."""
    if source == "Upload":
        file = st.file_uploader(
            "Your photo, at most 10 MB",
            type=["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"],
            max_upload_size=MAX_MB,
            key=f"{key}_file",
        )
        return _Given(file.getvalue(), file.name) if file else None
    if source == "Paste":
        data = paste_box.paste_box(key=f"{key}_paste")
        return _Given(data, "pasted picture") if data else None
    if source == "Camera":
        shot = st.camera_input("Take a picture", key=f"{key}_camera")
        return _Given(shot.getvalue(), "camera picture") if shot else None
    if source == "Web address":
        address = st.text_input("Address of a picture", placeholder="https://…", key=f"{key}_url")
        if address:
            with shell.errors(), st.spinner("Fetching …"):
                return _Given(cache.fetched(address), address.rsplit("/", 1)[-1] or "web picture")
    return None


def _forget(key: str) -> None:
    st.session_state.pop(f"{key}_own", None)
    st.session_state[f"{key}_source"] = "Samples"


def _sample(key: str, default: str, ask: bool = True) -> Picked:
    names = list(samples.SAMPLES)
    chosen = f"{key}_chosen"  # a widget's own state goes when it is not drawn
    name = st.session_state.get(chosen, default)
    if ask:
        shell.check_link(key, names, "the sample")
        if key not in st.query_params:
            st.session_state[key] = name  # each page has its own default
        class_link.keep_value(key)

        def choose() -> None:
            st.session_state[chosen] = st.session_state[key]

        files = [samples.path(one) for one in names]
        name = photo_grid(
            "Sample", names, files, key=key, default=default, bind="query-params", on_change=choose
        )
        if key in st.query_params:
            choose()  # a link did
        if label := samples.SAMPLES[name].label:
            st.caption(f"Labelled “{label}” in ImageNet.")
    return _of_sample(name)


@st.cache_resource(show_spinner=False, max_entries=32)
def _of_sample(name: str) -> Picked:
    array, label = cache.sample(name), samples.SAMPLES[name].label
    return Picked(picture=array, name=name.lower(), digest=images.digest(array), label=label)


def _pet(key: str) -> Picked:
    """A photo of Oxford-IIIT Pets: first the breed, then the photo."""
    data = cache.pets(config.pets_root())
    there = [data.class_names[k] for k in np.unique(data.labels)]
    words = st.query_params.get(key, "")
    asked, _, number = words.rpartition(" ")
    if asked in there:
        st.session_state.setdefault(f"{key}_breed", asked)
    breed = st.selectbox("Breed", there, key=f"{key}_breed", persist_state="session")
    of_breed = [
        path
        for path, label in zip(data.paths, data.labels, strict=True)
        if data.class_names[label] == breed
    ][:PETS]
    names = [str(k) for k in range(1, len(of_breed) + 1)]
    grid = f"{key}_{breed}".replace(" ", "_")
    if (words and not (asked in there and number.isascii() and number.isdigit())) or (
        breed == asked and number not in names
    ):
        notices.refuse("photo", words, "a breed and the number of a photo")
    first = number if breed == asked and number in names else "1"
    name = photo_grid(breed, names, of_breed, key=grid, default=first, persist_state="session")
    st.query_params[key] = f"{breed} {name}"
    array = cache.decoded(of_breed[int(name) - 1])
    return Picked(picture=array, name=f"{breed} {name}", digest=images.digest(array))


def backbone(
    *, key: str = "backbone", label: str = "Backbone", taught: bool = True, usual: str = ""
) -> str:
    """Lets a person choose a backbone, also one whose weights are not here.

    Args:
        key: of the box.
        label: its label.
        taught: classifiers that were trained in this session can be chosen as well.
        usual: the one that is chosen at first, where it is here; else the quickest.
    """
    own = cache.taught() if taught else []
    here = weights.available()
    first = st.session_state.setdefault("ready_at_first", here)  # or the choice would move along
    names = sorted(registry.specs(), key=lambda name: name not in first)
    names = [*names[: len(first)], *own, *names[len(first) :]]
    if (wanted := st.query_params.pop("use", None)) in names:
        choice.choose(key, wanted, here=True)
    shell.check_link(key, names, "the backbone")

    def words(name: str) -> str:
        """Never changes within a session: the browser would go on sending the old label."""
        if name in first or name in own:
            return name
        return f"{name} · {registry.spec(name).weight_bytes / 1e6:.0f} MB"

    name = st.selectbox(
        label,
        names,
        key=choice.prepare(key, names, usual if usual in here else names[0]),
        format_func=words,
        on_change=choice.changed,  # not bind: a link names the backbone, not its label
        args=(key,),
        help="A backbone is a network that was trained on photos beforehand.",
    )
    if name in own:
        classes = cache.class_names(name)
        st.caption(f"Your classes: {', '.join(classes[:6])}{' …' if len(classes) > 6 else ''}")
        return name
    spec = registry.spec(name)
    st.caption(
        f"{spec.note} {spec.year}, {spec.parameters / 1e6:.1f} M parameters, trained on "
        f"{spec.trained_on}, top\N{NON-BREAKING HYPHEN}1 {100 * spec.top1:.1f} %."
    )
    return name


def together(name: str) -> str:
    """Lets a person add networks to a backbone; returns the name of the joint one.

    Only those are offered that are on this machine and share a class with it. A link may name some
    by `with`.
    """
    own = set(cache.class_names(name))
    others = [
        other
        for other in weights.available()
        if other != name and own.intersection(cache.class_names(other))
    ]
    if not others:
        return name
    added = networks(
        "Optimise together with", others, [], most=3, name="with", key=f"together_{name}"
    )
    return registry.JOINT.join([name, *added])


def networks(
    label: str, names: list[str], first: list[str], *, most: int, name: str, key: str
) -> list[str]:
    """Lets a person choose several of these backbones, at most `most`; `first` are chosen at first.

    `name` is the link's parameter.
    """
    return linked.multiselect(
        label,
        names,
        first,
        name=name,
        key=key,
        max_selections=most,
        persist_state="session",
        placeholder="None" if not first else None,
    )


def class_name(
    names: tuple[str, ...], default: int, asked: str | None, *, backbone: str, key: str, label: str
) -> int:
    """A search box over all class names; returns the class index.

    Until a person has chosen a class that this backbone knows, on whichever backbone, or a link has
    `asked` for one, the box follows `default`, which may depend on the picture.
    """
    chosen, key = f"{key}_name", f"{key}_{backbone}"
    if asked in names:
        st.session_state.setdefault(chosen, asked)
    name = st.session_state.get(chosen)
    st.session_state[key] = names.index(name) if name in names else default

    def choose() -> None:
        st.session_state[chosen] = names[st.session_state[key]]

    return st.selectbox(
        label,
        range(len(names)),
        key=key,
        format_func=lambda k: names[k],
        on_change=choose,
        persist_state="session",
    )
