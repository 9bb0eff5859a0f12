"""Ideal images: noise becomes the network's picture of a thing, live."""

from dataclasses import replace

import streamlit as st

from components import shell
from components.ideal_images import (
    entry,
    experiment,
    natural_statistics,
    pictures,
    saliency,
    settings_form,
    targets,
)
from components.ideal_images.experiment import KEY, MODES, Choices, Experiment, Plan, Sliders
from components.shell import cache, class_link, downloads, last_result, lesson_figures, linked
from components.widgets import every_class, other_networks, pickers, run_panel

PRESETS = ("clear", "lesson", "noise")
USUAL = "Pocket Robust"  # the network whose pictures a person recognises most often

LESSON = shell.Lesson(
    guess="Guess: what will you see?",
    guesses=("the thing", "parts of it, all over", "noise"),
    question=(
        "If you ask a network for its ideal cat, will you see a cat? Will another network see one?"
    ),
    answer=(
        "Without a penalty, gradient descent finds noise that happens to excite the network. "
        "Variation loss makes neighbouring pixels alike, so that only shapes are left to "
        "excite it: eyes, ears, fur. A network that learned from attacked photos, Pocket "
        "Robust, draws what a person recognises, almost without help: what excites it is more "
        "like what we see."
    ),
    look_for=(
        "Fur and eyes many times over: the network does not count cats.",
        "What happens to the picture when you move the variation loss while it runs.",
        "Whether other networks recognise it.",
        "The preset *noise* with Pocket, and with Pocket Robust.",
        "The least cat-like picture: press *Minimise instead* below a finished one.",
    ),
)

shell.page(
    "Ideal images",
    "Change the picture instead of the network: from noise to the network's ideal example.",
    LESSON,
)


def choices(net) -> Choices:
    """What a person sets before the start, besides the backbone."""
    from engine import synthesis

    name = net.name
    target, label = targets.choose(net)
    shell.check_link("preset", PRESETS, "the preset")
    preset = st.segmented_control(
        "Preset",
        PRESETS,
        default="clear",
        required=True,
        key="preset",
        bind="query-params",
        help="clear: the best pictures we know how to make. lesson: plain pixels, "
        "cross-entropy and variation loss. noise: no penalty at all; the result looks like "
        "noise unless the network is robust.",
    )
    settings = synthesis.preset(preset, net)
    shell.check_link("mode", MODES, "the comparison")
    mode = st.selectbox("Show", MODES, key="mode", bind="query-params")
    with st.expander("More settings", icon=":material/tune:"):
        known = natural_statistics.of(name).layers or natural_statistics.offer(name)
        more = settings_form.choose(
            settings,
            f"{preset}_{net.spec.builder}",
            known=bool(known),
            resizable=net.resizable,
            of_class=isinstance(target, int),
        )
    start = None
    if more.from_photo:
        start = pickers.picture(label="Photo to start from").picture

    def settings_of(backbone: str) -> synthesis.Settings:
        own = synthesis.preset(preset, cache.backbone(backbone))
        weight = own.target_weight * (-1 if more.minimise else 1)
        made = replace(own, **more.changed, target_weight=weight)
        if more.small != bool(own.small):
            first = synthesis.small_first(cache.backbone(backbone), made.steps)
            made = replace(made, small=first if more.small else ())
        if more.rate is not None:
            made = replace(made, live=replace(made.live, learning_rate=more.rate))
        if made.natural and not natural_statistics.of(backbone).layers:
            return replace(made, natural=False, until_certain=False)
        if made.natural and not made.live.natural:
            made = replace(made, live=replace(made.live, natural=0.3))
        return made

    words = f"{experiment.LEAST}{label}" if more.minimise else label
    plans = [Plan.of(net, target, settings_of(name), words, start)]
    if mode == MODES[2] and not isinstance(target, int):
        st.caption("Two backbones can be compared where the target is a class.")
    elif mode == MODES[2]:
        other = experiment.other_plan(name, label, settings_of, start)
        if other:
            plans = [replace(plans[0], words=name), *other]
    return Choices(plans=plans, mode=mode, preset=preset)


