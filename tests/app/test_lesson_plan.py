"""The links of the lesson plan open what they promise."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.app.test_pages import ROOT, opened
from tests.conftest import SHARED

PLAN = (ROOT / "docs" / "lesson-plan.md").read_text()
PETS = SHARED / "oxford-iiit-pet"
LINKS = re.findall(r"\(http://localhost:8501/(\S+)\)", PLAN)


def test_there_is_a_link_for_every_screen():
    screens = {urlsplit(link).path for link in LINKS}
    assert screens == {page.stem for page in (ROOT / "pages").glob("*.py")}


MAIN = {
    "feature_maps": None,
    "transfer_learning": "Train",
    "ideal_images": "Start",
    "adversarial_attacks": "Attack",
    "quiz": None,
    "wall": "Open a class",
}


@pytest.fixture(params=["as it is", "neither network nor photos", "photos and no network"])
def world(request, monkeypatch, tmp_path):
    """A machine as a teacher may have it: with the weights there are, with none, with Pets."""
    if request.param != "as it is":
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if request.param == "photos and no network":
        if not PETS.is_dir():
            pytest.skip("Oxford-IIIT Pets is not beside the project")
        monkeypatch.setenv("IDEAL_CAT_PETS", str(PETS))


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("link", LINKS)
def test_a_link_of_the_lesson_plan_makes_sense_as_it_is_written(link):
    parts = urlsplit(link)
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    app = opened(f"pages/{parts.path}.py", **query)
    assert not app.exception
    assert not app.error
    assert not [w.value for w in app.warning if "link asks" in w.value]
    if wanted := query.get("class"):
        boxes = [box for box in app.selectbox if box.label == "Class"]
        assert wanted in [
            box.value if isinstance(box.value, str) else box.options[box.value] for box in boxes
        ]
    if main := MAIN[parts.path]:
        assert [b.label for b in app.button if b.label.startswith(main) and not b.disabled]
