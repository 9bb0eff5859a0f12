"""Ideal images: noise becomes the network's picture of a thing, live."""

from dataclasses import replace
from typing import Any

import streamlit as st

from components import shell
from components.ideal_images import curves, ideal, settings_form, targets
from components.shell import cache, class_link, downloads, last_result
from components.widgets import charts, other_networks, pickers, run_panel

MODES = ("one picture", "three variation losses", "two backbones")
RECIPES = ("clear", "lesson", "noise")

shell.page(
    "Ideal images",
    "Leave the network as it is and change the *picture*: from noise, step by step, towards what "
    "the network takes for a perfect example.",
)
shell.lesson_card(
    "If you ask a network for its ideal cat, will you see a cat? Will another network see one?",
    "Without a penalty, gradient descent finds noise that happens to excite the network. Variation "
    "loss makes neighbouring pixels alike, so that only shapes are left to excite it: eyes, ears, "
    "fur. What one network likes is not quite what another likes.",
    (
        "Fur and eyes many times over: the network does not count cats.",
        "What happens to the picture when you move the variation loss while it runs.",
        "Whether the other networks agree on what it is.",
        "The least cat-like picture: switch to the negative in *More settings*.",
    ),
)


def choices() -> dict[str, Any] | None:
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
        shell.check_link("preset", RECIPES, "the recipe")
        preset = st.segmented_control(
            "Recipe",
            RECIPES,
            default="clear",
            required=True,
            key="preset",
            bind="query-params",
            help="clear: the best pictures we know how to make. lesson: plain pixels, "
            "cross-entropy and variation loss. noise: no penalty at all.",
        )
    settings = synthesis.preset(preset, net.spec.builder)
    with right:
        shell.check_link("mode", MODES, "the comparison")
        mode = st.selectbox("Show", MODES, key="mode", bind="query-params")
        seed = shell.linked_number("seed", 0, 9999, 0)
        with st.popover("More settings", icon=":material/tune:", width="stretch"):
            more = settings_form.choose(settings, f"{preset}_{net.spec.builder}", seed)
    start, negative = None, more["negative"]
    if more["from_photo"]:
        start = pickers.picture(key="ideal_photo", label="Photo to start from").picture

    def settings_of(backbone: str) -> synthesis.Settings:
        own = synthesis.preset(preset, cache.backbone(backbone).spec.builder)
        return replace(
            own, **more["settings"], target_weight=own.target_weight * (-1 if negative else 1)
        )

    words = f"least {label}" if negative else label
    planned = [ideal.Plan.of(net, target, settings_of(name), words, start)]
    if mode == "two backbones":
        with right:
            other = ideal.other_plan(name, label, settings_of, start)
        if other:
            planned = [replace(planned[0], words=name), *other]
    return {"plans": planned, "mode": mode, "recipe": (preset, name)}


def sliders(chosen: dict[str, Any], run: ideal.Run | None) -> ideal.Steering:
    """What a person may change while it runs; acts at once on a run of the same recipe."""
    settings, key = chosen["plans"][0].settings, "_".join(chosen["recipe"])
    unit = ideal.variation_unit(settings)
    factors = (0.0, *ideal.FACTORS)
    own = 1.0 if settings.variation_weight else 0.0
    shell.check_link("variation", tuple(map(str, factors)), "the variation loss")
    linked = {str(factor): factor for factor in factors}.get(st.query_params.get("variation"), own)
    variation = st.select_slider(
        "Variation loss",
        factors,
        linked,
        format_func=lambda factor: ideal.number(unit * factor),
        key=f"variation_{key}",
        persist_state="session",
    )
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    rate = left.select_slider(
        "Learning rate",
        (0.1, 0.3, 1.0, 3.0, 10.0),
        1.0,
        format_func=lambda factor: ideal.number(settings.learning_rate * factor),
        key=f"rate_{key}",
        persist_state="session",
    )
    with right.popover("Penalties", icon=":material/compress:", width="stretch"):
        st.caption("Both pull every value towards grey; they act while it runs.")
        weights: dict[str, float | None] = {}
        for name, words, own in (
            ("l1", "Distance from grey (L1)", settings.l1_weight),
            ("l2", "Distance from grey (L2)", settings.l2_weight),
        ):
            weight = st.select_slider(
                words,
                sorted({*ideal.PENALTY_WEIGHTS, own}),
                own,
                key=f"{name}_{key}",
                format_func=ideal.number,
                persist_state="session",
            )
            weights[name] = None if weight == own else weight
    steering = ideal.Steering(variation=variation, rate=rate, **weights)
    if run is not None and run.recipe == chosen["recipe"] and run_panel.active(ideal.KEY):
        run.steer(steering)
    return steering


def live(chosen: dict[str, Any]) -> None:
    """Controls that act while it runs, the picture, the curves."""
    run = st.session_state.get("ideal_run")
    several = run is not None and len(run.plans) > 1
    above = st.container()
    left, right = st.columns([1.25, 1], gap="large")
    with right:
        steering = sliders(chosen, run)
    planned = ideal.planned(chosen, steering)
    progress = run or planned
    with above if several else left:  # side by side they need the whole width
        run_panel.panel(ideal.KEY, planned.begin, "Start", progress.step, progress.steps)
        if run is not None and not run.same(planned):
            shell.stale(f"the run before, {run.words}", "Start")
        if run is None:
            ideal.nothing_yet(planned.plans[0])
        else:
            ideal.pictures(run)
    if run is not None:
        with left:
            st.plotly_chart(curves.losses(run), config=charts.CONFIG, key="ideal_losses")
        with right:
            frame = run.recordings[0].latest
            for one, controls, record in zip(run.plans, run.controls, run.recordings, strict=True):
                ideal.formula(one, controls, record.latest, f"{one.words}: " if several else "")
            if frame is not None and not several:
                st.plotly_chart(
                    charts.confidence(frame.predictions), config=charts.CONFIG, key="ideal_bars"
                )
        with left if several else right:
            st.plotly_chart(curves.curves(run), config=charts.CONFIG, key="ideal_curves")


def afterwards() -> None:
    """What there is to do with a picture that is made: look back, take home, ask others."""
    run = st.session_state.get("ideal_run")
    if run is None or run.recordings[0].latest is None or run_panel.active(ideal.KEY):
        return
    plan, record = run.plans[0], run.recordings[0]
    with shell.errors():
        ideal.downloads(run)
        ideal.timeline(run)
        if len(run.plans) == 1 and isinstance(plan.target, int):
            st.header("What other networks predict", anchor=False)
            wanted = cache.backbone(plan.backbone).class_names[plan.target]
            other_networks.recognition(plan.backbone, record.latest.picture, wanted)
            with st.expander("What in it matters", icon=":material/center_focus_strong:"):
                if st.toggle("Ask every pixel", key="matters"):
                    curves.matters(plan, record.latest.picture)


with class_link.choices():
    chosen = choices()
if chosen is not None:
    last_result.offer(ideal.KEY)
    run_panel.watch(ideal.KEY, shell.told(lambda: live(chosen)))
    variation = st.session_state.get(f"variation_{'_'.join(chosen['recipe'])}")
    first = chosen["plans"][0]
    linked, shown = ideal.link(first, chosen["recipe"][0]), {}
    if variation is not None:
        linked["variation"] = str(variation)
        shown["variation"] = ideal.number(ideal.variation_unit(first.settings) * variation)
    class_link.link(
        "optimizer, parametrization, transformations, learning rate, L1 and L2, two classes mixed",
        shown,
        **linked,
    )
    afterwards()
