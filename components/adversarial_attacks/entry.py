"""An attack on the wall of a class."""

import numpy as np

from components.adversarial_attacks.experiment import Experiment
from components.shell import cache
from components.widgets import other_networks, show_it
from engine import images
from engine.core.errors import ClassRefused


def offer(run: Experiment) -> None:
    """Offers to show an attack that fools, to the class."""
    if len(run.plans) > 1 or not run.latest.effective:
        return
    show_it.button("attack", images.digest(run.latest.picture), lambda: _shown(run))


def _shown(run: Experiment) -> show_it.Shown:
    from engine.attacks import robustness

    plan, attacked = run.plan, images.from_uint8(images.to_uint8(run.latest.picture))
    before = cache.answer(plan.backbones, images.digest(plan.picture), plan.picture)[0]
    after = cache.answer(plan.backbones, images.digest(attacked), attacked)[0]
    if after.class_index == before.class_index:
        raise ClassRefused(
            "Once saved as a file, the attacked picture no longer fools the network."
        )
    change = robustness.change(plan.picture, attacked)
    also, asked = other_networks.fooled_by(plan.backbones, plan.picture, attacked)
    return show_it.Shown(
        title=f"{before.label} became {after.label}",
        link=_link(run),
        figures={
            "network": " + ".join(plan.backbones),
            "attack": plan.kind,
            "largest change": f"{change.linf:.0f} of 255 grey levels",
            "pixels changed": f"{100 * change.pixels:.0f} %",
            "SSIM": f"{change.ssim:.3f}",
            "also fools": ", ".join(also) or f"none of {asked} other networks",
        },
        score=-float(np.round(change.linf + change.l2 / 1000, 4)),
        still=images.png(attacked),
    )


def _link(run: Experiment) -> str:
    if not (picture := show_it.sample(run.plan.called)):
        return ""  # others do not have it
    return show_it.link("adversarial_attacks", run.plan.backbones[0], run.address | picture)
