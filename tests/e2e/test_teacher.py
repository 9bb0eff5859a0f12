"""A link fixes a page for a class; large text; a fresh start."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.screen import picture


def test_a_link_brings_its_settings_and_hides_the_controls(page, address):
    page.goto(
        f"{address}/ideal_images?backbone=Pocket&class=goldfish&seed=4&variation=3.0"
        "&steps=20&hide=controls,screens"
    )
    start = page.get_by_role("button", name=re.compile("Start$"))
    expect(start).to_be_visible()
    expect(page.locator(".st-key-set_up_box button")).to_be_hidden()
    expect(page.get_by_role("link", name="Feature maps")).to_have_count(0)
    expect(page.get_by_text(re.compile("Link for a class"))).to_have_count(0)
    expect(page.get_by_role("slider", name="Variation loss")).to_be_visible()
    expect(page.get_by_text("6 × 10⁻⁶").first).to_be_visible()
    expect(page.get_by_text("goldfish · Pocket · preset clear · seed 4")).to_be_visible()
    start.click()
    expect(page.get_by_text("step 20 of 20, done")).to_be_visible()
    expect(picture(page, "^goldfish, step 20: ")).to_be_visible()
    expect(page.get_by_text(re.compile(r"6 × 10⁻⁶ · total variation"))).to_be_visible()


def test_the_link_that_is_offered_opens_the_page_as_it_was(page, address):
    page.goto(f"{address}/adversarial_attacks?backbone=Pocket&sample=Coffee&epsilon=8")
    expect(page.get_by_role("button", name=re.compile("Attack$"))).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.locator(".st-key-set_up_box button").first.click()
    page.get_by_text("More settings").click()
    page.get_by_text("Bound the root mean square").click()
    page.wait_for_url(re.compile("l2=True"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("Link for a class")).click()
    page.get_by_text("Hide the setup controls").click()
    expect(page.get_by_text(re.compile("^Opens this page as it is set now."))).to_be_visible()
    code = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode")
    expect(code).to_contain_text("hide=controls")
    link = code.inner_text().strip()
    for part in ("backbone=Pocket", "sample=Coffee", "epsilon=8", "class=", "l2=True"):
        assert part in link
    page.goto(link.replace("hide=controls", ""))
    page.locator(".st-key-set_up_box button").first.click()
    page.get_by_text("More settings").click()
    expect(page.get_by_role("switch", name=re.compile("Bound the root"))).to_be_checked()
    page.goto(link)
    expect(page.get_by_text(re.compile("^coffee → "))).to_be_visible()
    expect(page.locator(".st-key-set_up_box button")).to_be_hidden()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_large_text_stays_on_all_pages(page, address):
    size = "() => parseFloat(getComputedStyle(document.documentElement).fontSize)"
    page.goto(f"{address}/")
    expect(page.get_by_text("Large text")).to_be_visible()
    small = page.evaluate(size)
    page.get_by_text("Large text").click()
    page.wait_for_function(f"(small) => ({size})() > 1.2 * small", arg=small)
    page.get_by_role("link", name="Ideal images").first.click()
    expect(page.get_by_role("heading", name="Ideal images", level=1)).to_be_visible()
    page.wait_for_function(f"(small) => ({size})() > 1.2 * small", arg=small)


def test_starting_over_forgets_what_was_done(page, address):
    page.goto(f"{address}/ideal_images?backbone=Pocket&class=goldfish&steps=20")
    page.get_by_role("button", name=re.compile("Start$")).click()
    expect(page.get_by_text("step 20 of 20, done")).to_be_visible()
    page.get_by_role("link", name="Start over").click()
    expect(picture(page, "^Noise$")).to_be_visible()
    assert "class=goldfish" in page.url


@pytest.mark.parametrize("width", [390, 1440])
def test_a_guess_is_made_on_the_stage_and_shown_beside_the_outcome(page, address, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/feature_maps?backbone=Pocket")
    expect(page.get_by_text("Where it looks")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.locator(".st-key-guess").get_by_text("partly", exact=True).click()
    expect(page.get_by_text("You guessed: partly.")).to_be_visible()
    page.locator(".st-key-lesson_card button").first.click()
    card = page.get_by_test_id("stPopoverBody")
    card.get_by_text("Show the answer").click()
    expect(card.get_by_text(re.compile("Early maps keep the shape"))).to_be_visible()
    page.get_by_role("button", name="Main menu").click()
    expect(page.get_by_text("Print")).to_be_visible()
