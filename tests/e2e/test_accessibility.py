"""Everybody can use it: contrast, names and roles by axe-core, and the keyboard alone."""

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.screen import set_up

SCREENS = {
    "": ("", ""),
    "feature_maps?backbone=Pocket": ("", ""),
    "transfer_learning?backbone=Pocket": ("Train$", r"photos it has never seen"),
    "ideal_images?backbone=Pocket&steps=20": ("Start$", r"^step 20 of 20, done$"),
    "adversarial_attacks?backbone=Pocket": ("Attack$", r" became .*grey|^Not fooled"),
    "quiz": ("", ""),
    "wall": ("Open a class$", "^Nobody has joined yet"),
}


def opened(page: Page, url: str, button: str, end: str) -> None:
    """A screen with all that it has to show."""
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    if button:
        page.get_by_role("button", name=re.compile(button)).click()
        expect(page.get_by_text(re.compile(end)).first).to_be_visible()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def every_picture_is_named(page: Page) -> None:
    """Photos by their descriptions, charts by words that stand before them."""
    nameless = page.locator("main img:not([alt]), main img[alt='']")
    assert nameless.count() == 0
    charts = page.get_by_test_id("stPlotlyChart")
    words = page.get_by_role("note").filter(has_text=re.compile(r"^Chart: .*\d"))
    if words.count():
        expect(charts.nth(words.count() - 1)).to_be_attached()  # its words come before it
    assert words.count() == charts.count()


DRAWN = """(scheme) => {
  const [red] = getComputedStyle(document.querySelector("[data-testid=stApp]"))
    .backgroundColor.match(/\\d+/g);
  return red > 128 === (scheme === "light");
}"""


def serious(page: Page) -> list[tuple]:
    """What axe finds on a page at rest, which is at rest when it finds nothing.

    A change of theme fades colours and has the server draw the page once more.
    """
    until = time.monotonic() + 30
    while (found := violations(page)) and time.monotonic() < until:
        pass
    return found


def violations(page: Page) -> list[tuple]:
    found = Axe().run(page).response
    assert len(found["passes"]) > 10
    return [
        (violation["id"], node["target"], node["html"][:200])
        for violation in found["violations"]
        for node in violation["nodes"]
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda path: path.split("?")[0] or "home")
def test_axe_finds_nothing_serious_and_every_picture_is_named(page, address, screen):
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    opened(page, f"{address}/{screen}", *SCREENS[screen])
    every_picture_is_named(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(DRAWN, arg=scheme)
        assert serious(page) == []


@pytest.mark.parametrize("screen", ["transfer_learning", "feature_maps", "adversarial_attacks"])
def test_nothing_ends_beyond_the_edge_of_a_phone(phone, address, screen):
    phone.goto(f"{address}/{screen}?backbone=Pocket")
    expect(phone.locator(".st-key-set_up")).to_be_visible()
    expect(phone.get_by_test_id("stStatusWidget")).to_have_count(0)
    set_up(phone)
    expect(phone.get_by_role("radio").first).to_be_visible()
    if screen == "feature_maps":
        expect(phone.locator(".map button").last).to_be_visible()
    ends = phone.evaluate(
        "() => [...document.querySelectorAll('[role=radio], .map button')]"
        ".map((e) => [e.innerText || e.title, e.getBoundingClientRect().right])"
    )
    assert ends
    assert [name for name, end in ends if end > 390] == []


@pytest.mark.parametrize("screen", ["adversarial_attacks", "ideal_images"])
def test_large_text_cuts_no_word(page, address, screen):
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(f"{address}/{screen}?backbone=Pocket&large_text=true")
    expect(page.locator(".st-key-set_up")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    set_up(page)
    expect(page.get_by_role("radio").first).to_be_visible()
    cut = page.evaluate(
        "() => [...document.querySelectorAll('[role=radio] *, [data-testid=stSelectbox] *')]"
        ".filter((e) => e.innerText && e.scrollWidth > e.clientWidth + 1"
        " && getComputedStyle(e).overflowX === 'hidden').map((e) => e.innerText)"
    )
    assert cut == []


def focus(page: Page, name: str) -> None:
    """Presses Tab until something of that name has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => (document.activeElement.getAttribute('aria-label') || "
            "document.activeElement.innerText || '').trim()"
        )
        if re.search(name, focused):
            return
    raise AssertionError(f"Tab does not reach {name}")


def test_the_keyboard_alone_makes_a_picture(page, address):
    opened(page, f"{address}/ideal_images?backbone=Pocket&preset=lesson", "", "")
    expect(page.get_by_role("button", name=re.compile("Start$"))).to_be_visible()
    focus(page, r"Start$")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^step \d+ of 1000, running$"))).to_be_visible()
    before = page.get_by_role("slider", name="Variation loss").get_attribute("aria-valuetext")
    focus(page, "^Variation loss")
    page.keyboard.press("ArrowRight")
    slider = page.get_by_role("slider", name="Variation loss")
    expect(slider).not_to_have_attribute("aria-valuetext", before)
    focus(page, r"Stop$")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^step \d+ of 1000, stopped$"))).to_be_visible()
