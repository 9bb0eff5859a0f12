"""The home page on a fresh server: how soon there is something to read."""

import time
from collections.abc import Iterator

from playwright.sync_api import sync_playwright

from harness import chromium
from harness.server import serving

TITLE = "Home page, fresh server, first visit, real Chromium"


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    first, ready = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=list(chromium.ARGUMENTS)
        )
        for _ in range(3):
            with serving() as address:
                page = browser.new_context().new_page()
                page.set_default_timeout(120_000)
                started = time.perf_counter()
                page.goto(address, wait_until="commit")
                page.get_by_text("See what each layer").wait_for()
                first.append(time.perf_counter() - started)
                page.get_by_text("Ready after").wait_for(state="attached")  # folded
                ready.append(time.perf_counter() - started)
                page.context.close()
        browser.close()
    yield "first content after the first request", rounds(first)
    yield "TensorFlow imported, first backbone loaded and run", rounds(ready)


def rounds(times: list[float]) -> str:
    """Every round, in seconds."""
    return ", ".join(f"{t:.1f} s" for t in times)
