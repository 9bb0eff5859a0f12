"""Adversarial attacks: change a photo so little that nobody sees it, and the network is fooled."""

import streamlit as st

from components import shell
from components.adversarial_attacks import checks, form, pictures
from components.adversarial_attacks.experiment import KEY, Choices, Experiment, link, summary
from components.shell import cache, class_link, downloads, last_result
from components.widgets import pickers, run_panel
from engine import images

GOALS = ("a class I choose", "anything else")
CATS = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
DOG, CAT = "golden retriever", "Egyptian cat"

shell.page(
    "Adversarial attacks",
    "Change a photo so little that nobody sees it, and the network predicts something else.",
    shell.Lesson(
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
            "Whether other networks fall for it, and whether an attack on several at once does "
            "better.",
            "The attacked PNG, uploaded again as your own picture.",
        ),
    ),
)


def choices(net) -> Choices:
    """What a person sets before the start, besides the backbone."""
    picked = pickers.picture()
    picture = images.fit(images.from_uint8(images.to_uint8(picked.picture)), net.input_size)
    answer, _ = cache.predictions(net.name, images.digest(picture), picture)
    st.markdown(
        f"{net.name} predicts **{answer[0].label}**, {100 * answer[0].probability:.1f} %, for "
        f"the picture “{picked.name}”."
    )
    shell.check_link("goal", GOALS, "the goal", boxed=True)
    kind = st.segmented_control(
        "Target", GOALS, default=GOALS[0], required=True, key="goal", bind="query-params"
    )
    goal = goal_class(net, answer[0]) if kind == GOALS[0] else None
    if goal == answer[0].class_index:
        st.info("That class is predicted already. Choose another one.")
    return Choices(
        form=form.settings(net.name),
        picture=picture,
        called=picked.name,
        goal=goal,
        reached=goal == answer[0].class_index,
    )


def goal_class(net, seen) -> int:
    """The class a person chooses, or the one a link asks for; at first another than is seen."""
    shell.check_link("class", net.class_names, "the class", boxed=True)
    wanted = (st.query_params.get("class"), DOG if seen.label in CATS else CAT)
    index = next((net.class_names.index(n) for n in wanted if n in net.class_names), None)
    if index is None:
        index = int(seen.class_index == 0)
    return pickers.class_name(net.class_names, index, key=f"attack_class_{net.name}", label="Class")


def controls(chosen: Choices) -> Experiment:
    """The buttons, and the number that matters most; gives what a start would make."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="stage_controls"):
        buttons = st.container(width="content")
        planned = Experiment(chosen.plan(form.strength(chosen.form)))
    with buttons:
        run_panel.panel(KEY, planned.begin, "Attack", able=not chosen.reached)
    return planned


def live(planned: Experiment) -> None:
    """The attack as it is now, or the picture that is to be attacked."""
    run = st.session_state.get(f"{KEY}_run")
    pictures.watch(run or planned)
    run_panel.notices(KEY)
    if run is not None and not run.plan.same(planned.plan):
        shell.stale(f"the previous attack, on “{run.plan.called}”", "Attack")
    if planned.plan.reached:
        st.info("The target is predicted already. Choose another one.", icon=":material/info:")


def afterwards() -> None:
    """What there is to ask of an attack that has ended."""
    run = st.session_state.get(f"{KEY}_run")
    if run is None or not run.ended:
        return
    with shell.errors():
        pictures.size(run)
        pictures.downloads(run)
        checks.remember(run)
        checks.sections(run)


set_up = class_link.set_up("Picture, target, attack")
with set_up.controls:
    name = pickers.backbone()
if (net := downloads.loaded(name)) is not None:
    with set_up.controls:
        chosen = choices(net)
    plan = chosen.plan({})
    set_up.say(*summary(plan))
    shell.link_notices()
    run_panel.watch(KEY, shell.told(live), shell.told(lambda: controls(chosen)))
    last_result.offer(KEY)
    class_link.link("the numbers under *More settings*, pixels and sticker", **link(plan))
    afterwards()
