"""Adversarial attacks: change a photo so little that nobody sees it, and the network is fooled."""

import streamlit as st

from components import shell
from components.adversarial_attacks import checks, form, pictures
from components.adversarial_attacks.experiment import KEY, Experiment, Plan, link
from components.shell import cache, class_link, downloads, last_result
from components.widgets import pickers, run_panel
from engine import images

GOALS = ("a class I choose", "anything else")
CATS = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
DOG, CAT = "golden retriever", "Egyptian cat"

shell.page(
    "Adversarial attacks",
    "Change a photo so little that nobody sees it, and the network predicts something else.",
)
shell.lesson_card(
    "How many grey levels of 255 must change before the network takes this picture for something "
    "else? Would random noise of that size do it as well?",
    "One to four, for most photos and networks. Random noise of the same size does almost nothing: "
    "the change is aimed, thousands of small changes that all raise the same class. That is why "
    "another network, a JPEG or a blur often undoes it, and why none of them is a sure defence.",
    (
        "The change magnified: does it look like the target class?",
        "The same change with its pixels shuffled, under *Is it just noise?*",
        "Whether other networks fall for it, and whether an attack on several at once does better.",
        "The attacked PNG, uploaded again as your own picture.",
    ),
)


def choices() -> Plan | None:
    """Everything a person sets before the start; None while the backbone is not ready."""
    left, middle, right = st.columns([1.3, 1, 1], gap="large")
    with left:
        name = pickers.backbone()
    if (net := downloads.loaded(name)) is None:
        return None
    with left:
        picked = pickers.picture()
    picture = images.fit(images.from_uint8(images.to_uint8(picked.picture)), net.input_size)
    answer, _ = cache.predictions(net.name, images.digest(picture), picture)
    with middle:
        shell.check_link("goal", GOALS, "the goal")
        kind = st.segmented_control(
            "Target", GOALS, default=GOALS[0], required=True, key="goal", bind="query-params"
        )
        goal = None
        if kind == GOALS[0]:
            goal = goal_class(net, answer[0])
            if goal == answer[0].class_index:
                st.info("That class is predicted already. Choose another one.")
        st.markdown(
            f"{net.name} predicts **{answer[0].label}**, {100 * answer[0].probability:.1f} %, for "
            f"the picture “{picked.name}”."
        )
    with right:
        chosen, how, seed, backbones = form.settings(net.name)
    return Plan(
        backbones=backbones,
        picture=picture,
        called=picked.name,
        goal=goal,
        attack=how,
        kind=chosen,
        seed=seed,
        reached=goal == answer[0].class_index,
    )


def goal_class(net, seen) -> int:
    """The class a person chooses, or the one a link asks for; at first another than is seen."""
    shell.check_link("class", net.class_names, "the class")
    wanted = (st.query_params.get("class"), DOG if seen.label in CATS else CAT)
    index = next((net.class_names.index(n) for n in wanted if n in net.class_names), None)
    if index is None:
        index = int(seen.class_index == 0)
    return pickers.class_name(net.class_names, index, key=f"attack_class_{net.name}", label="Class")


def live(plan: Plan) -> None:
    """The panel, the pictures, the film."""
    run = st.session_state.get(f"{KEY}_run")
    shown = run or Experiment(plan)
    run_panel.panel(
        KEY,
        Experiment(plan).begin,
        "Attack",
        shown.step,
        max(shown.plan.attack.steps, 1),
        able=not plan.reached,
    )
    if run is not None and not run.plan.same(plan):
        shell.stale(f"the previous attack, on “{run.plan.called}”", "Attack")
    ended = run is not None and not run_panel.active(KEY) and run.latest
    if ended:
        with shell.errors():
            pictures.outcome(run)
    kept = sorted(shown.pictures)
    step = None
    if ended and len(kept) > 2:
        best, key = shown.latest.step, f"attack_step_{id(run)}"
        step = st.session_state.get(key, best)
    pictures.pictures(shown, step)
    if step is not None:
        st.select_slider("Film", kept, best, key=key, format_func=lambda k: f"step {k}")
    left, right = st.columns([1, 1.25], gap="large")
    if ended:
        with left:
            pictures.wipe(run)
    if run is not None and len(run.frames) > 2:
        with right:
            pictures.film(run)
            if ended:
                pictures.answers(run, step)


def afterwards() -> None:
    """What there is to ask of an attack that has ended."""
    run = st.session_state.get(f"{KEY}_run")
    if run is None or run.latest is None or run_panel.active(KEY):
        return
    with shell.errors():
        pictures.downloads(run)
        checks.remember(run)
        checks.sections(run)


set_up = class_link.choices()
with set_up:
    plan = choices()
if plan is not None:
    last_result.offer(KEY)
    class_link.link(set_up, "the numbers under *More settings*, pixels and sticker", **link(plan))
    run_panel.watch(KEY, shell.told(lambda: live(plan)))
    afterwards()
