"""A class from its opening to its export, with a teacher, three pupils and a projector."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PATIENCE
from tests.e2e.screen import picture


@pytest.fixture
def tabs(browser):
    """Makes tabs of people who are not the same person; none may meet an error."""
    contexts, thrown = [], []

    def tab(width: int = 1280, height: int = 720, **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        return page

    yield tab
    for context in contexts:
        context.close()
    assert not thrown


def opened(teacher: Page, address: str) -> str:
    """Opens a class; returns its code."""
    teacher.goto(f"{address}/wall")
    teacher.get_by_role("button", name=re.compile("Open a class$")).click()
    join = teacher.get_by_test_id("stCode").first.inner_text()
    return join.split("join=")[1].strip()


def joined(pupil: Page, address: str, code: str, name: str) -> None:
    pupil.goto(f"{address}/wall?join={code}")
    pupil.get_by_role("textbox", name="Nickname").fill(name)
    pupil.get_by_role("button", name=re.compile("Join$")).click()
    expect(pupil.get_by_role("button", name=re.compile("Leave the class$"))).to_be_visible()


def shown(pupil: Page, words: str = "") -> None:
    """Puts the result of the page on the wall."""
    pupil.get_by_role("button", name=re.compile("Show it to the class")).click()
    if words:
        pupil.get_by_test_id("stPopoverBody").get_by_role("textbox").fill(words)
    pupil.get_by_role("button", name="Show it", exact=True).click()
    expect(pupil.get_by_text("It is on the wall.")).to_be_visible()


def test_a_class_from_its_opening_to_its_export(tabs, address, tmp_path):
    teacher, projector = tabs(), tabs(color_scheme="dark")
    otter, heron, fox = tabs(), tabs(390, 844), tabs()
    code = opened(teacher, address)
    late = tabs()  # Streamlit loses messages on a busy machine, and the wall's timer with them
    late.add_init_script("window.setInterval = () => 0")
    for one in (projector, late):
        one.goto(f"{address}/wall?watch={code}")
        expect(one.get_by_text("Nothing is on the wall yet.")).to_be_visible()
    assert "teacher" not in projector.url
    joined(otter, address, code, "Otter <b>bold</b>")
    joined(heron, address, code.replace("-", "%20"), "Heron")
    joined(fox, address, code, "Fox")
    expect(teacher.get_by_text("3 pupils", exact=True)).to_be_visible()

    otter.goto(f"{address}/ideal_images?backbone=Pocket+Robust&class=lion&steps=20")  # reloaded
    otter.get_by_text("parts of it, all over").click()
    otter.get_by_role("button", name=re.compile("Start$")).click()
    shown(otter, "my <i>lion</i>")
    expect(projector.get_by_text("Otter <b>bold</b>")).to_be_visible()
    expect(projector.get_by_text("my <i>lion</i>")).to_be_visible()
    expect(otter.get_by_role("button", name=re.compile("On the wall"))).to_be_disabled()

    fox.goto(f"{address}/adversarial_attacks?backbone=Pocket&sample=Bull+mastiff")
    expect(picture(fox, "Original")).to_be_visible()
    fox.get_by_role("button", name=re.compile("Attack$")).click()
    shown(fox)
    projector.get_by_role("radio", name="Attacks").click()
    expect(projector.get_by_text(re.compile("^1. .* became Egyptian cat"))).to_be_visible()
    expect(late.get_by_text(re.compile("became Egyptian cat"))).to_be_visible()
    late.close()
    projector.get_by_role("radio", name="Guesses").click()
    expect(projector.get_by_text("parts of it, all over")).to_be_visible()
    projector.get_by_role("radio", name="Newest").click()

    lion = heron.get_by_role("article").filter(has_text="lion")
    heron.get_by_role("radio", name="Newest").click()
    lion.get_by_role("button", name=re.compile("^Applaud .*: 0$")).click()
    expect(lion.get_by_role("button", name=re.compile("^Applaud .*: 1$"))).to_be_visible()
    lion.get_by_role("button", name="Open", exact=True).click()
    dialog = heron.get_by_role("dialog")
    expect(dialog.get_by_text("recognised by")).to_be_visible()
    expect(dialog.get_by_role("link", name=re.compile("Make it yourself"))).to_be_visible()
    heron.wait_for_timeout(2500)  # looks later
    expect(dialog.get_by_text("recognised by")).to_be_visible()
    heron.keyboard.press("Escape")
    assert heron.evaluate("document.documentElement.scrollWidth") <= 390

    teacher.get_by_role("button", name=re.compile("Set the task")).click()
    teacher.get_by_role("textbox", name="Link").fill(f"{address}/feature_maps?sample=Geese")
    teacher.get_by_role("button", name="Set", exact=True).click()
    expect(fox.get_by_role("link", name=re.compile("Your task: feature maps"))).to_be_visible()
    teacher.keyboard.press("Escape")
    teacher.get_by_text("Freeze the wall").click()
    expect(fox.get_by_text("The wall is frozen")).to_be_visible()
    fox.get_by_role("link", name=re.compile("Your task: feature maps")).click()
    expect(fox.get_by_text("Geese").first).to_be_visible()
    fox.get_by_role("button", name=re.compile("Show it to the class")).click()
    fox.get_by_test_id("stPopoverBody").get_by_role("textbox").fill("it is a goose")
    fox.get_by_role("button", name="Show it", exact=True).click()
    expect(fox.get_by_text("The teacher has frozen the wall")).to_be_visible()

    teacher.get_by_role("button", name=re.compile("Export")).click()
    with teacher.expect_download() as saved:
        teacher.get_by_role("button", name=re.compile("One page")).click()
    file = tmp_path / "wall.html"
    saved.value.save_as(file)
    reader = tabs(offline=True)
    reader.goto(file.as_uri())
    assert reader.locator("article").count() == 2
    assert reader.locator("article img").first.evaluate("image => image.naturalWidth") > 0
    expect(reader.get_by_text("my <i>lion</i>")).to_be_visible()
    teacher.keyboard.press("Escape")

    cards = teacher.get_by_role("article")
    expect(cards).to_have_count(2)
    cards.filter(has_text="lion").get_by_role("button", name="Hide").click()
    expect(projector.get_by_text("my <i>lion</i>")).to_have_count(0)
    teacher.get_by_role("button", name=re.compile("End the class")).click()
    teacher.get_by_role("button", name="End and delete everything").click()
    expect(teacher.get_by_role("button", name=re.compile("Open a class$"))).to_be_visible()
    expect(projector.get_by_text("There is no such class, or it has ended.")).to_be_visible()
    expect(fox.get_by_text(re.compile("^In class"))).to_have_count(0)


def test_a_pupil_who_reloads_is_still_in_class_and_offered_the_last_result(tabs, address):
    teacher, pupil = tabs(), tabs()
    joined(pupil, address, opened(teacher, address), "Otter")
    url = f"{address}/ideal_images?backbone=Pocket&preset=lesson&steps=20"
    for visit in range(2):
        pupil.goto(url)
        expect(pupil.get_by_text(re.compile("^In class"))).to_be_visible()
        if visit == 0:
            pupil.get_by_role("button", name=re.compile("Start$")).click()
            expect(pupil.get_by_text("step 20 of 20, done")).to_be_visible()
    pupil.get_by_role("button", name="Show my last result").click()
    expect(pupil.get_by_text("step 20 of 20, done")).to_be_visible()


def test_a_wrong_code_and_a_wrong_key_are_sentences(tabs, address):
    page = tabs()
    page.goto(f"{address}/wall?join=apple-apple-apple-apple")
    page.get_by_role("button", name=re.compile("Join$")).click()
    expect(page.get_by_text("There is no such class")).to_be_visible()
    for wrong in ("teacher=nonsense", "watch=nonsense", "teacher=%00'"):
        page.goto(f"{address}/wall?{wrong}")
        expect(page.get_by_text("There is no such class")).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
