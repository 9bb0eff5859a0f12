"""Everybody can use it: contrast, names and roles by axe-core, and the keyboard alone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

SCREENS = {
    "": ("", ""),
    "feature_maps": ("", ""),
    "transfer_learning": ("Train$", r"photos it has never seen"),
    "ideal_images": ("Start$", r"^step \d+ of \d+, done$"),
    "adversarial_attacks": ("Attack$", r"^Fooled at|^Not fooled"),
}


def opened(page: Page, url: str, button: str, end: str) -> None:
    """A screen with all that it has to show."""
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if button:
        page.get_by_role("button", name=re.compile(button)).click()
        expect(page.get_by_text(re.compile(end)).first).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_serious(browser, address, screen, scheme):
    context = browser.new_context(
        viewport={"width": 1440, "height": 1000}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    opened(page, f"{address}/{screen}?backbone=Pocket", *SCREENS[screen])
    page.wait_for_function("() => document.getAnimations().length === 0")  # faded colours
    found = Axe().run(page).response
    context.close()
    assert len(found["passes"]) > 10
    serious = [
        (violation["id"], node["target"], node["html"][:200])
        for violation in found["violations"]
        for node in violation["nodes"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []


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


def test_every_picture_says_what_it_is(page, address):
    for screen, (button, end) in SCREENS.items():
        opened(page, f"{address}/{screen}?backbone=Pocket", button, end)
        nameless = page.locator("main img:not([alt]), main img[alt='']")
        assert nameless.count() == 0, screen
