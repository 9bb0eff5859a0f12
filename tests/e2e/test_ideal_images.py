"""Noise becomes a picture while a person steers, in real Chromium, with the built-in backbone."""

import io
import itertools
import re
import zipfile
from collections.abc import Sequence

from PIL import Image
from playwright.sync_api import Page, expect

from harness.films import Film
from harness.pupil import Pupil
from tests.e2e.screen import close_set_up, in_a_thread, picture, set_up

SIZE = (192, 192)  # the canvas of the clear preset
URL = "ideal_images?backbone=Pocket"


def opened(page: Page, address: str, more: str = "") -> None:
    page.goto(f"{address}/{URL}{more}")
    expect(picture(page, "^Noise$")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def step(page: Page) -> int:
    words = page.get_by_text(re.compile(r"^step \d+ of \d+, \w+$")).first.inner_text()
    return int(words.split()[1])


def start(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Start$")).click()


def test_noise_becomes_what_was_asked_for(page, address):
    opened(page, address)
    start(page)
    expect(page.get_by_text(re.compile(r"^step \d+ of \d+, done$"))).to_be_visible()
    expect(picture(page, r"^Egyptian cat, step 120: Egyptian cat \d")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Picture (PNG)").click()
    assert Image.open(io.BytesIO(saved.value.path().read_bytes())).size == SIZE
    with page.expect_download() as film:
        page.get_by_role("button", name="Run (WebP animation)").click()
    assert Image.open(io.BytesIO(film.value.path().read_bytes())).n_frames > 10
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_pause_holds_a_step_is_one_and_stop_ends(page, address):
    opened(page, address, "&steps=1000")  # time enough
    start(page)
    expect(page.get_by_text(re.compile(r"^step \d+ of 1000, running$"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Pause$")).click()
    expect(page.get_by_text(re.compile(", paused$"))).to_be_visible()
    held = step(page)
    assert held < 1000
    page.get_by_role("button", name=re.compile("One step$")).click()
    expect(page.get_by_text(f"step {held + 1} of 1000, paused")).to_be_visible()
    page.get_by_role("button", name=re.compile("Resume$")).click()
    expect(page.get_by_text(re.compile(", running$"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Stop$")).click()
    expect(page.get_by_text(re.compile(", stopped$"))).to_be_visible()
    assert step(page) < 1000


def test_what_a_person_has_set_stays_elsewhere_and_with_another_network(page, address):
    opened(page, address)
    box = set_up(page)
    box.get_by_role("combobox", name="Class").fill("goldfish")
    page.get_by_role("option", name="goldfish", exact=True).click()
    box.get_by_text("More settings").click()
    box.get_by_role("spinbutton", name="Seed").fill("7")
    page.keyboard.press("Tab")
    page.wait_for_url(re.compile("seed=7"))
    close_set_up(page)
    said = "goldfish · Pocket · preset clear · seed 7"
    expect(page.get_by_text(said)).to_be_visible()
    page.get_by_role("link", name="Feature maps").click()
    expect(page.get_by_role("heading", name="Feature maps")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.get_by_role("link", name="Ideal images").click()
    expect(page.get_by_text(said)).to_be_visible()
    set_up(page).get_by_role("combobox", name="Backbone").click()
    page.get_by_role("option", name="Pocket Robust").click()
    expect(page.get_by_text("goldfish · Pocket Robust · preset clear")).to_be_visible()


async def drawing(pupil: Pupil, steps: int) -> Film:
    """What the lesson's recipe has drawn, soon after its start."""
    await pupil.open("ideal_images", f"backbone=Pocket&preset=lesson&steps={steps}")
    await pupil.until(lambda: pupil.has("button", "Start"), "the page")
    await pupil.click("Start")
    return await pupil.until(
        lambda: next((f for f in pupil.live.of("ideal") if len(f.frames) > 5), None),
        "the first frames",
    )


async def move(pupil: Pupil) -> None:
    """Makes the variation loss half as heavy again."""
    slider, _ = pupil.widget("slider", "Variation loss")
    wanted = slider.options[int(slider.default[0]) + 1]
    await pupil.put("slider", "Variation loss", "string_array_value", [wanted])


def jumps(terms: Sequence[float]) -> int:
    """How often the variation term of one frame is half as much again as the one before."""
    ratios = [after / before for before, after in itertools.pairwise(terms)]
    return sum(1.4 < ratio < 1.6 for ratio in ratios)


def test_a_slider_acts_on_the_very_next_frames(address):
    async def steered() -> list[float]:
        async with Pupil(address) as pupil:
            film = await drawing(pupil, 200)
            await move(pupil)
            await pupil.until(lambda: "of 200, done" in pupil.words(), "the end")
            return [values[3] for _, values, _, _ in film.frames[1:-1]]

    assert jumps(in_a_thread(steered())) == 1


def test_a_moved_slider_brings_its_frame_without_waiting_for_the_timer(address):
    """The answer to the slider itself has a frame of the new weight, and it is played at once.

    Unless the machine is too busy to make two frames while the answer waits for them.
    """

    async def steered() -> list[int]:
        async with Pupil(address) as pupil:
            film, found = await drawing(pupil, 1000), []
            pupil.stop_clock()
            while len(found) < 4 and not any(found):
                there, before = len(film.frames), pupil.live.headers["ideal"]
                await move(pupil)
                await pupil.until(
                    lambda old=before: (
                        (new := pupil.live.headers["ideal"]) is not old and new["hurry"]
                    ),
                    "the answer",
                )
                found.append(jumps([values[3] for _, values, _, _ in film.frames[there - 1 :]]))
            await pupil.click("Stop")  # or it goes on beside the next test
            return found

    assert any(in_a_thread(steered()))


def test_a_channel_can_be_asked_for_by_link(page, address):
    opened(page, address, "&of_layer=block3_conv2_relu&of_channel=7&steps=1000")
    start(page)
    expect(picture(page, "^channel 7 of block3_conv2_relu, step ")).to_be_visible()
    page.get_by_role("button", name=re.compile("Stop$")).click()
    box = set_up(page)
    expect(box.get_by_role("spinbutton", name="Channel, 0 to")).to_have_value("7")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_channel_of_the_feature_maps_can_be_watched_being_drawn(page, address):
    page.goto(f"{address}/feature_maps?backbone=Pocket")
    page.get_by_test_id("stCheckbox").filter(has_text="Saliency (per pixel)").click()
    expect(page.get_by_alt_text(re.compile("^Saliency for"))).to_be_visible()
    page.get_by_role("tab", name="What activates it").click()
    page.get_by_role("link", name=re.compile("Watch it being drawn")).click()
    expect(picture(page, "^Noise$")).to_be_visible()
    assert "variation=0.0" in page.url  # drawn without penalties there, and here
    box = set_up(page)
    expect(box.get_by_role("spinbutton", name=re.compile("^Channel, 0 to"))).to_be_visible()


def test_two_classes_at_once_and_the_least_of_a_layer(page, address):
    opened(page, address, "&ask=two+classes&steps=20")
    start(page)
    expect(page.get_by_text(re.compile("0.5 · logit of .* 0.5 · logit of"))).to_be_visible()
    opened(page, address, "&ask=a+whole+layer&negative=true&steps=20")
    start(page)
    expect(page.get_by_text(re.compile(r"1 · everything in "))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_senseless_links_are_told(page, address):
    opened(page, address, "&seed=1e400&class=nonsense&preset=x&mode=y")
    for word in ("1e400", "nonsense", "the preset", "the comparison"):
        expect(page.get_by_text(re.compile(word)).first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_old_pictures_are_not_taken_for_new_settings(page, address):
    opened(page, address, "&steps=20")
    start(page)
    expect(page.get_by_text(re.compile(r"^step \d+ of \d+, done$"))).to_be_visible()
    expect(page.get_by_text(re.compile("the previous run"))).to_have_count(0)
    set_up(page).get_by_text("lesson", exact=True).click()
    expect(page.get_by_text(re.compile("the previous run, Egyptian cat by Pocket"))).to_be_visible()


def test_every_picture_of_a_comparison_can_be_taken_home(page, address):
    opened(page, address, "&mode=three+variation+losses&steps=20")
    start(page)
    expect(page.get_by_text(re.compile(r"^step 20 of 20, done$"))).to_be_visible()
    for words in ("none", "some", "strong"):
        with page.expect_download() as picture:
            page.get_by_role("button", name=f"Picture: {words} (PNG)").click()
        assert Image.open(io.BytesIO(picture.value.path().read_bytes())).size == SIZE
    with page.expect_download() as sheet:
        page.get_by_role("button", name="Lab sheet (ZIP)").click()
    with zipfile.ZipFile(sheet.value.path()) as archive:
        assert {"lab-sheet.txt", "picture-3.png", "steps-3.csv"} <= set(archive.namelist())
        assert len(archive.read("steps-1.csv").splitlines()) == 22  # a head, and steps 0 to 20


def test_a_reload_offers_the_last_result(page, address):
    opened(page, address, "&class=goldfish&steps=20")
    expect(page.get_by_role("button", name="Show my last result")).to_have_count(0)
    start(page)
    expect(page.get_by_text(re.compile(r"^step 20 of 20, done$"))).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Show my last result").click()
    expect(picture(page, "^goldfish, step 20: ")).to_be_visible()
    expect(page.get_by_role("button", name="Picture (PNG)")).to_be_visible()
    other = page.context.new_page()  # another tab has nothing of it
    opened(other, address, "&class=goldfish&steps=20")
    expect(other.get_by_role("button", name="Show my last result")).to_have_count(0)


def test_another_picture_of_the_same_stands_beside_the_first(page, address):
    opened(page, address, "&steps=20")
    start(page)
    another = page.get_by_role("button", name=re.compile("Another, as different as possible$"))
    another.click()
    expect(picture(page, r"^Egyptian cat, 2, step 20: ")).to_be_visible()
    expect(picture(page, r"^Egyptian cat, step 20: ")).to_be_visible()
    another.click()
    expect(picture(page, r"^Egyptian cat, 3, step 20: ")).to_be_visible()
    expect(page.get_by_text("This is the previous run")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    start(page)  # the first one alone, again
    expect(picture(page, r"^Egyptian cat, 2,")).to_have_count(0)
