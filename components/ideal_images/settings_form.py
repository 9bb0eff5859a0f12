"""The settings of an ideal image that a person may change before the start."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from components.shell import class_link, linked

if TYPE_CHECKING:
    from engine.synthesis import Settings


SIZES = (0, 128, 192, 256, 320)  # of the picture, px; 0 for the network's own


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """What a person has chosen: minimise, start from a photo, and changed settings by name.

    `rate` is the learning rate for another parametrization than the preset's; `small` whether the
    network is shown the picture at a small size first.
    """

    minimise: bool
    from_photo: bool
    small: bool
    rate: float | None
    changed: dict[str, Any]


def choose(settings: "Settings", key: str, *, known: bool, resizable: bool, of_class: bool) -> More:
    """Lets a person change a preset.

    Args:
        settings: the preset as it is.
        key: of the preset, so that another one brings its own numbers.
        known: whether natural statistics of the backbone are known.
        resizable: whether the backbone reads pictures of other sizes.
        of_class: whether the target is a class.
    """
    from engine import synthesis
    from engine.synthesis import Waves

    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**The run**")
        class_link.keep_value("negative")
        minimise = st.toggle("Minimise instead", key="negative", bind="query-params")
        photo = linked.toggle("Start from a photo", False, name="from_photo")
        seed = linked.number_input("Seed", 0, 9999, 0, name="seed")
        steps = linked.slider(
            "Steps", 20, 1000, settings.steps, 20, name="steps", key=f"steps_{key}"
        )
        optimizer = linked.selectbox(
            "Optimizer",
            list(synthesis.OPTIMIZERS),
            settings.optimizer,
            name="optimizer",
            key=f"optimizer_{key}",
        )
        kinds = synthesis.PARAMETRIZATIONS
        usual = next(name for name, kind in kinds.items() if kind == settings.parametrization)
        stored = linked.selectbox(
            "Parametrization",
            list(kinds),
            usual,
            name="stored",
            key=f"stored_{key}",
            help="What the picture is made of while it is optimised. pixels: each for itself. "
            "waves: long ones move further. phases: strengths of the waves as in photos, only "
            "their position is free (MaCo). pyramid: a sum of pictures from one pixel to full "
            "size (Direct Ascent Synthesis).",
        )
        natural = linked.toggle(
            "Natural statistics",
            settings.natural,
            name="natural",
            disabled=not known,
            key=f"natural_{key}",
            help="A penalty for differing from photos: compares each channel's mean and deviation "
            "in six layers with those in photos and, where this was measured, keeps the total "
            "activation of the last feature maps no higher. Steps take a little longer.",
        )
        certain = linked.toggle(
            "Until certain",
            settings.until_certain,
            name="until_certain",
            disabled=minimise or not of_class or settings.score != "logit",
            key=f"certain_{key}",
            help="The class's logit counts until its odds are 160 000 to 1; from there on, only "
            "the penalties act: with natural statistics, the picture becomes more like a photo. "
            "Off: the logit keeps growing, as the picture fills with texture that excites the "
            "network.",
        )
        small = linked.toggle(
            "Small first",
            bool(settings.small),
            name="small",
            disabled=not resizable,
            key=f"small_{key}",
            help="For a quarter of the steps, the network is shown the picture at less than half "
            "its size: coarse shapes come first, and quickly.",
        )
        sizes = sorted({*SIZES, settings.canvas})
        canvas = linked.select_slider(
            "Size of the picture, px",
            sizes,
            settings.canvas,
            name="canvas",
            format_func=lambda side: str(side) if side else "as the network",
            key=f"canvas_{key}",
            help="A canvas larger than the network's input leaves room for an object and its "
            "surroundings.",
        )
        decorrelated = linked.toggle(
            "Decorrelated colours",
            True,
            name="colours",
            key=f"colours_{key}",
            disabled=stored != "waves",
            help="As in photos, brightness varies more than hue.",
        )
    with right:
        st.markdown("**Random transformations**")
        own, found = settings.transformations, {}
        for name, label, most, step in (
            ("jitter", "Shift, px", 32.0, 1.0),
            ("scale", "Zoom, ± share", 0.6, 0.05),
            ("rotation", "Rotation, ± degrees", 45.0, 1.0),
            ("blur", "Blur", 1.0, 0.25),
            ("noise", "Noise, grey levels", 60.0, 1.0),
        ):
            usual_one = float(getattr(own, name))
            found[name] = linked.slider(
                label, 0.0, most, usual_one, step, name=name, key=f"{name}_{key}", format="%g"
            )
        found["noise_ramp"] = linked.slider(
            "Steps until full noise",
            0,
            500,
            own.noise_ramp,
            10,
            name="noise_ramp",
            key=f"noise_ramp_{key}",
            disabled=not found["noise"],
            help="Noise hides fine texture from the network, so that shapes remain. While it is "
            "weak, the picture emerges quickly. 0: full noise from the first step.",
        )
        found["crop"] = linked.slider(
            "Crops of at least this share of each side",
            0.0,
            1.0,
            float(own.crop),
            0.05,
            name="crop",
            format="%g",
            key=f"crop_{key}",
            help="0: the whole picture. Crops take the place of shift, zoom and rotation.",
        )
        found["flip"] = linked.toggle("Mirror", own.flip, name="flip", key=f"flip_{key}")
        found["pad"] = linked.toggle(
            "Grey outside the picture",
            own.pad,
            name="pad",
            key=f"pad_{key}",
            help="What a shifted, turned or shrunk view shows beyond the edge: grey, instead of "
            "the mirror image of what is inside. Crops show nothing beyond the edge.",
        )
        found["views"] = linked.slider(
            "Views per step",
            1,
            8,
            own.views,
            1,
            name="views",
            key=f"views_{key}",
            help="How many transformed copies the network sees in each step; it averages them.",
        )
    changed: dict[str, Any] = {"seed": seed, "steps": steps, "optimizer": optimizer}
    if natural != settings.natural:
        changed["natural"] = natural
    if certain != settings.until_certain:
        changed["until_certain"] = certain
    if canvas != settings.canvas:
        changed["canvas"] = canvas
    if found != asdict(own):
        changed["transformations"] = type(own)(**found)
    if stored == "waves" and not decorrelated:
        changed["parametrization"] = Waves(decorrelated=False)
    elif stored != usual:
        changed["parametrization"] = kinds[stored]
    other = stored != usual and optimizer == "Adam"
    return More(
        minimise=minimise,
        from_photo=photo,
        small=small,
        rate=synthesis.RATES[stored] if other else None,
        changed=changed,
    )
