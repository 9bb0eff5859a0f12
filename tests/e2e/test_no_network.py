"""A fresh machine with no weights and no internet: the app does its real job all the same."""

from playwright.sync_api import expect

from harness.server import serving
from tests.conftest import SAMPLES
from tests.e2e.screen import close_set_up, set_up
from tests.e2e.test_feature_maps import no_errors, ready


def test_home_and_feature_maps_work_with_the_built_in_backbone(page, tmp_path):
    no_way_out = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    with serving(KERAS_HOME=str(tmp_path / "empty"), **no_way_out) as address:
        page.goto(address)
        page.get_by_text("This machine").click()
        expect(page.get_by_text("Pocket is loaded")).to_be_visible()
        no_errors(page)

        page.locator(".st-key-door_Feature-maps").click()
        ready(page)
        set_up(page)
        expect(page.get_by_text("Our own small network; it comes with the app.")).to_be_visible()
        page.get_by_role("radio", name="Upload").first.click()
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(SAMPLES / "coffee.png")
        expect(page.get_by_alt_text("coffee.png, cut to")).to_be_visible()
        close_set_up(page)
        ready(page)
        page.locator(".map button:enabled").nth(15).click()
        page.wait_for_url(lambda url: "layer=block3" in url)
        ready(page)
        expect(page.get_by_text("Where it looks")).to_be_visible()
        expect(page.get_by_alt_text("Class activation for")).to_be_visible()
        no_errors(page)

        page.goto(f"{address}/feature_maps?backbone=MobileNetV2")
        expect(page.get_by_text("MobileNetV2 is not on this machine yet")).to_be_visible()
        page.get_by_role("button", name="Download MobileNetV2").click()
        expect(page.get_by_text("could not be downloaded").first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
