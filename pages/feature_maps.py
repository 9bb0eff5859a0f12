"""Feature maps: a picture goes in, a network opens up."""

import streamlit as st

from components import shell
from components.feature_maps import entry, explorer, exports, game, one_value, pictures
from components.shell import cache, class_link, downloads, linked
from components.widgets import charts, gallery, pickers

LESSON = shell.Lesson(
    guess="Guess: will the last layers show the photo?",
    guesses=("yes", "partly", "no"),
    question=(
        "In the first layers you will still recognise the photo. In the last layers, will you? "
        "And will more channels respond there, or fewer?"
    ),
    answer=(
        "Early maps keep the shape of the photo because each value looks at a few pixels "
        "only. Late maps are tiny: a value stands for a large part of the photo and tells how "
        "much of *one thing* is there. Most late channels stay silent, because most things "
        "are not in your photo."
    ),
    look_for=(
        "A channel of an early layer that responds to edges of one direction only.",
        "A channel of a middle layer that lights up on the eyes, or on fur.",
        "How many channels are dead in the last layers, and whether another picture wakes them.",
        "Where the network looks for its top prediction, and where for a wrong class.",
    ),
)

WAYS = ("raises", "lowers")  # a class

shell.page(
    "Feature maps",
    "A picture goes in, and each layer turns it into maps: edges, then textures, then objects.",
    LESSON,
)


def picture_and_predictions(name: str, picked: pickers.Picked) -> None:
    """The part of the picture that the network gets, smooth or in its pixels; what it predicts."""
    picture, digest = pictures.as_seen(name, picked)
    height, width = picture.shape[:2]
    answer, seconds = cache.predictions(name, digest, picture)
    left, right = st.columns([1, 2], gap="large")
    with left:
        place = st.empty()
        if st.toggle(
            f"As the network gets it: {width} × {height} px",
            key="network_pixels",
            bind="query-params",
        ):
            large = gallery.enlarged(picture, gallery.SIDE)
        else:
            large = pictures.smooth(picked)
        with place:
            gallery.show(large, f"{picked.name}, cut to {width} by {height} pixels")
    with right:
        names = cache.class_names(name)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**Predictions**", width="content")
            every = st.toggle(f"All {len(names)} classes", key="every_class", bind="query-params")
        if every:
            values = cache.probabilities(name, digest, picture)
            figure = charts.all_classes(values, names)
        else:
            figure = charts.confidence(answer)
        charts.show(figure, key="confidence")
        zoom = " Drag over the bars to zoom in, double-click to zoom out." if every else ""
        st.caption(f"{name} took {1000 * seconds:.0f} ms on {cache.device().name}.{zoom}")


@shell.fragment
def where_it_looks(name: str, picked: pickers.Picked) -> None:
    """Class activation and saliency over the photo, for any class."""
    with shell.errors():
        net = cache.backbone(name)
        picture, digest = pictures.as_seen(name, picked)
        answer, _ = cache.predictions(name, digest, picture)
        st.header("Where it looks", anchor=False)
        left, sign, middle, right = st.columns(
            [2, 1, 1, 1.2], gap="medium", vertical_alignment="bottom"
        )
        with left:
            names, usual = net.class_names, answer[0].label
            key = f"explain_{picked.digest}"
            chosen = pickers.class_name(
                names,
                names.index(usual),
                linked.asked("explained", key),
                backbone=name,
                key=key,
                label="For the class",
            )
            linked.keep("explained", names[chosen], usual, key)
        against = WAYS[1] == sign.segmented_control(
            "Show places that",
            WAYS,
            default=WAYS[0],
            required=True,
            format_func="{} it".format,
            key="way",
            bind="query-params",
        )
        opacity = middle.slider("Opacity", 0.0, 1.0, 0.8, 0.05, key="opacity", bind="query-params")
        # fifty times the work of a prediction: a class would wait for it, so it is asked for
        every_pixel = right.toggle("Saliency (per pixel)", key="pixels", bind="query-params")
        label = net.class_names[chosen]
        heat, seconds = cache.class_activation(name, digest, chosen, picture, against)
        verb = WAYS[against]
        first, second = st.columns(2, gap="large")
        with first:
            over = pictures.overlay(picked, heat, opacity)
            gallery.show(
                over,
                f"Class activation for {label}: what {verb} it",
                f"Class activation (Grad-CAM): the places that {verb[:-1]} “{label}”",
            )
            exports.heat_map(f"class activation {verb}", label, over, heat)
            if not heat.any():
                st.info(f"Nothing in this picture {verb} “{label}”.")
        with second:
            if every_pixel:
                pixels, took = cache.saliency(name, digest, chosen, picture)
                seconds += took
                over = pictures.overlay(picked, pixels, opacity)
                gallery.show(
                    over,
                    f"Saliency for {label}",
                    f"Saliency (SmoothGrad): the pixels that move “{label}” most",
                )
                exports.heat_map("saliency", label, over, pixels)
            else:
                st.caption(
                    "The heat map shows the *places* that raise a class, or lower it, "
                    "as coarse as the last maps. Saliency shows how much each single *pixel* would "
                    "change it."
                )
        st.caption(f"{name} took {1000 * seconds:.0f} ms on {cache.device().name}.")


@shell.fragment
def first_kernels(name: str) -> None:
    """The only weights one can see: the first layer's kernels, in colour."""
    with shell.errors(), st.expander("The first layer's kernels", icon=":material/blur_on:"):
        kernels = cache.kernels(name)  # (n, kh, kw, 3)
        n, kh, kw, _ = kernels.shape
        canvas = gallery.kernel_sheet(kernels)
        gallery.show(
            gallery.enlarged(canvas, 1000),
            f"{n} kernels of {kh} by {kw} pixels",
            f"{n} kernels of {kh} × {kw} px: each slides over the photo and responds where the "
            "photo looks like it. Grey is zero; contrast is stretched for each kernel.",
        )


set_up = class_link.set_up("Picture and backbone")
with set_up.guess:
    shell.guess.ask(LESSON)
with set_up.controls:
    name = pickers.backbone()
    picked = pickers.picture()
set_up.say(f"**{picked.name}**", name)
if downloads.loaded(name) is not None:
    shell.link_notices()
    class_link.link(backbone=name, **one_value.link())
    with shell.errors():
        picture_and_predictions(name, picked)
    shell.guess.repeat(LESSON, closed=False)  # the maps are there at once
    entry.offer(name, picked)
    explorer.explorer(name, picked)
    where_it_looks(name, picked)
    first_kernels(name)
    game.play(name)
