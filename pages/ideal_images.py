"""Ideal images: noise becomes the network's picture of a thing, live."""

from dataclasses import replace

import streamlit as st

from components import shell
from components.ideal_images import curves, experiment, pictures, settings_form, targets
from components.ideal_images.experiment import KEY, MODES, Choices, Experiment, Plan, Sliders
from components.shell import cache, class_link, downloads, last_result
from components.widgets import charts, other_networks, pickers, run_panel

PRESETS = ("clear", "lesson", "noise")

shell.page(
    "Ideal images",
    "Keep the network as it is and change the *picture* instead: from noise, step by step, towards "
    "what the network considers a perfect example.",
)
shell.lesson_card(
    "If you ask a network for its ideal cat, will you see a cat? Will another network see one?",
    "Without a penalty, gradient descent finds noise that happens to excite the network. Variation "
    "loss makes neighbouring pixels alike, so that only shapes are left to excite it: eyes, ears, "
    "fur. What one network responds to is not quite what another responds to.",
    (
        "Fur and eyes many times over: the network does not count cats.",
        "What happens to the picture when you move the variation loss while it runs.",
        "Whether other networks recognise it.",
        "The least cat-like picture: *Minimise instead* in *More settings*.",
    ),
)


def choices() -> Choices | None:
    """Everything a person sets before the start; None while the backbone is not ready."""
    left, middle, right = st.columns([1, 1.2, 1], gap="large")
    with left:
        name = pickers.backbone()
    if (net := downloads.loaded(name)) is None:
        return None
    name = net.name
    from engine import synthesis

    with middle:
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
            "cross-entropy and variation loss. noise: no penalty at all.",
        )
    settings = synthesis.preset(preset, net)
    with right:
        shell.check_link("mode", MODES, "the comparison")
        mode = st.selectbox("Show", MODES, key="mode", bind="query-params")
        seed = shell.linked_number("seed", 0, 9999, 0)
        with st.popover("More settings", icon=":material/tune:", width="stretch"):
            more = settings_form.choose(settings, f"{preset}_{net.spec.builder}", seed)
    start = None
    if more.from_photo:
        start = pickers.picture(key="ideal_photo", label="Photo to start from").picture

    def settings_of(backbone: str) -> synthesis.Settings:
        own = synthesis.preset(preset, cache.backbone(backbone))
        weight = own.target_weight * (-1 if more.minimise else 1)
        return replace(own, **more.changed, target_weight=weight)

    words = f"least {label}" if more.minimise else label
    plans = [Plan.of(net, target, settings_of(name), words, start)]
    if mode == MODES[2]:
        with right:
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
    shell.check_link("variation", tuple(map(str, factors)), "the variation loss")
    linked = {str(factor): factor for factor in factors}.get(st.query_params.get("variation"), own)
    variation = st.select_slider(
        "Variation loss",
        factors,
        linked,
        format_func=lambda factor: experiment.number(unit * factor),
        key=f"variation_{key}",
        persist_state="session",
    )
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    rate = left.select_slider(
        "Learning rate",
        (0.1, 0.3, 1.0, 3.0, 10.0),
        1.0,
        format_func=lambda factor: experiment.number(live.learning_rate * factor),
        key=f"rate_{key}",
        persist_state="session",
    )
    moved = {}
    with right.popover("Penalties", icon=":material/compress:", width="stretch"):
        st.caption("Both pull every value towards grey; they act while it runs.")
        for name in ("l1", "l2"):
            own = getattr(live, name)
            weight = st.select_slider(
                f"Distance from grey ({name.upper()})",
                sorted({*experiment.PENALTY_WEIGHTS, own}),
                own,
                key=f"{name}_{key}",
                format_func=experiment.number,
                persist_state="session",
            )
            if weight != own:
                moved[name] = weight
    found = Sliders(variation=variation, rate=rate, penalties=tuple(moved.items()))
    if run is not None and run.sliders_of == chosen.sliders_of and run_panel.active(KEY):
        run.steer(found)
    return found


def live(chosen: Choices) -> None:
    """Controls that act while it runs, the picture, the curves."""
    run = st.session_state.get(f"{KEY}_run")
    several = run is not None and len(run.plans) > 1
    above = st.container()
    left, right = st.columns([1.25, 1], gap="large")
    with right:
        planned = chosen.experiment(sliders(chosen, run))
    progress = run or planned
    with above if several else left:  # side by side they need the whole width
        run_panel.panel(KEY, planned.begin, "Start", progress.step, progress.steps)
        if run is not None and not run.same(planned):
            shell.stale(f"the previous run, {run.words}", "Start")
        if run is None:
            pictures.nothing_yet(planned.plans[0])
        else:
            pictures.pictures(run)
    if run is not None:
        with left:
            st.plotly_chart(curves.losses(run), config=charts.CONFIG, key="ideal_losses")
        with right:
            for plan, view in zip(run.plans, run.views, strict=True):
                pictures.formula(plan, view, f"{plan.words}: " if several else "")
            frame = run.views[0].latest
            if frame is not None and not several:
                st.plotly_chart(
                    charts.confidence(frame.predictions), config=charts.CONFIG, key="ideal_bars"
                )
        with left if several else right:
            st.plotly_chart(curves.curves(run), config=charts.CONFIG, key="ideal_curves")


def afterwards() -> None:
    """What there is to do with a finished picture: look back, take it home, ask others."""
    run = st.session_state.get(f"{KEY}_run")
    if run is None or run.views[0].latest is None or run_panel.active(KEY):
        return
    plan, frame = run.plans[0], run.views[0].latest
    with shell.errors():
        pictures.downloads(run)
        pictures.timeline(run)
        if len(run.plans) == 1 and isinstance(plan.target, int):
            st.header("What other networks predict", anchor=False)
            wanted = cache.backbone(plan.backbone).class_names[plan.target]
            other_networks.recognition(plan.backbone, frame.picture, wanted)
            with st.expander("What in it matters", icon=":material/center_focus_strong:"):
                if st.toggle("Compute saliency", key="matters"):
                    curves.matters(plan, frame.picture)


set_up = class_link.choices()
with set_up:
    chosen = choices()
if chosen is not None:
    last_result.offer(KEY)
    run_panel.watch(KEY, shell.told(lambda: live(chosen)))
    variation = st.session_state.get(f"variation_{'_'.join(chosen.sliders_of)}")
    first = chosen.plans[0]
    linked, shown = experiment.link(first, chosen.preset), {}
    if variation is not None:
        linked["variation"] = str(variation)
        unit = experiment.variation_unit(first.settings.live)
        shown["variation"] = experiment.number(unit * variation)
    class_link.link(
        set_up,
        "optimizer, parametrization, transformations, learning rate, L1 and L2, two classes mixed",
        shown,
        **linked,
    )
    afterwards()
