"""The first screen as a person uses it, in real Chromium."""

import base64
import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from engine.storage import weights
from tests.conftest import SAMPLES
from tests.e2e.screen import close_set_up, set_up

pytestmark = pytest.mark.skipif(not weights.available(), reason="no backbone on this machine")
MOBILENET = pytest.mark.skipif(
    "MobileNetV2" not in weights.available(), reason="MobileNetV2's weights are not here"
)


def tiles(page: Page):
    return page.locator(".sheet button")


def ready(page: Page) -> None:
    """Waits until the channels are drawn and the script has come to rest."""
    tiles(page).first.wait_for()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def no_errors(page: Page) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def test_home_has_four_doors_and_becomes_ready(page, address):
    page.goto(address)
    for door in ("Feature maps", "Transfer learning", "Ideal images", "Adversarial attacks"):
        card = page.locator(f".st-key-door_{door.replace(' ', '-')}")
        expect(card.get_by_role("link", name=door)).to_be_visible()
        picture = card.locator("img")
        expect(picture).to_be_visible()
        drawn = "e => e.complete && e.naturalWidth > 0"
        page.wait_for_function(drawn, arg=picture.element_handle())
    page.get_by_text("This machine").click()
    expect(page.get_by_text("Ready after")).to_be_visible()
    page.locator(".st-key-door_Ideal-images").click()  # all of a card is its link
    expect(page.get_by_role("heading", name="Ideal images", level=1)).to_be_visible()
    no_errors(page)


@MOBILENET
def test_a_deep_link_opens_the_state_it_names(page, address):
    page.goto(f"{address}/feature_maps?layer=block_6_expand_relu&channel=100&sample=Rocket")
    ready(page)
    expect(page.get_by_text("block_6_expand_relu · ReLU · 28 × 28 × 192")).to_be_visible()
    expect(page.get_by_text("Channel 100", exact=True)).to_be_visible()
    expect(page.get_by_alt_text("rocket, cut to 224 by 224 pixels")).to_be_visible()
    assert "layer=block_6_expand_relu" in page.url
    no_errors(page)


def test_a_senseless_link_is_told_and_the_page_goes_on(page, address):
    page.goto(f"{address}/feature_maps?layer=nonsense&sample=Dragon&backbone=VGG99")
    ready(page)
    for word in ("nonsense", "Dragon", "VGG99"):
        expect(page.get_by_text("The link asks for").filter(has_text=word)).to_be_visible()
    no_errors(page)


def test_a_click_on_a_tile_and_on_the_network_picks(page, address):
    page.goto(f"{address}/feature_maps?backbone=Pocket")
    ready(page)
    tile = tiles(page).nth(5)
    number = tile.get_attribute("aria-label").split(",")[0].removeprefix("channel ")
    tile.click()
    expect(page.get_by_text(f"Channel {number}", exact=True)).to_be_visible()
    expect(page.locator(".sheet button[aria-pressed=true] span")).to_have_text(number)
    bar = page.locator(".map button:enabled").nth(6)
    name = bar.get_attribute("aria-label").split(" · ")[0]
    bar.click()
    expect(page.get_by_text(f"{name} · ").first).to_be_visible()
    page.wait_for_url(lambda url: f"layer={name}" in url)
    no_errors(page)


def test_upload_compare_and_download(page, address, tmp_path):
    page.goto(f"{address}/feature_maps?backbone=Pocket")
    ready(page)
    set_up(page).get_by_role("radio", name="Upload").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(SAMPLES / "coffee.png")
    expect(page.get_by_alt_text("coffee.png, cut to")).to_be_visible()
    close_set_up(page)
    ready(page)

    page.get_by_role("radio", name="another picture").click()
    expect(page.get_by_text("The same channels in the same places")).to_be_visible()
    expect(page.get_by_text("The difference: astronaut minus coffee.png")).to_be_visible()
    ready(page)

    with page.expect_download() as sheet:
        page.get_by_role("button", name="Contact sheet (PNG)").click()
    assert Image.open(io.BytesIO(sheet.value.path().read_bytes())).format == "PNG"
    with page.expect_download() as raw:
        page.get_by_role("button", name="Raw maps (npz)").click()
    with np.load(io.BytesIO(raw.value.path().read_bytes())) as arrays:
        h, w, c = arrays["values"].shape
        assert arrays["response"].shape == arrays["dead"].shape == (c,)
        assert h > 1
        assert w > 1
    with page.expect_download() as lab:
        page.get_by_role("button", name="Lab sheet (ZIP)").click()
    with zipfile.ZipFile(lab.value.path()) as archive:
        assert archive.testzip() is None
        report = archive.read("lab-sheet.txt").decode()
        figures = [name for name in archive.namelist() if name.endswith(".png")]
        assert len(figures) == 3
        for name in figures:
            assert name in report
            assert Image.open(io.BytesIO(archive.read(name))).format == "PNG"
    assert "Picture: coffee.png" in report
    no_errors(page)


def test_a_picture_can_be_pasted(page, address):
    page.goto(f"{address}/feature_maps?backbone=Pocket")
    ready(page)
    set_up(page).get_by_role("radio", name="Paste").click()
    box = page.get_by_text("Click here, then paste")
    box.wait_for()
    coffee = base64.b64encode((SAMPLES / "coffee.png").read_bytes()).decode()
    box.evaluate(
        """(box, data) => {
            const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
            const clipboard = new DataTransfer();
            clipboard.items.add(new File([bytes], "coffee.png", {type: "image/png"}));
            box.dispatchEvent(new ClipboardEvent("paste", {clipboardData: clipboard,
                                                           bubbles: true}));
        }""",
        coffee,
    )
    expect(page.get_by_alt_text("pasted picture, cut to")).to_be_visible()
    no_errors(page)


def test_a_bad_upload_is_one_sentence_and_loses_nothing(page, address):
    page.goto(f"{address}/feature_maps?backbone=Pocket")
    ready(page)
    set_up(page).get_by_role("radio", name="Upload").click()
    cut = (SAMPLES / "coffee.png").read_bytes()[:20_000]
    for content, sentence in (
        (b"this is a text", "not a picture that can be read"),
        (cut, "damaged or cut off"),
    ):
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
            {"name": "cat.png", "mimeType": "image/png", "buffer": content}
        )
        expect(page.get_by_text(sentence)).to_be_visible()
        expect(page.get_by_alt_text("cat, cut to")).to_be_visible()
        expect(tiles(page).first).to_be_visible()


def test_one_value_is_taken_apart(page, address):
    page.goto(f"{address}/feature_maps?backbone=Pocket&layer=block2_conv2&channel=3")
    page.get_by_role("tab", name="One value").click()
    map_of_values = page.get_by_role("application", name=re.compile("^Channel 3, row "))
    box = map_of_values.bounding_box()
    map_of_values.click(position={"x": box["width"] * 12.5 / 40, "y": box["height"] * 7.5 / 40})
    expect(page.get_by_text(re.compile("^Row 7, column 12: "))).to_be_visible()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp"):  # faster than the answers
        page.keyboard.press(key)
    expect(page.get_by_text(re.compile("^Row 8, column 13: "))).to_be_visible()
    page.get_by_role("button", name="Slide the window").click()
    further = re.compile(r"^Row 8, column (1[6-9]|[23]\d): ")  # each for a third of a second
    expect(page.get_by_text(further)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.wait_for_url("**tab=One+value**")
    said = page.get_by_text(re.compile("^These products add up to")).inner_text()
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", said.replace("47", "", 1))]
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=0.02)
    expect(page.get_by_text(re.compile("^Where it looks: "))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
