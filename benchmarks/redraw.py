"""Changing a channel in real Chromium: from the click to the new picture on screen."""

import time
from collections.abc import Iterator
from statistics import median

from playwright.sync_api import sync_playwright

from harness import chromium
from harness.server import serving

TITLE = "Feature maps in real Chromium (MobileNetV2, 224 px), from the click to the new picture"


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    with sync_playwright() as playwright, serving() as address:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=list(chromium.ARGUMENTS)
        )
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{address}/feature_maps?backbone=MobileNetV2")
        tiles = page.locator(".sheet button")
        tiles.first.wait_for()
        page.get_by_alt_text("Class activation for").wait_for()
        times = []
        for k in range(3, 13):
            number = tiles.nth(k).get_attribute("aria-label").split(",")[0].removeprefix("channel ")
            started = time.perf_counter()
            tiles.nth(k).click()
            page.get_by_text(f"Channel {number}", exact=True).wait_for()
            times.append(time.perf_counter() - started)
        yield "another channel", f"median {1000 * median(times):.0f} ms"
        browser.close()
