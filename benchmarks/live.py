"""Ideal images and attacks in real Chromium: first picture, pictures a second, other widgets.

python -m benchmarks.live
"""

import re
import time
from collections.abc import Iterator
from statistics import median

from playwright.sync_api import Page, sync_playwright

from harness import chromium
from harness.server import serving

TITLE = "Ideal images and attacks in real Chromium, from the click"
BACKBONES = ("MobileNetV2", "Pocket")
# Notes the moment of every new picture whose alternative text matches.
WATCH = """(pattern) => {
  window.seen = [];
  const wanted = new RegExp(pattern), look = () => {
    for (const image of document.querySelectorAll("[data-testid=stImage] img"))
      if (wanted.test(image.alt) && image.src !== window.last) {
        window.last = image.src;
        window.seen.push(performance.now());
      }
  };
  new MutationObserver(look).observe(document.body,
    { subtree: true, childList: true, attributes: true, attributeFilter: ["src", "alt"] });
  document.addEventListener("click", () => { window.clicked ??= performance.now(); }, true);
}"""


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    with sync_playwright() as playwright, serving() as address:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=list(chromium.ARGUMENTS)
        )
        for name in BACKBONES:
            for seed, words in enumerate(("first run of this server", "warm")):
                first, shown, total = watched(
                    browser,
                    f"{address}/ideal_images?backbone={name}&seed={seed}",
                    "Start",
                    r"step \d+$",
                    r"^step \d+ of \d+, done$",
                )
                yield (
                    f"ideal image, {name}, {words}",
                    f"first picture {first:.2f} s; {shown:.1f} pictures a second; {total:.1f} s",
                )
        for name in BACKBONES:
            for seed, words in enumerate(("first run of this server", "warm")):
                first, _, total = watched(
                    browser,
                    f"{address}/adversarial_attacks?backbone={name}&attack_seed={seed}",
                    "Attack",
                    "^Result",
                    r"^Fooled at step|^Not fooled",
                )
                yield f"attack, {name}, {words}", f"first picture {first:.2f} s, end {total:.1f} s"
        for name in BACKBONES:
            yield f"another widget while {name} draws", another(browser, address, name)
        browser.close()


def watched(browser, url: str, button: str, alt: str, end: str) -> tuple[float, float, float]:
    """Seconds to the first new picture, pictures a second from there, seconds to the end."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = opened(context.new_page(), url, button)
    page.evaluate(WATCH, alt)
    page.wait_for_timeout(300)
    page.evaluate("window.seen = []")
    page.get_by_role("button", name=re.compile(f"{button}$")).click()
    page.get_by_text(re.compile(end)).first.wait_for()
    clicked = page.evaluate("window.clicked")
    seen = [moment - clicked for moment in page.evaluate("window.seen")]
    total = page.evaluate("performance.now()") - clicked
    context.close()
    rate = (len(seen) - 1) / max(seen[-1] - seen[0], 1.0)
    return seen[0] / 1000, 1000 * rate, total / 1000


def another(browser, address: str, name: str, times: int = 8) -> str:
    """How long a switch elsewhere on the page takes to answer while a job runs."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = opened(
        context.new_page(), f"{address}/ideal_images?backbone={name}&preset=lesson", "Start"
    )
    page.get_by_text("Lesson card: guess before you look").click()
    page.get_by_role("button", name=re.compile("Start$")).click()
    page.get_by_text(re.compile(", running$")).wait_for()
    answer, took = page.get_by_text(re.compile("^Without a penalty, gradient descent")), []
    for k in range(times):
        started = time.perf_counter()
        page.get_by_text("Show the answer").click()
        answer.wait_for(state="hidden" if k % 2 else "visible")
        took.append(time.perf_counter() - started)
    assert page.get_by_text(re.compile(", running$")).count()  # noqa: S101 -- else it was no test
    context.close()
    return f"median {1000 * median(took):.0f} ms, largest {1000 * max(took):.0f} ms"


def opened(page: Page, url: str, button: str) -> Page:
    """The page, ready to start."""
    page.set_default_timeout(300_000)
    page.goto(url)
    page.get_by_role("button", name=re.compile(f"{button}$")).wait_for()
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    return page


if __name__ == "__main__":
    print(f"## {TITLE}\n\n| what | measured |\n|---|---|")
    for what, value in measure():
        print(f"| {what} | {value} |", flush=True)
