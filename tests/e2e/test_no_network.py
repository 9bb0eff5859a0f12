"""A fresh machine with no weights and no internet; weights that come and go."""

import shutil

import pytest
from playwright.sync_api import expect

from engine.storage import registry, weights
from harness.pupil import Pupil
from harness.server import serving
from tests.conftest import SAMPLES
from tests.e2e.screen import close_set_up, in_a_thread, set_up
from tests.e2e.test_feature_maps import no_errors, ready


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The app with an empty Keras home and no way out, and that home."""
    home = tmp_path_factory.mktemp("bare") / "keras"
    no_way_out = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    with serving(KERAS_HOME=str(home), **no_way_out) as address:
        yield address, home


def test_home_and_feature_maps_work_with_the_built_in_backbone(page, bare):
    address, _ = bare
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


def test_weights_may_be_damaged_deleted_and_restored_while_it_runs(bare):
    spec = registry.spec("MobileNetV2")
    if not weights.is_here(spec):
        pytest.skip("MobileNetV2's weights are not in KERAS_HOME")
    address, home = bare
    models = home / "models"
    models.mkdir(parents=True, exist_ok=True)
    for name in (spec.filename, weights.INDEX_NAME):
        shutil.copy(weights.path(spec).parent / name, models)
    file, whole = models / spec.filename, weights.path(spec).read_bytes()

    async def opened(pupil: Pupil, backbone: str, words: str) -> None:
        await pupil.open("feature_maps", f"backbone={backbone}")
        pupil.errors = list  # a red box is what is waited for
        await pupil.until(lambda: words in pupil.words(), words)

    async def visit() -> None:
        async with Pupil(address) as pupil, Pupil(address) as other:
            await opened(pupil, "MobileNetV2", "MobileNetV2 took")
            file.write_bytes(whole[: len(whole) // 2])
            await opened(pupil, "MobileNetV2", "does not hold MobileNetV2's weights")
            again = "Download MobileNetV2 again"
            await pupil.until(lambda: pupil.has("button", again), "a way to mend it")
            file.unlink()
            await opened(pupil, "MobileNetV2", "MobileNetV2 is not on this machine yet")
            await opened(other, "Pocket", "Pocket took")
            file.write_bytes(whole)
            await opened(pupil, "MobileNetV2", "MobileNetV2 took")

    try:
        in_a_thread(visit())
    finally:
        shutil.rmtree(models)
