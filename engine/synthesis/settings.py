"""The settings of an ideal image, as plain values, and presets for them."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import keras

from engine.backbones import Backbone
from engine.core.errors import BadSettings
from engine.synthesis import natural
from engine.synthesis.live import Live
from engine.synthesis.objectives import Algebra, ClassLogit, CrossEntropy, Objective
from engine.synthesis.parametrization import Parametrization, Pixels, Waves
from engine.synthesis.transformations import Transformations

OPTIMIZERS: dict[str, Any] = {
    "gradient descent": lambda: keras.optimizers.SGD(),
    "momentum": lambda: keras.optimizers.SGD(momentum=0.9),
    "Adam": lambda: keras.optimizers.Adam(beta_2=0.99),
    "RMSprop": lambda: keras.optimizers.RMSprop(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that defines a run, as plain values, so that it can run on another machine.

    Attributes:
        score: the objective for a class, its logit or its cross-entropy.
        until_certain: whether a class's logit counts only until the network is certain of it.
        target_weight: weight of the target in the loss; below 0, it is minimised instead.
        live: the initial weights of the penalties, and the initial learning rate.
        optimizer: one of `OPTIMIZERS`.
        parametrization: how the picture is stored; see `PARAMETRIZATIONS`.
        transformations: random ones, before each forward pass.
        also: what else the picture is optimised for, in any class.
        natural: whether natural statistics are part of the loss; their weight is live.
        canvas: side of the picture in px; 0 for the network's own size.
        small: pairs of an input size in px and the step up to which the network is shown the
            picture at that size: coarse shapes come first, in a fraction of the time.
        steps: how many steps.
        seed: of the noise and of the transformations.
    """

    score: Literal["logit", "cross-entropy"] = "logit"
    until_certain: bool = False
    target_weight: float = 1.0
    live: Live = Live()  # noqa: RUF009 -- frozen
    optimizer: str = "Adam"
    parametrization: Parametrization = field(default_factory=Waves)
    transformations: Transformations = field(default_factory=Transformations)
    also: Objective | None = None
    natural: bool = False
    canvas: int = 0
    small: tuple[tuple[int, int], ...] = ()
    steps: int = 160
    seed: int = 0

    def objective(self, target: "int | Algebra") -> Objective:
        """The target as a sum of parts; a number is a class."""
        if not isinstance(target, Algebra):
            logit, entropy = ClassLogit(target, self.ends), CrossEntropy(target)
            target = logit if self.score == "logit" else -entropy
        return Objective.of(self.target_weight * target + (self.also or Objective()))

    @property
    def ends(self) -> bool:
        """Whether the score ends where the network is certain; a score to be minimised has none."""
        return self.until_certain and self.target_weight > 0

    def size(self, net: Backbone) -> tuple[int, int]:
        """`(height, width)` of the picture."""
        return (self.canvas, self.canvas) if self.canvas else net.input_size

    def shown(self, step: int) -> int:
        """Side at which the network is shown the picture in a step, in px; 0 for its own size."""
        return next((side for side, until in self.small if step < until), 0)

    def check(self) -> None:
        """Raises `BadSettings` if a setting is out of range."""
        if self.optimizer not in OPTIMIZERS:
            raise BadSettings(
                f"Expected an optimizer of {', '.join(OPTIMIZERS)}; received: {self.optimizer!r}."
            )
        if not 1 <= self.steps <= 5000:
            raise BadSettings(f"Expected 1 to 5000 steps; received: {self.steps}.")
        if self.canvas and not 32 <= self.canvas <= 448:
            raise BadSettings(f"Expected a canvas of 32 to 448 px; received: {self.canvas}.")
        if any(not 32 <= side <= 448 for side, _ in self.small):
            raise BadSettings(f"Expected input sizes of 32 to 448 px; received: {self.small}.")
        if self.seed < 0:
            raise BadSettings(f"Expected a seed of 0 or above; received: {self.seed}.")
        self.transformations.check()
        self.live.check()


