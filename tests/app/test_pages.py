"""Every page by Streamlit's own test runner: opened cold, with good and senseless links."""

import base64
import json
import re
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components.feature_maps import game
from engine import images
from engine.backbones import pocket
from engine.storage import archives, registry, weights

ROOT = Path(__file__).parents[2]
PAGES = [f"pages/{p.name}" for p in sorted((ROOT / "pages").glob("*.py"))]


def opened(page: str | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    if page:
        app.switch_page(page)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def test_home_lists_every_backbone():
    app = opened()
    assert not app.exception
    names = list(app.dataframe[0].value["Backbone"])
    assert {"MobileNetV2", "VGG16", "ConvNeXtTiny"} <= set(names)
    ready = app.dataframe[0].value["On this machine"] == "ready"
    assert set(app.dataframe[0].value["Backbone"][ready]) == set(weights.available())


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_cold(page):
    app = opened(page)
    assert not app.exception
    assert app.title[0].value


def test_a_missing_backbone_is_offered_not_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    app = opened("pages/feature_maps.py", backbone="VGG16")
    assert not app.exception
    assert app.selectbox(key="backbone").value == "VGG16"
    assert "VGG16 is not on this machine yet: 553 MB" in app.warning[0].value
    assert app.button(key="offer_VGG16").label == "Download VGG16"
    assert not [s for s in app.selectbox if s.key == "layer"]


def test_a_damaged_weights_file_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "models"
    folder.mkdir()
    names = {str(k): [f"n{k}", f"class {k}"] for k in range(1000)}
    (folder / weights.INDEX_NAME).write_text(json.dumps(names))
    (folder / "mobilenet_1_0_224_tf.h5").write_bytes(b"<html>log in</html>")
    app = opened("pages/feature_maps.py", backbone="MobileNet")
    assert not app.exception
    assert "mobilenet_1_0_224_tf.h5 does not hold MobileNet's weights" in app.error[0].value
    assert str(tmp_path) not in app.error[0].value
    assert app.button(key="offer_MobileNet").label == "Download MobileNet again"


@pytest.mark.skipif("MobileNetV2" not in weights.available(), reason="needs MobileNetV2")
@pytest.mark.skipif("MobileNetV2" not in weights.available(), reason="needs MobileNetV2")
def test_every_control_of_the_first_screen_works():
    app = opened("pages/feature_maps.py", layer="block_13_expand_relu")
    assert app.selectbox(key="layer").value == "block_13_expand_relu"

    def after(widget, value) -> str:
        widget.set_value(value).run()
        assert not app.exception
        assert not app.error
        return " ".join(m.value for m in app.markdown)

    after(app.segmented_control(key="order"), "by number")
    after(app.segmented_control(key="scaling"), "per channel")
    after(app.toggle(key="show_all"), True)
    assert "**Channel 575**" in after(app.number_input(key="channel"), 575)
    assert "The difference: astronaut minus cat" in after(
        app.segmented_control(key="compare"), "another picture"
    )
    assert "Both responses are identical" in after(app.pills(key="sample2"), "Cat") + " ".join(
        info.value for info in app.info
    )
    assert "**1280 channels" in after(app.selectbox(key="layer"), "out_relu")
    assert "**Channel 1279**" in after(app.number_input(key="channel"), 1279)
    assert "**96 channels" in after(app.selectbox(key="layer"), "block_1_expand_relu")


def test_the_sample_stays_until_there_is_an_upload():
    app = opened("pages/feature_maps.py", sample="Rocket")
    app.segmented_control(key="sample_source").set_value("Upload").run()
    assert any("Using sample “rocket”" in c.value for c in app.caption)
    app.segmented_control(key="sample_source").set_value("Samples").run()
    assert app.pills(key="sample").value == "Rocket"


def test_a_backbone_that_is_not_here_says_what_it_costs_and_a_link_names_it_plainly():
    app = opened("pages/feature_maps.py", backbone="Pocket")
    options = app.selectbox(key="backbone").options
    missing = [one for one in registry.specs() if one not in weights.available()]
    assert [one.split(" · ")[0] for one in options[-len(missing) :]] == missing
    assert all(re.search(r" · \d+ MB$", one) for one in options[-len(missing) :])
    app.selectbox(key="backbone").set_value(missing[0]).run()
    assert app.query_params["backbone"] == missing[0]
    app.switch_page("streamlit_app.py").run()
    app.switch_page("pages/feature_maps.py").run()
    assert app.selectbox(key="backbone").value == missing[0]  # it stays chosen
    assert any(missing[0] in one.value and "to download" in one.value for one in app.warning)


def test_each_page_begins_with_its_own_sample_until_one_is_chosen():
    app = opened("pages/feature_maps.py", backbone="Pocket")
    assert app.pills(key="sample").value == "Cat"
    app.switch_page("pages/adversarial_attacks.py").run()
    assert app.pills(key="sample").value == "Bull mastiff"
    app.pills(key="sample").set_value("Rocket").run()
    app.switch_page("pages/feature_maps.py").run()
    assert app.pills(key="sample").value == "Rocket"


def test_what_the_app_chooses_is_not_undone_by_what_a_closed_box_still_holds():
    app = opened("pages/transfer_learning.py")
    app.selectbox(key="backbone").set_value("Pocket Robust").run()
    app.query_params["use"] = "Pocket"  # as a button of another screen does
    app.run()  # sends what the first box holds once more
    assert app.session_state.backbone_chosen == "Pocket"
    assert app.selectbox(key="backbone_1").value == "Pocket"
    app.run()
    assert app.selectbox(key="backbone_1").value == "Pocket"


def test_all_classes_can_be_seen_and_their_probabilities_sum_to_one():
    app = opened("pages/feature_maps.py", backbone="Pocket", every_class="true")
    assert not app.exception
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    (bars,) = chart["data"]
    percent = np.frombuffer(base64.b64decode(bars["y"]["bdata"]), bars["y"]["dtype"])
    assert len(percent) == 200
    assert percent.sum() == pytest.approx(100, abs=0.1)
    best = bars["customdata"][int(percent.argmax())]
    assert chart["layout"]["annotations"][0]["text"].startswith(best)


@pytest.mark.parametrize("kind", ["photos", "a drawing"])
def test_the_channel_game_is_played_to_its_end(kind, monkeypatch):
    rounds = 10 if kind == "photos" else 3
    monkeypatch.setattr(game, "ROUNDS", rounds)
    app = opened("pages/feature_maps.py", backbone="Pocket")
    app.segmented_control(key="game_kind").set_value(kind).run()
    app.button(key="game_start").click().run()
    for number in range(rounds):
        assert any(
            f"Round {number + 1} of {rounds}, {number} right" in c.value for c in app.caption
        )
        right = app.session_state["channel_game"].question.answer
        app.button(key=f"game_{number}_{right}").click().run()
        assert not app.exception
    assert any(m.value.startswith(f"**{rounds} of {rounds} right**") for m in app.markdown)
    app.button(key="game_again").click().run()
    assert app.button(key="game_start")


def test_a_guess_is_repeated_beside_the_outcome():
    app = opened("pages/feature_maps.py", backbone="Pocket")
    assert not any("You guessed" in c.value for c in app.caption)
    guess = next(pills for pills in app.pills if pills.label.startswith("Guess"))
    guess.set_value(guess.options[-1]).run()
    assert any(f"You guessed: {guess.options[-1]}." in c.value for c in app.caption)


def test_a_damaged_pets_is_told_and_a_sample_shown_and_no_address_asked(tmp_path, monkeypatch):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "trainval.txt").write_text("nonsense")
    monkeypatch.setenv("IDEAL_CAT_PETS", str(tmp_path))
    app = opened("pages/feature_maps.py", backbone="Pocket")
    app.segmented_control(key="sample_source").set_value("Pets").run()
    assert "Oxford-IIIT Pets" in app.error[0].value
    assert any("Using sample “cat”" in c.value for c in app.caption)
    assert not app.text_input
    assert not app.exception


