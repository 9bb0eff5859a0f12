"""A server without MobileNetV2 fetches it by itself, and says so quietly."""

import json
import re
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components.shell import first_network, sessions
from engine.storage import downloads, weights
from tests.app.test_pages import opened
from tests.local_server import MD5

HOME = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture
def fresh(server, tmp_path, monkeypatch):
    """A machine without weights whose downloads come from the local server."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("IDEAL_CAT_FETCH")
    first_network._last_try.clear()

    def download(spec):
        names = {str(k): [f"n{k:08d}", f"class {k}"] for k in range(1000)}
        weights.index_path().parent.mkdir(parents=True, exist_ok=True)
        weights.index_path().write_text(json.dumps(names))
        yield from downloads.fetch(server.url, weights.path(spec), digest=MD5)

    monkeypatch.setattr(weights, "download", download)
    yield server
    server.release.set()
    if (job := first_network._last_try().job) is not None:
        job.wait(60)  # what it still writes belongs into this folder, not into the real one
    first_network._last_try.clear()


def opened_until(condition) -> AppTest:
    """Home, looked at again and again as its timer does."""
    app = AppTest.from_file(HOME, default_timeout=60).run()
    deadline = time.monotonic() + 60
    while not condition(app):
        assert time.monotonic() < deadline, [c.value for c in app.caption]
        app.run()
    assert not app.exception
    assert not app.error
    return app


def said(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def offered(app: AppTest) -> list:
    return [b for b in app.button if b.label == "Use MobileNetV2"]


def test_it_says_how_far_it_is(fresh):
    fresh.stall_after = 500_000
    app = opened_until(lambda app: re.search("Downloading MobileNetV2: [1-9]", said(app)))
    assert not offered(app)
    fresh.release.set()


def test_a_person_who_asks_for_it_meanwhile_sees_that_download(fresh):
    fresh.stall_after = 500_000
    opened_until(lambda app: re.search("Downloading MobileNetV2: [1-9]", said(app)))
    app = opened("pages/feature_maps.py", backbone="MobileNetV2")
    app.button(key="offer_MobileNetV2").click().run()
    assert len(fresh.asked) == 1
    assert sessions.downloads().pop("MobileNetV2") is first_network.running("MobileNetV2")
    fresh.release.set()


@pytest.mark.parametrize("fault", [{"status": 500}, {"cut_after": 9}, {"body": b"a lie"}])
def test_a_fault_is_one_quiet_sentence_and_no_second_try(fresh, fault):
    for name, value in fault.items():
        setattr(fresh, name, value)
    app = opened_until(lambda app: "could not be downloaded. Everything works" in said(app))
    asked = len(fresh.asked)
    app.run()
    assert len(fresh.asked) == asked
    assert first_network._last_try().look(time.monotonic() + first_network.AGAIN / 2) is None
    assert len(fresh.asked) == asked
    first_network._last_try().look(time.monotonic() + first_network.AGAIN).wait(60)
    assert len(fresh.asked) == asked + 1


def test_a_session_that_began_without_it_is_offered_it(fresh):
    app = opened_until(lambda app: offered(app))
    offered(app)[0].click().run()
    assert not offered(app)
    app.switch_page("pages/feature_maps.py").run()
    assert app.session_state.backbone_chosen == "MobileNetV2"


def test_it_can_be_switched_off(fresh, monkeypatch):
    monkeypatch.setenv("IDEAL_CAT_FETCH", "0")
    app = opened_until(lambda app: "Ready after" in said(app))
    assert not re.search("[Dd]ownload", said(app))
    assert fresh.asked == []