# Learning rates that suit Adam, by how the picture is stored.
RATES: dict[str, float] = {
    "pixels": 3.0,
    "waves": 0.05,
    "phases (MaCo)": 0.15,
    "pyramid (DAS)": 0.03,
}


def small_first(net: Backbone, steps: int) -> tuple[tuple[int, int], ...]:
    """Settings' `small` for a backbone: a quarter of the steps at less than half its input size.

    Nothing where the backbone reads pictures of one size only.
    """
    side = max(32, 32 * round(0.43 * net.input_size[0] / 32))
    return ((side, steps // 4),) if net.resizable else ()


# The lesson's recipe; its penalty may be moved while it runs.
LESSON = Settings(
    score="cross-entropy",
    target_weight=10.0,
    live=Live(variation=0.005, learning_rate=1.0),
    optimizer="gradient descent",
    parametrization=Pixels(),
    steps=1000,
)
# No penalty at all: plain pixels, which most networks fill with noise. The lesson's first cat; for
# the pocket backbones, of which the robust one draws what it is asked for, quicker steps.
NOISE: dict[str, Settings] = {
    "": replace(LESSON, target_weight=1.0, live=Live(learning_rate=1.0)),
    "pocket": Settings(parametrization=Pixels(), live=Live(learning_rate=3.0), steps=60),
}
# The best pictures we know, by backbone; benchmarks/ideal_images.py measures them. A penalty on the
# distance from grey beside the variation loss: without it the variation loss drives whole areas to
# black or white, where no neighbour differs. The variation is a sum over pixels, hence the sizes.
# The keys are Keras' names of the architectures, so that a classifier on one has its recipe.
CLEAR: dict[str, Settings] = {
    "": Settings(
        live=Live(variation=4e-6, l2=0.1, natural=3.0, learning_rate=0.05),
        transformations=Transformations(
            jitter=24, scale=0.5, rotation=15, noise=35, noise_ramp=160, views=4
        ),
        natural=True,
        until_certain=True,
    ),
    # On a canvas larger than what the network is shown, there is room for a thing and for what is
    # around it.
    "pocket": Settings(
        live=Live(variation=2e-6, learning_rate=0.05),
        transformations=Transformations(crop=0.3, flip=True, views=4),
        canvas=192,
        steps=120,
    ),
}


def preset(name: str, net: Backbone) -> Settings:
    """Settings by name, "clear", "lesson" or "noise", for a backbone.

    Raises:
        BadSettings: there is no such preset.
    """
    clear, noise = (recipe.get(net.spec.builder, recipe[""]) for recipe in (CLEAR, NOISE))
    moves, side = clear.transformations, net.input_size[0]
    if moves.jitter:  # as far in every network, by the size of its input
        clear = replace(
            clear, transformations=replace(moves, jitter=round(moves.jitter * side / 224))
        )
    if clear.natural:
        known = natural.statistics(net)
        if not known.layers:
            clear = replace(clear, natural=False, until_certain=False)
        elif known.totals and not net.members:  # calmer areas no longer cost what tells a class
            clear = replace(clear, live=replace(clear.live, variation=6e-6))
    if net.members:  # whose mean is certain before each of them is
        clear = replace(clear, until_certain=False)
    if not net.resizable:
        clear = replace(clear, small=())
    presets = {"clear": clear, "lesson": LESSON, "noise": noise}
    if name not in presets:
        raise BadSettings(f"Expected one of {', '.join(presets)}; received: {name!r}.")
    return presets[name]


def channel_preset(net: Backbone) -> Settings:
    """The clear preset without penalties, which would outweigh a channel of an early layer.

    A channel's mean activation is small beside a class's logit.
    """
    clear = preset("clear", net)
    live = replace(clear.live, variation=0.0, l2=0.0, natural=0.0)
    return replace(clear, live=live, natural=False)
