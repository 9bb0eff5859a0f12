"""A game: which of two photos does a channel respond to?

As in the study it is compared with: some references, two candidates, one choice (Borowski et al.,
"Exemplary Natural Images Explain CNN Activations Better than State-of-the-Art Feature
Visualization", 2021, arXiv:2010.12606).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from components import shell
from components.shell import cache
from components.widgets import gallery, show_it
from engine import images
from engine.core.types import Patch

ROUNDS, REFERENCES, TRIES = 10, 4, 100
PEOPLE = {"photos": 92, "a drawing": 82}  # % right in the study, with such references
PATCH, CANDIDATE = 68, 144  # px: four references in a row on a phone, and two candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A channel, photos it responds to and not, and two candidates of which `answer` is right."""

    layer: str
    channel: int
    strong: Sequence[np.ndarray]
    weak: Sequence[np.ndarray]
    candidates: tuple[np.ndarray, np.ndarray]
    answer: int


@dataclass(slots=True, kw_only=True)
class Game:
    """Ten rounds with one backbone and one kind of reference; `right` has an answer each."""

    backbone: str
    kind: str
    seed: int
    question: Question
    right: list[bool] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether all rounds are played."""
        return len(self.right) >= ROUNDS


def ask(name: str, seed: int, number: int) -> Question:
    """The question of a round: a channel that tells the samples apart, chosen by the seed."""
    generator = np.random.default_rng([seed, number])
    layers = [
        info.name
        for info in cache.backbone(name).layers
        if info.has_maps and 0.3 < info.depth < 0.95 and info.kind in ("ReLU", "Activation")
    ] or [info.name for info in cache.backbone(name).layers if info.has_maps]
    for _ in range(TRIES):
        layer = str(generator.choice(layers))
        count = cache.backbone(name).layer(layer).shape[-1]
        channel = int(generator.integers(count))
        patches = [patch for _, patch in cache.sample_patches(name, layer, channel)]
        if _told_apart(patches):
            break
    return _question(layer, channel, patches, generator)


def _told_apart(patches: Sequence[Patch]) -> bool:
    """Whether one candidate excites the channel more than twice as much as the other."""
    strong, weak = (abs(patches[k].response) for k in (REFERENCES, -1 - REFERENCES))
    return strong > 2 * weak and strong > 1e-6


def _question(
    layer: str, channel: int, patches: Sequence[Patch], generator: np.random.Generator
) -> Question:
    pixels = [patch.pixels for patch in patches]  # the strongest first
    answer = int(generator.integers(2))
    right, wrong = pixels[REFERENCES], pixels[-1 - REFERENCES]
    return Question(
        layer=layer,
        channel=channel,
        strong=pixels[:REFERENCES],
        weak=pixels[-REFERENCES:],
        candidates=(wrong, right) if answer else (right, wrong),
        answer=answer,
    )


@shell.fragment
def play(name: str) -> None:
    """The game, in a box of its own."""
    with (
        shell.errors(),
        st.expander("Game: which photo does this channel respond to?", icon=":material/extension:"),
    ):
        game: Game | None = st.session_state.get("channel_game")
        if game is None or game.backbone != name:
            _begin(name)
        elif game.over:
            _result(game)
        else:
            _round(game)


def _begin(name: str) -> None:
    st.markdown(
        "You see photos that a channel responds to, and photos that it does not. Which of two new "
        f"ones does it respond to? {ROUNDS} rounds; by chance you would be right in half of them."
    )
    kind = st.segmented_control(
        "You are shown",
        list(PEOPLE),
        default="photos",
        required=True,
        key="game_kind",
        bind="query-params",
    )

    def start() -> None:
        seed = secrets.randbelow(10**6)
        st.session_state.channel_game = Game(
            backbone=name, kind=kind, seed=seed, question=ask(name, seed, 0)
        )

    st.button("Play", icon=":material/play_arrow:", on_click=start, key="game_start")


def _round(game: Game) -> None:
    question = game.question
    st.caption(
        f"Round {len(game.right) + 1} of {ROUNDS}, {sum(game.right)} right. Channel "
        f"{question.channel} of {question.layer}"
    )
    if game.kind == "photos":
        left, right = st.columns(2, gap="medium")
        with left:
            _row(question.strong, "It responds strongly to these")
        with right:
            _row(question.weak, "It responds little to these")
    else:
        drawn = cache.channel_picture(game.backbone, question.layer, question.channel)
        words = "What excites it most, drawn by gradient descent"
        _picture(drawn, words, CANDIDATE)
        st.caption(words)
    st.markdown("**Which of these does it respond to?**")
    with st.container(horizontal=True, gap="small"):  # beside each other on a phone, too
        for k, candidate in enumerate(question.candidates):
            words = f"Photo {k + 1}"
            with st.container(width=CANDIDATE):
                _picture(candidate, words, CANDIDATE)
                st.button(
                    words,
                    on_click=_chosen,
                    args=(game, len(game.right), k),
                    key=f"game_{len(game.right)}_{k}",  # a second click does not answer the next
                    width="stretch",
                )


def _row(pictures: Sequence[np.ndarray], words: str) -> None:
    st.caption(words)
    with st.container(horizontal=True, gap="xsmall"):
        for number, picture in enumerate(pictures, 1):
            _picture(picture, f"{words}: photo {number}", PATCH)


def _picture(picture: np.ndarray, words: str, width: int) -> None:
    gallery.show(images.fit(picture, (2 * width, 2 * width)), words, width=width)


def _chosen(game: Game, number: int, choice: int) -> None:
    if number != len(game.right):
        return  # answered already
    right = choice == game.question.answer
    game.right.append(right)
    st.toast("Right." if right else "No, the other one.", icon="✅" if right else "❌")
    if not game.over:
        game.question = ask(game.backbone, game.seed, len(game.right))


def _result(game: Game) -> None:
    score = sum(game.right)
    st.markdown(
        f"**{score} of {ROUNDS} right**, with {game.kind} as references. In a study people were "
        f"right in {PEOPLE['photos']} % with photos and in {PEOPLE['a drawing']} % with drawings, "
        "of a larger network and with more photos to choose from; by chance one is right in half."
    )
    show_it.button("game", str(game.seed), lambda: _shown(game))

    def again() -> None:
        del st.session_state.channel_game

    st.button("Play again", icon=":material/replay:", on_click=again, key="game_again")


def _shown(game: Game) -> show_it.Shown:
    score = sum(game.right)
    return show_it.Shown(
        title=f"Channel game: {score} of {ROUNDS}",
        link=show_it.link("feature_maps", game.backbone, {"backbone": game.backbone}),
        figures={"network": game.backbone, "references": game.kind},
        score=float(score),
    )
