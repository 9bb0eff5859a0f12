"""Adversarial attacks: change a photo so little that nobody sees it, and the network is fooled."""

import streamlit as st

from components import shell
from components.adversarial_attacks import checks, entry, form, pictures
from components.adversarial_attacks.experiment import KEY, Choices, Experiment, link, summary
from components.shell import cache, class_link, downloads, last_result, lesson_figures, linked
from components.widgets import every_class, pickers, run_panel
from engine import images
from engine.core.types import Prediction

GOALS = ("a class I choose", "anything else")
SHOWN = ("one network", "two networks")
CATS = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
DOG, CAT = "golden retriever", "Egyptian cat"

LESSON = shell.Lesson(
    guess="Guess: how many grey levels?",
    guesses=("1–4", "5–16", "17–64", "more"),
    question=(
        "How many grey levels of 255 must change before the network takes this picture for "
        "something else? Would random noise of that size do it as well?"
    ),
    answer=(
        "One to four, for most photos and networks. Random noise of the same size does almost "
        "nothing: the change is aimed, thousands of small changes that all raise the same "
        "class. That is why another network, a JPEG or a blur often undoes it, and why none "
        "of them is a sure defence."
    ),
    look_for=(
        "The change magnified: does it look like the target class?",
        "The same change with its pixels shuffled, under *Is it just noise?*",
        "Whether other networks fall for it, and whether an attack on several at once does better.",
        "The attacked PNG, uploaded again as your own picture.",
        "*Two networks*: Pocket beside Pocket Robust, which learned from attacked photos. The "
        "change that fools it can be seen. It cost accuracy: of a hundred photos without an "
        "attack, five more are classified wrongly.",
    ),
)

shell.page(
    "Adversarial attacks",
    "Change a photo so little that nobody sees it, and the network predicts something else.",
    LESSON,
)


def choices(net) -> Choices:
    """What a person sets before the start, besides the backbone."""
    picked = pickers.picture(default="Bull mastiff")
    picture = images.from_uint8(images.to_uint8(picked.picture))
    seen, _ = predicted(net, picture)
    st.markdown(
        f"{net.name} predicts **{seen.label}**, {100 * seen.probability:.1f} %, for "
        f"the picture “{picked.name}”."
    )
    if picked.label in net.class_names and picked.label != seen.label:
        st.caption(
            f"ImageNet labels this photo “{picked.label}”: the prediction is wrong even without an "
            "attack."
        )
    shell.check_link("goal", GOALS, "the goal")
    kind = st.segmented_control(
        "Target", GOALS, default=GOALS[0], required=True, key="goal", bind="query-params"
    )
    goal = goal_class(net, seen) if kind == GOALS[0] else None
    if goal == seen.class_index:
        st.info("That class is predicted already. Choose another one.")
    shell.check_link("show", SHOWN, "what is shown")
    shown = st.selectbox("Show", SHOWN, key="show", bind="query-params")
    nets = [net, *(second(net, goal, picture) if shown == SHOWN[1] else [])]
    wanted = None if goal is None else net.class_names[goal]
    seconds = sum(predicted(one, picture)[1] for one in nets)
    return Choices(
        form=form.settings(net.name, seconds),
        networks=tuple(one.name for one in nets),
        pictures=tuple(images.fit(picture, one.input_size) for one in nets),
        goals=tuple(None if wanted is None else one.class_names.index(wanted) for one in nets),
        called=picked.name,
        reached=goal == seen.class_index,
    )


def predicted(net, picture) -> tuple[Prediction, float]:
    """What a network predicts for a picture of any size, and the seconds that takes."""
    fitted = images.fit(picture, net.input_size)
    predictions, seconds = cache.predictions(net.name, images.digest(fitted), fitted)
    return predictions[0], seconds


def second(net, goal: int | None, picture) -> list:
    """The network to compare with, which a person chooses; none where there is none."""
    able = [n for n in cache.ready() if n != net.name]
    if goal is not None:
        able = [n for n in able if net.class_names[goal] in cache.class_names(n)]
    if not able:
        st.caption("No other backbone on this machine knows this class.")
        return []
    usual = next((n for n in ("Pocket Robust", "Pocket") if n in able), able[0])
    name = linked.selectbox(
        "The other network", able, usual, name="other", key=f"second_{net.name}"
    )
    other = cache.backbone(name)
    seen, _ = predicted(other, picture)
    st.caption(f"{name} predicts “{seen.label}”, {100 * seen.probability:.1f} %.")
    return [other]


def goal_class(net, seen) -> int:
    """The class a person chooses, or the one a link asks for; at first another than is seen."""
    shell.check_link("class", net.class_names, "the class")
    asked, usual = st.query_params.get("class"), DOG if seen.label in CATS else CAT
    names = net.class_names
    index = names.index(usual) if usual in names else int(seen.class_index == 0)
    return pickers.class_name(
        names, index, asked, backbone=net.name, key="attack_class", label="Class"
    )


def controls(chosen: Choices) -> Experiment:
    """Draws the buttons and the strength; returns the experiment that they would start."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="stage_controls"):
        buttons = st.container(width="content")
        planned = Experiment(chosen.plans(form.strength(chosen.form)))
    with buttons:
        run_panel.panel(KEY, planned.begin, "Attack", able=not chosen.reached)
    return planned


def live(planned: Experiment) -> None:
    """The attack as it is now, or the picture that is to be attacked."""
    run = st.session_state.get(f"{KEY}_run")
    pictures.watch(run or planned)
    run_panel.notices(KEY)
    if run is not None and not run.same(planned):
        shell.stale(f"the previous attack, on “{run.plan.called}”", "Attack")
    if planned.plan.reached:
        st.info("The target is predicted already. Choose another one.", icon=":material/info:")


def afterwards() -> None:
    """Draws what is shown only after an attack has ended."""
    run = st.session_state.get(f"{KEY}_run")
    if run is None or not run.ended:
        return
    shell.guess.repeat(LESSON)
    with shell.errors():
        top = run.latest.predictions[0]
        said = f"{top.label}, {100 * top.probability:.0f} %"
        lesson_figures.compare("attacks", said, run.address)
        entry.offer(run)
        pictures.size(run)
        pictures.downloads(run)
        every_class.offer(
            (one.plan.backbones[0], f"{one.plan.backbones[0]}, {when}", picture)
            for one in run.each
            for when, picture in (("before", one.plan.picture), ("after", one.latest.picture))
        )
        checks.remember(run)
        checks.sections(run)


set_up = class_link.set_up("Picture, target, attack")
with set_up.guess:
    shell.guess.ask(LESSON)
with set_up.controls:
    name = pickers.backbone()
if (net := downloads.loaded(name)) is not None:
    with set_up.controls:
        chosen = choices(net)
    plans = chosen.plans({})
    set_up.say(*summary(plans))
    shell.link_notices()
    run_panel.watch(
        KEY, shell.told(live), shell.told(lambda: controls(chosen)), every=run_panel.SHORT
    )
    class_link.link(**link(plans[0]))
    with run_panel.below():
        last_result.offer(KEY)
        afterwards()
