"""An attack in real Chromium with the built-in backbone: watched, saved, uploaded again."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from engine.storage import registry

URL = "adversarial_attacks?backbone=Pocket"


def opened(page: Page, address: str, more: str = "") -> None:
    page.goto(f"{address}/{URL}{more}")
    expect(page.get_by_alt_text(re.compile("^Original"))).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def attack(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Attack$")).click()
    expect(page.get_by_role("button", name="Attacked picture (PNG)")).to_be_visible()


def test_the_saved_picture_uploaded_again_still_fools(page, address, tmp_path):
    opened(page, address)
    attack(page)
    expect(page.get_by_text(re.compile("Fooled at step .* “golden retriever”"))).to_be_visible()
    result = page.get_by_alt_text(re.compile("^Result")).get_attribute("alt")
    page.get_by_role("button", name="Attacked picture (PNG)").hover()
    expect(page.get_by_text(re.compile("it still fools"))).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Attacked picture (PNG)").click()
    file = tmp_path / "attacked.png"
    file.write_bytes(saved.value.path().read_bytes())
    with Image.open(file) as image:
        assert image.size == (registry.POCKET_SIZE, registry.POCKET_SIZE)
    expect(page.get_by_text(re.compile("Step 0 is a random change within epsilon"))).to_be_visible()
    page.get_by_text("Upload", exact=True).first.click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text(re.compile(r"for the picture “attacked\.png”"))).to_be_visible()
    words = page.get_by_text(re.compile(r"^Pocket predicts")).inner_text()
    assert "golden retriever" in words
    assert re.search(r"[\d.]+ %", words)[0] == re.search(r"[\d.]+ %", result)[0]


def test_the_change_is_within_epsilon_on_screen(page, address):
    opened(page, address, "&epsilon=2")
    attack(page)
    pictures = {}
    for name in ("Original", "Result"):
        source = page.get_by_alt_text(re.compile(f"^{name}")).get_attribute("src")
        body = base64.b64decode(source.removeprefix("data:image/png;base64,"))
        pictures[name] = np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype(int)
    change = np.abs(pictures["Result"] - pictures["Original"])
    assert 0 < change.max() <= 2


@pytest.mark.parametrize(
    ("question", "button", "answer"),
    [
        ("What protects?", None, "A treatment protects only if"),
        ("How much is needed?", "Try epsilon from 0 to 16", "This attack fools it at epsilon"),
        ("Where it looks", None, "SmoothGrad"),
        ("Scoreboard", None, "measured on the saved picture"),
    ],
)
def test_every_question_has_an_answer(page, address, question, button, answer):
    opened(page, address)
    attack(page)
    page.get_by_text(question, exact=True).click()
    if button:
        page.get_by_role("button", name=button).click()
    expect(page.get_by_text(re.compile(answer)).first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_random_noise_does_not_fool(page, address):
    opened(page, address, "&attack=Random+noise&goal=anything+else")
    attack(page)
    expect(page.get_by_text(re.compile("^Not fooled"))).to_be_visible()
    page.get_by_role("button", name="Attacked picture (PNG)").hover()
    expect(page.get_by_text("Exact to the last bit.", exact=True)).to_be_visible()  # and no more


def test_the_handle_wipes_between_before_and_after(page, address):
    opened(page, address)
    attack(page)
    handle = page.get_by_role("slider", name="Before and after")
    before = page.locator("img.before")
    assert "50%" in before.evaluate("e => e.style.clipPath")
    handle.focus()
    handle.press("Home")
    assert "100%" in before.evaluate("e => e.style.clipPath")


def test_a_film_step_shows_its_own_picture(page, address):
    opened(page, address)
    attack(page)
    film = page.get_by_role("slider", name="Film")
    film.focus()
    film.press("Home")
    expect(
        page.get_by_text("The change: none yet").or_(page.get_by_text(re.compile("times as"))).first
    ).to_be_visible()
    expect(page.get_by_alt_text(re.compile("^Result: (?!golden)"))).to_be_visible()


def test_phone_width_has_no_sideways_scroll(phone, address):
    opened(phone, address)
    attack(phone)
