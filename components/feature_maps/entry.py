"""A prediction that surprises, on the wall of a class."""

from components.shell import cache, class_link
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
    picture = images.fit(picked.picture, cache.backbone(name).input_size)
    top = cache.predictions(name, images.digest(picture), picture)[0][0]
    return show_it.Shown(
        title=f"“{top.label}”, {100 * top.probability:.0f} %",
        link=f"feature_maps?{class_link.query({'backbone': name})}",
        figures={"network": name, "predicted": top.label, "by": f"{100 * top.probability:.1f} %"},
        score=top.probability,
        still=images.png(picture),
    )
