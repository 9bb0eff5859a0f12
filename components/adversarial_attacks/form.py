"""Which attack, by the names people give them, and its numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from components import shell
from components.shell import cache, linked

if TYPE_CHECKING:
    from engine.attacks import Attack

GRADIENT = 2.5  # predictions that take as long as a gradient: 2.0 to 3.0 on two cores
EPSILONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An attack by the name people give it: its class in the engine, and what to say of it.

    `cost` is the time of a step in gradients of one picture, measured with MobileNetV2 and Pocket.
    """

    engine: str
    words: str
    steps: int = 20
    cost: float = 1.0
    bounded: bool = True
    own_step: bool = False  # there is no size of a step to set
    l2: bool = False  # the root mean square can be bounded instead of the largest change
    rate: tuple[str, str, tuple[float, ...]] | None = None  # another number, its name, its values


KINDS: dict[str, Kind] = {
    "Small steps (PGD)": Kind(
        engine="PGD",
        words="Strong and quick: many small steps, never further than epsilon.",
        l2=True,
    ),
    "One step (FGSM)": Kind(
        engine="FGSM",
        words="The oldest and fastest: one step as large as epsilon allows. Weak towards a class "
        "you choose.",
        steps=1,
        l2=True,
    ),
    "With momentum (MI-FGSM)": Kind(
        engine="MomentumIterative",
        words="Strong; with momentum, it fools other networks more often.",
        l2=True,
    ),
    "Diverse inputs (DIM)": Kind(
        engine="DiverseInput",
        words="Momentum, with the picture shrunk and shifted at random in most steps: a little "
        "weaker on the attacked network, but it transfers well.",
        l2=True,
    ),
    "Shuffled blocks (BSR)": Kind(
        engine="BlockShuffle",
        cost=5,
        words="Momentum through eight shuffled, turned copies a step: slow, and fools other "
        "networks most.",
        l2=True,
    ),
    "Darker copies (SIM)": Kind(
        engine="ScaleInvariant",
        cost=3,
        words="Momentum through five copies a step, most of them darker: transfers well.",
        l2=True,
    ),
    "Smoothed (TIM)": Kind(
        engine="TranslationInvariant",
        words="Momentum along a blurred gradient: smooth changes, a little weaker on the attacked "
        "network.",
        l2=True,
    ),
    "Sets its own step (Auto-PGD)": Kind(
        engine="APGD",
        steps=100,
        own_step=True,
        words="The strongest within epsilon: halves its step where that does not help, and ends "
        "when it succeeds.",
    ),
    "Without a gradient (Square)": Kind(
        engine="Square",
        steps=500,
        own_step=True,
        cost=0.4,
        words="Tries random squares and keeps those that help; uses only the predictions.",
    ),
    "The lesson's gradient descent": Kind(
        engine="GradientDescent",
        steps=100,
        bounded=False,
        words="Plain gradient descent without a bound on the change; always takes all its steps.",
        rate=("learning_rate", "Learning rate", (300.0, 1000.0, 3000.0, 10000.0, 30000.0)),
    ),
    "Nearest border (DeepFool)": Kind(
        engine="DeepFool",
        steps=50,
        cost=5,  # without a target; with one, it takes one gradient
        bounded=False,
        words="Seeks the smallest change. Often so small that only a few pixels change at all.",
    ),
    "Smallest change (Carlini-Wagner)": Kind(
        engine="CarliniWagner",
        steps=200,
        bounded=False,
        words="Slow and thorough: five searches for the best trade-off of size and success.",
        rate=("step_size", "Step size of Adam", (0.003, 0.01, 0.03)),
    ),
    "A few pixels": Kind(
        engine="Sparse",
        steps=60,
        bounded=False,
        words="Some pixels only, each by any amount.",
        rate=("step_size", "Step size, in grey levels", (30.0, 60.0, 120.0, 255.0)),
    ),
    "A sticker": Kind(
        engine="Patch",
        steps=60,
        bounded=False,
        words="A square that may look like anything; the rest stays untouched.",
        rate=("step_size", "Step size, in grey levels", (6.0, 12.0, 24.0, 48.0)),
    ),
    "Random noise": Kind(
        engine="RandomNoise",
        steps=0,
        words="The control: random changes of plus or minus epsilon, chosen without the network.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What is set before the start: the attack's name, its rarer numbers, seed and backbones."""

    kind: str
    numbers: dict[str, Any]
    seed: int
    backbones: tuple[str, ...]

    def attack(self, strength: dict[str, Any]) -> "Attack":
        """The attack, with the number that stands on the stage."""
        from engine import attacks

        return getattr(attacks, KINDS[self.kind].engine)(**self.numbers, **strength)


def settings(name: str, forward: float) -> Form:
    """Lets a person choose an attack and its rarer numbers.

    Args:
        name: of the attacked backbone.
        forward: seconds that all attacked networks take for one picture, to say how long the
            attack may take.
    """
    from engine import attacks

    shell.check_link("attack", tuple(KINDS), "the attack")
    chosen = st.selectbox("Attack", KINDS, key="attack", bind="query-params")
    kind = KINDS[chosen]
    numbers: dict[str, Any] = {}
    said = st.empty()
    with st.expander("More settings", icon=":material/tune:"):
        if kind.steps > 1:
            numbers["steps"] = linked.slider(
                "Steps",
                5,
                max(200, 4 * kind.steps),
                kind.steps,
                5,
                name="steps",
                key=f"attack_steps_{kind.engine}",
            )
        if kind.bounded and kind.steps > 1 and not kind.own_step:
            size = linked.select_slider(
                "Step size, in grey levels",
                ("automatic", 0.25, 0.5, 1.0, 2.0, 4.0),
                "automatic",
                name="step_size",
                help="“automatic” sets it to 2.5 times epsilon, divided by the number of steps.",
            )
            numbers["step_size"] = None if size == "automatic" else size
        if kind.rate is not None:
            field, label, options = kind.rate
            usual = getattr(getattr(attacks, kind.engine)(), field)
            key = f"attack_rate_{kind.engine}"
            numbers[field] = linked.select_slider(label, options, usual, name="rate", key=key)
        if kind.engine == "PGD":
            numbers["random_start"] = linked.toggle(
                "Begin with a random change",
                True,
                name="random_start",
                help="Off: begins with the picture itself, which is BIM, or iterative FGSM.",
            )
        numbers |= _combined(kind)
        if kind.l2 and linked.toggle("Bound the root mean square (L2) instead", False, name="l2"):
            numbers["norm"] = "l2"
        if kind.engine == "Patch":
            for axis, side in (("row", "top"), ("column", "left")):
                place = linked.slider(f"Sticker: from the {side}, %", 0, 100, 20, 1, name=axis)
                numbers[axis] = place / 100
        if kind.engine == "CarliniWagner":
            numbers["searches"] = min(5, numbers["steps"])
        seed = linked.number_input("Seed", 0, 9999, 0, name="seed")
        same = _alike(name)
        together = linked.multiselect(
            "Attack together with",
            same,
            [],
            name="with",
            key=f"attack_together_{name}",
            disabled=not same,
            help="The mean logits of all are attacked. Only networks with the same classes can be.",
        )
    seconds = (
        GRADIENT * forward * kind.cost * numbers.get("steps", kind.steps) * (1 + len(together))
    )
    said.caption(f"{kind.words} {_duration(seconds)}")
    return Form(kind=chosen, numbers=numbers, seed=seed, backbones=(name, *together))


def _combined(kind: Kind) -> dict[str, Any]:
    """What an attack with momentum may borrow from the others."""
    from engine import attacks

    attack, found = getattr(attacks, kind.engine)(), {}
    if not isinstance(attack, attacks.MomentumIterative):
        return found
    if attack.kernel == 1 and linked.toggle("Smooth the gradient, too (TIM)", False, name="smooth"):
        found["kernel"] = attacks.TranslationInvariant().kernel
    by_copies = isinstance(attack, attacks.BlockShuffle)  # it sees the picture in its own ways
    if (
        not attack.diversity
        and not by_copies
        and linked.toggle("Diverse inputs, too (DIM)", False, name="frames")
    ):
        found["diversity"] = attacks.DiverseInput().diversity
    return found


def _duration(seconds: float) -> str:
    """How long all its steps take, roughly."""
    if seconds < 1:
        return "All steps take less than a second."
    if seconds < 90:
        return f"All steps take about {seconds:.0f} s."
    return f"All steps take about {seconds / 60:.0f} min."


def strength(form: Form) -> dict[str, Any]:
    """The number that matters most: epsilon, how many pixels, how large a sticker."""
    kind = KINDS[form.kind]
    if kind.bounded:
        shell.check_link("epsilon", tuple(map(str, EPSILONS)), "epsilon")
        epsilon = st.select_slider(
            "Epsilon, in grey levels of 255",
            EPSILONS,
            4,
            key="epsilon",
            bind="query-params",
            help="The root mean square of all changes of the picture's values."
            if form.numbers.get("norm") == "l2"
            else "The largest change of any value of the picture.",
            width=240,
        )
        return {"epsilon": epsilon}
    if kind.engine == "Sparse":
        options = (1, 5, 10, 20, 50, 100, 200, 500, 1000)
        pixels = linked.select_slider("Pixels to change", options, 100, name="pixels", width=240)
        return {"pixels": pixels}
    if kind.engine == "Patch":
        share = linked.slider(
            "Size of the sticker, % of the picture", 1, 25, 6, 1, name="share", width=240
        )
        return {"share": share / 100}
    return {}


def _alike(name: str) -> list[str]:
    """Other backbones on this machine that know the same classes."""
    own = cache.class_names(name)
    return [n for n in cache.ready() if n != name and cache.class_names(n) == own]