def test_a_run_leaves_the_state_of_keras_alone():
    """Streamlit would reset it for all threads, in the middle of what they build."""

    class Probe(keras.layers.Layer):
        pass

    app = opened("pages/feature_maps.py")
    assert Probe().name == "probe"
    app.run()
    assert Probe().name == "probe_1"  # "probe" again, had the state been cleared


def test_the_target_follows_the_picture_until_a_person_chooses():
    app = opened("pages/adversarial_attacks.py", backbone="Pocket")
    names = pocket.class_names()

    def target(app) -> str:
        box = next(box for box in app.selectbox if box.label == "Class")
        return names[box.value]

    assert target(app) == "Egyptian cat"  # the sample is a dog
    app.pills(key="sample").set_value("Cat").run()
    assert target(app) == "golden retriever"
    box = next(box for box in app.selectbox if box.label == "Class")
    box.set_value(names.index("lemon")).run()
    app.pills(key="sample").set_value("Coffee").run()
    assert target(app) == "lemon"
    assert not app.exception


def test_a_failed_download_says_why_and_can_be_tried_again(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    nowhere = partial(archives.download_pets, url="http://nobody.invalid/pets")
    monkeypatch.setattr(archives, "download_pets", nowhere)
    app = opened("pages/transfer_learning.py", backbone="Pocket")
    app.button(key="offer_Oxford-IIIT Pets").click().run()
    for _ in range(100):  # until the page has seen the end of the download
        if app.error:
            break
        app.run()
    assert "there is no internet connection" in app.error[0].value
    assert app.button(key="offer_Oxford-IIIT Pets").label == "Try again"
    assert app.button(key="training_begin").label == "Train"


@pytest.mark.skipif("MobileNetV2" not in weights.available(), reason="needs MobileNetV2")
def test_without_pets_one_click_trains_the_built_in_backbone(tmp_path, monkeypatch):
    monkeypatch.setenv("IDEAL_CAT_PETS", str(tmp_path))
    app = opened("pages/transfer_learning.py")
    assert app.selectbox(key="backbone").value == "MobileNetV2"
    assert app.button(key="offer_Oxford-IIIT Pets")
    app.button(key="train_builtin").click().run()
    assert app.selectbox(key="backbone_1").value == "Pocket"
    app.session_state.training_views[0].run.wait(120)
    app.run()
    assert app.session_state.training_run.trained.usable
    assert not app.exception


def test_from_scratch_shows_no_control_that_does_nothing(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    for split, numbers in (("trainval", (1, 2, 3)), ("test", (4,))):
        lines = []
        for breed, name in enumerate(("Abyssinian", "beagle"), start=1):
            for k in numbers:
                photo = generator.random((24, 24, 3), "float32")
                (tmp_path / "images" / f"{name}_{k}.jpg").write_bytes(images.png(photo))
                lines.append(f"{name}_{k} {breed} {breed} {breed}")
        (tmp_path / "annotations" / f"{split}.txt").write_text("\n".join(lines))
    monkeypatch.setenv("IDEAL_CAT_PETS", str(tmp_path))
    head = {f"{name}_set" for name in ("dropout", "hidden", "batch_norm", "optimizer", "epochs")}

    def shown(app) -> set:
        kinds = (app.slider, app.select_slider, app.toggle, app.selectbox)
        return {widget.key for kind in kinds for widget in kind}

    app = opened("pages/transfer_learning.py", backbone="Pocket")
    assert head <= shown(app)
    app.segmented_control(key="how").set_value("from scratch").run()
    assert not app.exception
    assert not head & shown(app)
    assert {"b_epochs_from scratch", "photos"} <= shown(app)
