"""The links of the lesson plan open what they promise."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.app.test_pages import ROOT, opened

PLAN = (ROOT / "docs" / "lesson-plan.md").read_text()
LINKS = re.findall(r"\(http://localhost:8501/(\S+)\)", PLAN)


def test_there_is_a_link_for_every_screen():
    screens = {urlsplit(link).path for link in LINKS}
    assert screens == {page.stem for page in (ROOT / "pages").glob("*.py")}


@pytest.mark.parametrize("link", LINKS)
def test_a_link_of_the_lesson_plan_makes_sense(link):
    parts = urlsplit(link)
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    app = opened(f"pages/{parts.path}.py", backbone="Pocket", **query)
    assert not app.exception
    assert not [w.value for w in app.warning if "link asks" in w.value]
    if wanted := query.get("class"):
        assert wanted in [
            box.value if isinstance(box.value, str) else box.options[box.value]
            for box in app.selectbox
            if box.label == "Class"
        ]