def sliders(chosen: Choices, run: Experiment | None) -> Sliders:
    """What a person may change while it runs; acts at once on a run of the same preset."""
    live, key = chosen.plans[0].settings.live, "_".join(chosen.sliders_of)
    unit = experiment.variation_unit(live)
    factors = (0.0, *experiment.FACTORS)
    own = 1.0 if live.variation else 0.0
    variation = linked.select_slider(
        "Variation loss",
        factors,
        own,
        name="variation",
        format_func=lambda factor: experiment.number(unit * factor),
        key=f"variation_{key}",
        persist_state="session",
        width=240,
        help="Lower: fine lines and noise. Higher: smoother areas. At the maximum, shapes merge "
        "into bright and dark areas, and little is left to excite the network.",
    )
    moved, natural = {}, 1.0
    with st.popover("More", icon=":material/compress:", key="while_it_runs"):
        if chosen.plans[0].settings.natural:
            natural = linked.select_slider(
                "Natural statistics",
                (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
                1.0,
                name="naturalness",
                format_func=lambda factor: experiment.number(live.natural * factor),
                key=f"naturalness_{key}",
                persist_state="session",
                help=natural_statistics.words(chosen.sliders_of[1]),
            )
        rate = linked.select_slider(
            "Learning rate",
            (0.1, 0.3, 1.0, 3.0, 10.0),
            1.0,
            name="rate",
            format_func=lambda factor: experiment.number(live.learning_rate * factor),
            key=f"rate_{key}",
            persist_state="session",
        )
        st.caption("These penalties pull values towards grey. Changes apply while it runs.")
        for name, words in experiment.NORMS.items():
            own = getattr(live, name)
            weight = linked.select_slider(
                f"Distance from grey ({words})",
                sorted({*experiment.PENALTY_WEIGHTS, own}),
                own,
                name=name,
                key=f"{name}_{key}",
                format_func=experiment.number,
                persist_state="session",
            )
            if weight != own:
                moved[name] = weight
    found = Sliders(variation=variation, rate=rate, natural=natural, penalties=tuple(moved.items()))
    if run is not None and run.sliders_of == chosen.sliders_of and run_panel.active(KEY):
        run.steer(found)
    return found


def controls(chosen: Choices) -> Experiment:
    """Draws the buttons and the live sliders; returns the experiment that they would start."""
    run = st.session_state.get(f"{KEY}_run")
    with st.container(horizontal=True, vertical_alignment="bottom", key="stage_controls"):
        buttons = st.container(width="content")
        planned = chosen.experiment(sliders(chosen, run))
    with buttons:
        run_panel.panel(KEY, planned.begin, "Start")
    return planned


def live(planned: Experiment) -> None:
    """The pictures of the run, or what the planned one begins with."""
    run = st.session_state.get(f"{KEY}_run")
    pictures.watch(run or planned)
    run_panel.notices(KEY)
    if run is not None and not run.same(planned):
        shell.stale(f"the previous run, {run.words}", "Start")


def afterwards() -> None:
    """Draws what is shown for a finished picture: downloads, and other networks' predictions."""
    run = st.session_state.get(f"{KEY}_run")
    if run is None or run.views[0].latest is None or run_panel.active(KEY):
        return
    plan, frame = run.plans[0], run.views[0].latest
    shell.guess.repeat(LESSON)
    with shell.errors():
        sure = f"{100 * frame.probability:.0f} % with {plan.backbone}"
        lesson_figures.compare("ideal images", sure, run.address)
        if len(run.plans) == 1:
            entry.offer(run)
        with st.container(horizontal=True):
            pictures.go_on(run)
            pictures.another(run)
            pictures.least(run)
        for one, view in zip(run.plans, run.views, strict=True):
            pictures.formula(one, view, f"{one.words}: " if len(run.plans) > 1 else "")
        pictures.downloads(run)
        if len(run.plans) == 1:
            every_class.offer([(plan.backbone, plan.backbone, frame.picture)])
        if len(run.plans) == 1 and isinstance(plan.target, int):
            st.header("What other networks predict", anchor=False)
            wanted = cache.backbone(plan.backbone).class_names[plan.target]
            other_networks.recognition(plan.backbone, frame.picture, wanted)
            with st.expander("Which parts matter", icon=":material/center_focus_strong:"):
                if st.toggle("Compute saliency", key="matters", bind="query-params"):
                    saliency.matters(plan, frame)


def offer_link(chosen: Choices) -> None:
    """A link to the page as it is set."""
    class_link.link(**experiment.link(chosen.plans[0], chosen.preset))


set_up = class_link.set_up("Target and backbone")
with set_up.guess:
    shell.guess.ask(LESSON)
with set_up.controls:
    name = pickers.backbone(usual=USUAL)
if (net := downloads.loaded(name)) is not None:
    with set_up.controls:
        with shell.errors():
            net = cache.backbone(pickers.together(name))
        chosen = choices(net)
    set_up.say(*experiment.summary(chosen))
    shell.link_notices()
    run_panel.watch(KEY, shell.told(live), shell.told(lambda: controls(chosen)))
    offer_link(chosen)
    with run_panel.below():
        last_result.offer(KEY)
        afterwards()
