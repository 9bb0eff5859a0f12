"""What a link asks of a page: senseless values are told, and good ones are done."""

import numpy as np
import pytest

from engine import images
from tests.app.test_pages import opened


def test_senseless_links_are_told_and_the_page_goes_on():
    app = opened(
        "pages/feature_maps.py",
        backbone="Pocket",
        layer="nonsense",
        sample="../../etc/passwd",
        channel="99999",
        compare="everything",
    )
    assert not app.exception
    told = " ".join(w.value for w in app.warning)
    for word in ("nonsense", "etc/passwd", "99999"):
        assert word in told
    app.run()
    assert not app.warning


def test_a_link_names_the_value_that_is_taken_apart():
    link = {"backbone": "Pocket", "layer": "block2_conv2", "tab": "One value"}
    app = opened("pages/feature_maps.py", value="7,12", **link)
    assert any("Row 7, column 12" in m.value for m in app.markdown)
    app.run()
    assert "value=7%2C12" in app.code[-1].value
    for senseless in ("99999999999,1", "-1,3", "x", "3"):
        app = opened("pages/feature_maps.py", value=senseless, **link)
        assert not app.exception
        assert any("Row " in m.value for m in app.markdown)


def test_an_experiment_of_the_lesson_has_its_figure_beside_ours():
    link = {"backbone": "Pocket", "layer": "block5_conv2"}
    app = opened("pages/feature_maps.py", experiment="features", **link)
    said = "Microsoft’s “AI for Beginners” got 7 × 7 × 512, by VGG-16; you got 5 × 5 × 320."
    assert any(said in caption.value for caption in app.caption)
    app = opened("pages/feature_maps.py", experiment="nonsense", **link)
    assert any("nonsense" in warning.value for warning in app.warning)
    assert not any("AI for Beginners” got" in caption.value for caption in app.caption)


def test_a_link_may_name_a_photo_of_pets(tmp_path, monkeypatch):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "images").mkdir()
    names = [f"{breed}_{k}" for breed in ("Bengal", "Great_Pyrenees") for k in (1, 2, 3)]
    for k, name in enumerate(names):
        picture = np.full((40, 40, 3), k / 8, "float32")
        (tmp_path / "images" / f"{name}.jpg").write_bytes(images.jpeg(picture))
    rows = [f"{name} {1 + k // 3} {1 + k // 3} {1 + k // 3}" for k, name in enumerate(names)]
    for part, few in (("trainval", rows[::2]), ("test", rows[1::2])):
        (tmp_path / "annotations" / f"{part}.txt").write_text("\n".join(few))
    monkeypatch.setenv("IDEAL_CAT_PETS", str(tmp_path))
    app = opened("pages/feature_maps.py", backbone="Pocket", sample_pet="Great Pyrenees 2")
    assert app.segmented_control(key="sample_source").value == "Pets"
    assert any("Great Pyrenees 2" in m.value for m in app.markdown)
    assert "Great Pyrenees 2" in app.query_params["sample_pet"]
    monkeypatch.setenv("IDEAL_CAT_PETS", str(tmp_path / "nowhere"))
    app = opened("pages/feature_maps.py", backbone="Pocket", sample_pet="Great Pyrenees 2")
    assert any("Great Pyrenees 2" in w.value for w in app.warning)
    assert any("**cat**" in m.value for m in app.markdown)


@pytest.mark.parametrize("channel", ["²", "9" * 5000, "-1", "1.5"])
def test_a_channel_that_is_no_number_is_told(channel):
    app = opened("pages/feature_maps.py", channel=channel)
    assert not app.exception
    assert any("asks for channel" in w.value for w in app.warning)
