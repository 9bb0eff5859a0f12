"""A person's own photos on the transfer screen: kept while the session lasts, and told apart."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


def photos(channel: int, seed: int = 0) -> list[tuple[str, bytes, str]]:
    """Three photos of one colour and some noise, as files."""
    generator, files = np.random.default_rng([seed, channel]), []
    for number in range(3):
        pixels = generator.integers(0, 60, (96, 96, 3), "uint8")
        pixels[..., channel] += 180
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        files.append((f"{channel}-{number}.png", buffer.getvalue(), "image/png"))
    return files


def learnt(app: AppTest):
    """Waits for the end of the training, and returns it."""
    run = app.session_state["training_run"]
    while not run.views[0].ended:
        run.views[0].run.wait(60)
        app.run()
    app.run()
    assert not app.exception
    assert not app.error
    return run


@pytest.fixture
def trained() -> AppTest:
    """The screen with a classifier of photos in two boxes."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.switch_page("pages/transfer_learning.py")
    for key, value in {"backbone": "Pocket", "photos_of": "My photos", "epochs": "2"}.items():
        app.query_params[key] = value
    app.run()
    for k in range(2):
        app.file_uploader(key=f"class_{k}_files").set_value(photos(k))
    app.run()
    next(b for b in app.button if b.label == "Train").click().run()
    learnt(app)
    return app


def test_a_visit_elsewhere_costs_neither_photos_nor_classifier(trained):
    run = trained.session_state["training_run"]
    asked = [one.label for one in trained.segmented_control]
    trained.switch_page("pages/feature_maps.py").run()
    trained.switch_page("pages/transfer_learning.py").run()
    assert trained.session_state["training_run"] is run
    assert [one.label for one in trained.segmented_control] == asked
    assert not any("previous training" in one.value for one in (*trained.info, *trained.warning))
    for k in range(2):
        trained.button(key=f"class_{k}_drop").click().run()
    assert any("Add at least two photos" in one.value for one in trained.caption)


def test_a_class_that_is_renamed_is_learned_at_once(trained):
    trained.text_input(key="class_1_name").set_value("mug").run()
    assert learnt(trained).trained.class_names == ("class 1", "mug")


def test_a_renamed_class_with_a_photo_fewer_is_not_learned_unasked(trained):
    before = trained.session_state["training_run"]
    trained.text_input(key="class_1_name").set_value("mug")
    trained.file_uploader(key="class_1_files").set_value(photos(1)[:2]).run()
    assert trained.session_state["training_run"] is before
    assert any("previous training" in one.value for one in trained.info)


def test_as_many_other_photos_are_learned_at_once(trained):
    before = trained.session_state["training_run"]
    trained.file_uploader(key="class_1_files").set_value(photos(1, seed=1)).run()
    after = learnt(trained)
    assert after is not before
    assert after.photos != before.photos
