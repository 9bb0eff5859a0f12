"""An attack in real Chromium with the built-in backbone: watched, saved, uploaded again."""

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from engine.storage import registry
from tests.conftest import SAMPLES
from tests.e2e.conftest import tab
from tests.e2e.screen import close_set_up, picture, set_up

URL = "adversarial_attacks?backbone=Pocket&sample=Cat"
OTHER = "adversarial_attacks?backbone=Pocket"  # and another sample
NAMES = ("Original", "Result")
PIXELS = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"


def opened(page: Page, address: str, more: str = "", url: str = URL) -> None:
    page.goto(f"{address}/{url}{more}")
    expect(picture(page, "^Original")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def attack(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Attack$")).click()
    expect(page.get_by_role("button", name="Attacked picture (PNG)")).to_be_visible()


@pytest.fixture(scope="module")
def attacked(browser, address):
    """A tab with a finished attack, for tests that look at it more closely."""
    with tab(browser) as page:
        opened(page, address)
        attack(page)
        yield page


def test_the_saved_picture_uploaded_again_still_fools(page, address, tmp_path):
    opened(page, address)
    attack(page)
    expect(page.get_by_text(re.compile(" became golden retriever"))).to_be_visible()
    result = picture(page, "^Result").get_attribute("aria-label")
    page.get_by_role("button", name="Attacked picture (PNG)").hover()
    expect(page.get_by_text(re.compile("it still fools"))).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Attacked picture (PNG)").click()
    file = tmp_path / "attacked.png"
    file.write_bytes(saved.value.path().read_bytes())
    with Image.open(file) as image:
        assert image.size == (registry.POCKET_SIZE, registry.POCKET_SIZE)
    expect(page.get_by_text(re.compile("Step 0 is a random change within epsilon"))).to_be_visible()
    set_up(page).get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text(re.compile(r"for the picture “attacked\.png”"))).to_be_visible()
    words = page.get_by_text(re.compile(r"^Pocket predicts")).inner_text()
    assert "golden retriever" in words
    assert re.search(r"[\d.]+ %", words)[0] == re.search(r"[\d.]+ %", result)[0]


def test_it_begins_with_a_dog_that_becomes_a_cat(page, address):
    opened(page, address, url=OTHER)
    attack(page)
    expect(
        page.get_by_text("Chihuahua became Egyptian cat. Too small to see: at most 4 of 255")
    ).to_be_visible()
    dog = page.get_by_role("listitem").filter(has_text="Chihuahua")
    expect(dog).to_have_attribute("title", re.compile(r"^Chihuahua: [\d.]+ % at first$"))
    page.get_by_role("button", name="Open in feature maps").click()
    expect(page.get_by_role("heading", name="Feature maps")).to_be_visible()
    expect(page.get_by_text("attacked bull mastiff", exact=True)).to_be_visible()
    expect(page.get_by_text("attacked bull mastiff · Pocket")).to_be_visible()
    page.get_by_role("radiogroup", name="Compare this layer with").get_by_text(
        "the original", exact=True
    ).click()
    expect(page.get_by_text("The difference: the original minus attacked")).to_be_visible()
    page.get_by_role("link", name="Ideal images").click()  # not with what this picture was for
    expect(page.get_by_text("Egyptian cat · Pocket · preset clear")).to_be_visible()


def test_the_attacked_picture_is_opened_also_where_the_photo_was_uploaded(page, address):
    opened(page, address, url=OTHER)
    set_up(page).get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(SAMPLES / "coffee.png")
    expect(page.get_by_text(re.compile(r"for the picture “coffee\.png”"))).to_be_visible()
    close_set_up(page)
    attack(page)
    page.get_by_role("button", name="Open in feature maps").click()
    expect(page.get_by_text("attacked coffee.png", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("question", "button", "answer"),
    [
        ("Which defences work?", None, "A defence works only if"),
        (
            "What is the smallest epsilon?",
            "Try epsilon from 0 to 32",
            "The attack succeeds at epsilon",
        ),
        ("Can any attack fool it?", "Try everything", "Pocket is fooled by Auto-PGD"),
        ("Other networks", "Attack every network", "A row is the attacked network"),
        ("Where it looks", None, "SmoothGrad"),
        ("Scoreboard", None, "measured on the saved picture"),
    ],
)
def test_every_question_has_an_answer(attacked, question, button, answer):
    page = attacked
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


def test_the_change_is_within_epsilon_on_screen(attacked):
    expect(picture(attacked, "^Result")).to_be_visible()
    pixels = {name: np.array(picture(attacked, f"^{name}").evaluate(PIXELS)) for name in NAMES}
    change = np.abs(pixels["Result"] - pixels["Original"])
    assert 0 < change.max() <= 4


def test_the_handle_wipes_between_before_and_after(attacked):
    handle = attacked.get_by_role("slider", name="Before and after")
    before = attacked.locator("canvas.over")
    assert "50%" in before.evaluate("e => e.style.clipPath")
    handle.focus()
    handle.press("Home")
    assert "100%" in before.evaluate("e => e.style.clipPath")


def test_the_timeline_shows_each_step_without_asking_the_server(page, address):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
    opened(page, address)
    attack(page)
    expect(picture(page, "^Result, step \\d+: golden")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    before = len(sent)
    timeline = page.get_by_role("slider", name="Timeline")
    timeline.focus()
    timeline.press("Home")
    expect(picture(page, "^Result, step 0: (?!golden)")).to_be_visible()
    for step in range(1, 6):
        timeline.press("ArrowRight")
        expect(picture(page, f"^Result, step {step}: ")).to_be_visible()
    assert len(sent) == before


def test_two_networks_are_attacked_side_by_side(page, address):
    settings = "&sample=Coffee&goal=anything+else&epsilon=6&steps=5&show=two+networks"
    opened(page, address, settings, OTHER)
    expect(picture(page, "^Original, Pocket Robust: espresso")).to_be_visible()
    page.get_by_role("button", name=re.compile("Attack$")).click()
    verdict = page.get_by_text(re.compile("^Pocket: espresso became "))
    expect(verdict).to_contain_text("Pocket Robust is not fooled: predicted “espresso”")
    for name in ("Pocket", "Pocket Robust"):
        expect(picture(page, f"^Result by {name}, step")).to_be_visible()
        expect(page.get_by_role("button", name=f"Attacked picture: {name} (PNG)")).to_be_visible()
    page.get_by_text("What is the smallest epsilon?", exact=True).click()
    page.get_by_role("button", name="Try epsilon from 0 to 32").click()
    expect(page.get_by_text("step 22 of 22, done")).to_be_visible()
    levels = page.locator(".bartext")
    expect(page.get_by_text(re.compile(r"^\d+ grey levels?$"))).to_have_count(2)
    robust, plain = (int(words.split()[0]) for words in levels.all_text_contents())
    assert robust >= 4 * plain
    page.get_by_role("radiogroup", name="Photos").get_by_text("The samples", exact=True).click()
    page.get_by_role("button", name="Try epsilon from 0 to 32").click()
    expect(page.get_by_text("Smallest epsilon that fools half of 8 photos")).to_be_visible()
    expect(page.get_by_text("step 22 of 22, done")).to_be_visible()
    expect(page.get_by_text("The share of the photos that fool the network")).to_be_visible()


def test_the_judge_says_what_was_tried(page, address):
    opened(page, address, "+Robust&sample=Coffee&goal=anything+else&epsilon=1", OTHER)
    attack(page)
    expect(page.get_by_text(re.compile("^Not fooled"))).to_be_visible()
    page.get_by_text("Can any attack fool it?", exact=True).click()
    page.get_by_role("button", name="Try everything").click()
    expect(
        page.get_by_text("Pocket Robust withstood all attacks within 1 grey level.")
    ).to_be_visible()
    for name in ("Auto-PGD", "Auto-PGD, targeted", "Square"):
        expect(page.get_by_text(re.compile(f"{name}: survived$")).first).to_be_visible()


def test_a_person_chooses_who_is_asked(attacked):
    page = attacked
    page.get_by_text("Other networks", exact=True).click()
    asked = page.get_by_test_id("stMultiSelect").filter(has_text="Networks to ask")
    expect(asked.get_by_text("Pocket Robust")).to_be_visible()
    expect(page.get_by_text(re.compile("^Pocket Robust (still )?predicts"))).to_be_visible()
    asked.get_by_role("button", name=re.compile("Pocket Robust")).click()
    expect(page.get_by_text(re.compile("^Pocket Robust (still )?predicts"))).to_have_count(0)
