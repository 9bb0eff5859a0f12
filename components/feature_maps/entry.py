"""A prediction that surprises, on the wall of a class."""

from components.feature_maps import pictures
from components.shell import cache
from components.widgets import pickers, show_it
from engine import images


def offer(name: str, picked: pickers.Picked) -> None:
    """Offers to show a wrong prediction to the class; the pupil says what it really is."""
    show_it.button(
        "mistake",
        f"{name} {picked.digest}",
        lambda: _shown(name, picked),
        ask="Is the prediction wrong? What is it really?",
    )


def _shown(name: str, picked: pickers.Picked) -> show_it.Shown:
    known = show_it.sample(picked.name)
    picture, digest = pictures.as_seen(name, picked)
    top = cache.predictions(name, digest, picture)[0][0]
    return show_it.Shown(
        title=f"“{top.label}”, {100 * top.probability:.0f} %",
        link=show_it.link("feature_maps", name, {"backbone": name} | known) if known else "",
        figures={
            "network": name,
            "predicted": top.label,
            "probability": f"{100 * top.probability:.1f} %",
        },
        score=top.probability,
        still=images.png(picture),
    )
