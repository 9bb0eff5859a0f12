"""What an ideal image can be asked for on its screen, by one network or by several."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components.ideal_images import targets
from engine.storage import weights
from engine.synthesis import ClassLogit

ROOT = Path(__file__).parents[2]


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.switch_page("pages/ideal_images.py")
    for key, value in ({"backbone": "Pocket", "steps": "20", "views": "1"} | query).items():
        app.query_params[key] = value
    return app.run()


def made(app: AppTest):
    """Starts, waits for the end, and returns what was run."""
    next(b for b in app.button if b.label == "Start").click().run()
    run = app.session_state["ideal_run"]
    for view in run.views:
        view.run.wait(120)
        assert view.run.done
    while not all(view.ended for view in run.views):  # each look shows what there is by then
        app.run()
    app.run()
    assert not app.exception
    assert not app.error
    return run


@pytest.mark.parametrize("kind", targets.ASKS)
def test_every_kind_of_target_is_drawn(kind):
    app = opened()
    app.selectbox(key="ask").set_value(kind).run()
    assert not app.exception
    run = made(app)
    frame = run.views[0].run.frames[-1]
    assert frame.last
    assert frame.step == 20


def test_a_class_can_be_taken_away_from_another():
    app = opened(ask="a mix")
    app.slider(key="second_100").set_value(-30).run()
    target = made(app).plans[0].target
    assert [weight for weight, _ in target.terms] == [0.5, -0.3]
    assert all(isinstance(part, ClassLogit) for _, part in target.terms)
    assert " minus " in app.session_state["ideal_run"].plans[0].words


def test_one_press_minimises_what_was_drawn_and_sets_the_page_so():
    app = opened(steps="20")
    first = made(app)
    app.number_input(key="seed_set").set_value(7).run()  # what is shown counts, not what is set
    app.button(key="least").click().run()
    run = app.session_state["ideal_run"]
    while not run.views[0].ended:
        run.views[0].run.wait(60)
        app.run()
    app.run()
    assert app.toggle(key="negative").value
    assert run.plans[0].words == f"least {first.plans[0].words}"
    assert run.plans[0].settings.seed == 0
    assert run.address["negative"] == "true"
    assert "seed" not in run.address
    assert run.views[0].latest.logit < first.views[0].latest.logit - 5


def test_a_class_and_a_channel_and_a_layer_are_mixed():
    app = opened(ask="a mix", parts="3", second_kind="a channel", third_kind="a whole layer")
    target = made(app).plans[0].target
    assert [type(part).__name__ for _, part in target.terms] == ["ClassLogit", "Channel", "Layer"]
    assert [weight for weight, _ in target.terms] == [0.5, 5, 5]


def test_several_networks_draw_together_and_are_not_asked_to_judge():
    app = opened()
    app.multiselect(key="together_Pocket").set_value(["Pocket Robust"]).run()
    run = made(app)
    assert run.plans[0].backbone == "Pocket + Pocket Robust"
    assert not {"Pocket", "Pocket Robust"} & judges(app)
    app.toggle(key="matters").set_value(True).run()
    assert not app.exception
    again = opened(**{"with": "Pocket Robust,nonsense"})
    assert again.multiselect(key="together_Pocket").value == ["Pocket Robust"]


def test_the_link_of_a_run_follows_its_sliders_and_nothing_that_was_set_since():
    app = opened(steps="1000")
    next(b for b in app.button if b.label == "Start").click().run()
    run = app.session_state["ideal_run"]
    app.number_input(key="seed_set").set_value(7).run()
    for factor in (2.0, 3.0):
        app.select_slider(key="variation_clear_Pocket").set_value(factor).run()
        assert run.address["variation"] == str(factor)
    app.select_slider(key="variation_clear_Pocket").set_value(1.0).run()
    assert "variation" not in run.address
    assert "seed" not in run.address
    for view in run.views:
        view.stop()


def judges(app: AppTest) -> set[str]:
    """Networks that can be asked; none on a machine without others."""
    boxes = [box for box in app.multiselect if box.label == "Networks to ask"]
    told = any("No other backbone is on this machine" in c.value for c in app.caption)
    assert bool(boxes) != told
    return {option for box in boxes for option in box.options}


def test_parts_that_matter_are_shown_of_a_picture_larger_than_the_input():
    app = opened(preset="clear")
    assert made(app).views[0].latest.picture.shape == (192, 192, 3)
    app.toggle(key="matters").set_value(True).run()
    assert not app.exception
    assert not app.error


@pytest.mark.skipif("MobileNetV2" not in weights.available(), reason="needs MobileNetV2")
def test_the_slider_of_natural_statistics_says_what_it_holds():
    app = opened(backbone="MobileNetV2")
    (slider,) = (s for s in app.select_slider if s.label == "Natural statistics")
    assert "total activation of the last feature maps" in slider.help
    assert slider.help.endswith("Source: 500 photos of ImageNet.")
    app = opened(natural="True")  # Pocket, whose total was not measured
    (slider,) = (s for s in app.select_slider if s.label == "Natural statistics")
    assert "total activation" not in slider.help
    assert slider.help.endswith("Source: its own batch normalization.")
