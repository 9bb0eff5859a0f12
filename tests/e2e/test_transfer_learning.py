"""A classifier trained in real Chromium with neither network nor data: kept, used elsewhere."""

import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from engine import images
from tests.conftest import SAMPLES
from tests.e2e.screen import close_set_up, picture, set_up

URL = "transfer_learning?backbone=Pocket"
QUICK = "&epochs=2"  # enough for a result
QUESTIONS = {
    "Try your photo": "It must choose one of the classes",
    "Which classes?": "Most often confused",
    "Confusions": "Click a square",
    "Most confident mistakes": "; predicted",
    "Map of the photos": "Principal components",
    "Layers": r"layers, [\d,]+ parameters; [\d,]+ of them learn",
}


def opened(page: Page, address: str, more: str = "") -> None:
    page.goto(f"{address}/{URL}{more}")
    expect(page.get_by_role("button", name=re.compile("Train$"))).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def trained(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Train$")).click()
    expect(
        page.get_by_text(re.compile("photos it has never seen are classified correctly"))
    ).to_be_visible()
    expect(page.get_by_role("radio", name="Try your photo")).to_be_visible()


def ask(page: Page, question: str) -> None:
    page.get_by_role("radiogroup", name="Look closer").get_by_text(question, exact=True).click()


def photo(k: int, name: str) -> bytes:
    """A crop of a real photo, another for every number."""
    picture = images.load(SAMPLES / name)
    height, width = picture.shape[:2]
    top, left = (k * height) // 40, (k * width) // 40
    cut = picture[top : top + height * 2 // 3, left : left + width * 2 // 3]
    buffer = io.BytesIO()
    Image.fromarray(images.to_uint8(images.fit(cut, (96, 96)))).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Cats and coffee, ten photos each; one file is broken, one wants to get out."""
    file = tmp_path_factory.mktemp("own") / "mine.zip"
    with zipfile.ZipFile(file, "w") as packed:
        for k in range(10):
            packed.writestr(f"mine/cat/{k}.jpg", photo(k, "chelsea.png"))
            packed.writestr(f"mine/coffee/{k}.jpg", photo(k, "coffee.png"))
        packed.writestr("mine/cat/broken.jpg", b"no picture at all")
        packed.writestr("../../../escaped/out.jpg", photo(1, "coffee.png"))
    return file


def test_one_button_trains_and_every_question_has_an_answer(page, address):
    opened(page, address, QUICK)
    trained(page)
    for question, answer in QUESTIONS.items():
        ask(page, question)
        expect(page.get_by_text(re.compile(answer)).first).to_be_visible()
    ask(page, "How few photos?")
    page.get_by_role("button", name=re.compile("Try fewer photos$")).click()
    expect(page.get_by_text(re.compile(r"^step 4 of 4, done$"))).to_be_visible()
    ask(page, "Training tricks")
    page.get_by_role("button", name=re.compile("Try them all$")).click()
    expect(page.get_by_text(re.compile(r"^step 4 of 4, done$"))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_own_photos_are_learnt_bad_ones_named_and_runs_compared(page, address, archive):
    opened(page, address, f"{QUICK}&tuned=1")
    set_up(page).get_by_text("My zip", exact=True).click()
    close_set_up(page)
    page.locator("input[type=file]").first.set_input_files(archive)
    expect(page.get_by_text(re.compile("2 classes|3 classes"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Train$")).click()
    # five photos are too few to test on: every photo is tested by a head that has not seen it
    expect(page.get_by_text(re.compile("% of 20 photos, cross-validated, are"))).to_be_visible()
    page.get_by_text("fine-tuned", exact=True).click()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.get_by_role("button", name=re.compile("Train$")).click()
    expect(page.get_by_text("All runs of this session")).to_be_visible()
    expect(page.get_by_text(re.compile("training backbone and head, done"))).to_be_visible()
    page.get_by_text("Compare two of them, photo by photo").click()
    expect(page.get_by_text(re.compile(r"^They were tested on different photos"))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlert").filter(has_text="error")).to_have_count(0)


def test_photos_go_into_boxes_and_later_ones_are_learned_at_once(page, address, tmp_path):
    page.goto(f"{address}/{URL}{QUICK}&photos_of=My+photos")
    expect(page.get_by_text("Add at least two photos to each of two classes")).to_be_visible()
    for k, name in enumerate(("chelsea.png", "coffee.png")):
        files = [tmp_path / f"{name}-{n}.jpg" for n in range(4)]
        for n, file in enumerate(files):
            file.write_bytes(photo(9 * n, name))
        files.append(tmp_path / f"{name}-broken.jpg")
        files[-1].write_bytes(b"no picture")
        page.get_by_role("textbox", name=f"Class {k + 1}").fill(name[:-4])
        page.locator("input[type=file]").nth(k).set_input_files(files)
        expect(page.get_by_text("5 photos", exact=True)).to_have_count(k + 1)
    expect(page.get_by_text("2 files skipped")).to_be_visible()
    page.get_by_role("button", name=re.compile("Train$")).click()
    expect(page.get_by_text(re.compile("of 8 photos, cross-validated, are"))).to_be_visible()
    late = tmp_path / "late.jpg"  # is learned at once
    late.write_bytes(photo(31, "chelsea.png"))
    page.locator("input[type=file]").first.set_input_files(late)
    expect(page.get_by_text(re.compile("of 9 photos, cross-validated, are"))).to_be_visible()
    expect(page.get_by_text(re.compile("Predictions of your classifier"))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_one_camera_fills_the_boxes_and_each_photo_is_tried_at_once(page, address):
    page.goto(f"{address}/{URL}{QUICK}&photos_of=My+photos")
    page.get_by_text("Camera", exact=True).click()

    def shoot() -> None:
        page.wait_for_function("document.querySelector('video')?.videoWidth > 0")
        page.get_by_role("button", name="Take photo").click()

    for k, name in enumerate(("class 1", "class 2"), 1):
        boxes = page.get_by_role("radiogroup", name="Add the next photo to")
        boxes.get_by_text(name, exact=True).click()
        shoot()
        expect(page.get_by_text("1 photo, 1 from the camera")).to_have_count(k)
    shoot()
    expect(page.get_by_text("2 photos, 2 from the camera")).to_be_visible()
    expect(page.get_by_text("Prediction for the last photo, before training on it")).to_be_visible()
    expect(page.get_by_text(re.compile(r"fitted to the other 2 photos in \d+ ms"))).to_be_visible()


def test_stop_keeps_what_there_is(page, address):
    opened(page, address)
    set_up(page).get_by_text("Training options").click()
    slider = page.get_by_role("slider", name=re.compile("^Epochs"))
    slider.focus()
    slider.press("End")
    close_set_up(page)
    page.get_by_role("button", name=re.compile("Train$")).click()
    expect(page.get_by_text(re.compile(r"^epoch \d+ of 200, running$"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Stop$")).click()
    stopped = page.get_by_text(re.compile(r"^epoch \d+ of 200, stopped$"))
    expect(stopped).to_have_count(1)
    assert int(stopped.inner_text().split()[1]) < 200
    expect(page.get_by_text(re.compile("are classified correctly"))).to_be_visible()


def test_a_project_opens_again_and_the_classifier_is_a_backbone(page, address, tmp_path):
    opened(page, address, QUICK)
    trained(page)
    ask(page, "Try your photo")
    said = page.locator(".annotation-text").first
    before = said.text_content()
    ask(page, "Export")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Project (to open here again)").click()
    file = tmp_path / "pets.idealcat"
    file.write_bytes(saved.value.path().read_bytes())
    page.get_by_text("Use it on the other screens").click()
    page.get_by_role("link", name="Attack it").click()
    expect(
        page.get_by_text(re.compile(r"^bull mastiff → .* · Oxford-IIIT Pets, by Pocket"))
    ).to_be_visible()
    page.get_by_role("button", name=re.compile("Attack$")).click()
    expect(page.get_by_text(re.compile(" became .*grey|^Not fooled"))).to_be_visible()
    page.get_by_role("link", name="Ideal images").first.click()
    expect(picture(page, "^Noise$")).to_be_visible()
    page.get_by_role("button", name=re.compile("Start$")).click()
    expect(page.get_by_text(re.compile(r"^step \d+ of \d+, done$"))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)

    opened(page, address)  # a new session knows of nothing
    set_up(page).get_by_text("Open a project").click()
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.get_by_text(re.compile("Opened: Pocket with 37 classes"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(said).to_have_text(before)


def test_a_project_that_is_none_is_one_sentence(page, address, tmp_path):
    opened(page, address)
    file = tmp_path / "bad.idealcat"
    file.write_bytes(np.random.default_rng(0).bytes(1000))
    set_up(page).get_by_text("Open a project").click()
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.get_by_text(re.compile("Expected a project that this app"))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_phone_width_has_no_sideways_scroll(phone, address):
    opened(phone, address, QUICK)
    trained(phone)
