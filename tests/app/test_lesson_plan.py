"""The links of the lesson plan open what they promise."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from engine.storage import weights
from tests.app.test_pages import ROOT, opened
from tests.conftest import SHARED

PETS = SHARED / "oxford-iiit-pet"


def links(document: str) -> list[str]:
    text = (ROOT / "docs" / document).read_text()
    return list(dict.fromkeys(re.findall(r"\(http://localhost:8501/(\S+)\)", text)))


LINKS = links("lesson-plan.md")


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


def opened_by(link: str):
    """The page of a link, which asks for nothing that is not there, and the link's parameters."""
    parts = urlsplit(link)
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    app = opened(f"pages/{parts.path}.py", **query)
    assert not app.exception
    assert not app.error
    assert not [w.value for w in app.warning if "link asks" in w.value]
    return app, query


@pytest.mark.skipif("MobileNetV2" not in weights.available(), reason="needs MobileNetV2")
def test_the_links_of_the_lessons_experiments_make_sense_as_they_are_written(monkeypatch):
    if not PETS.is_dir():
        pytest.skip("Oxford-IIIT Pets is not beside the project")
    monkeypatch.setenv("IDEAL_CAT_PETS", str(PETS))
    for link in links("lesson.md"):
        opened_by(link)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("link", LINKS)
def test_a_link_of_the_lesson_plan_makes_sense_as_it_is_written(link):
    app, query = opened_by(link)
    if wanted := query.get("class"):
        boxes = [box for box in app.selectbox if box.label == "Class"]
        assert wanted in [
            box.value if isinstance(box.value, str) else box.options[box.value] for box in boxes
        ]
    if main := MAIN[urlsplit(link).path]:
        assert [b.label for b in app.button if b.label.startswith(main) and not b.disabled]
