"""Ideal images and attacks in real Chromium, beside the engine alone; server and browser share the
cores.

python -m benchmarks.live
"""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from playwright.sync_api import Page, sync_playwright

from engine import attacks, backbones, images, synthesis
from engine.storage import samples
from harness import chromium
from harness.server import at_rest, free_port, running

TITLE = "Ideal images and attacks in real Chromium, from the click"
BACKBONES = ("MobileNetV2", "Pocket")
VERDICT = r" became .*grey|^Not fooled"
# Notes when each frame of the live view is painted, `[ms, frames there, frames painted]`, and when
# it says that the run has ended.
WATCH = """(end) => {
  const live = [...document.querySelectorAll("*")]
    .map((node) => node.shadowRoot?.querySelector(".live")).find(Boolean);
  window.live = live;
  window.painted = [];
  window.clicked = null;
  new MutationObserver(() => window.painted.push(
    [performance.now(), +live.dataset.frames, +live.dataset.drawn])
  ).observe(live, { attributeFilter: ["data-drawn"] });
  window.ended = null;
  const lines = [".status", ".verdict"].map((name) => live.querySelector(name));
  new MutationObserver(() => {
    if (lines.some((line) => line.innerText.match(end))) window.ended ??= performance.now();
  }).observe(live, { subtree: true, childList: true });
  document.addEventListener("click", () => { window.clicked ??= performance.now(); }, true);
}"""


def measure() -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    with sync_playwright() as playwright, running(free_port()) as (address, process):
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=list(chromium.ARGUMENTS)
        )
        for name in BACKBONES:
            url = f"{address}/ideal_images?backbone={name}"
            watched(browser, f"{url}&seed=1&steps=20", "Start")  # compiles and loads
            while not at_rest(process.pid):
                pass  # a server that was just started compiles what others may want
            rounds = []
            for seed in (2, 3, 4):
                rounds.append((alone(name, seed), *watched(browser, f"{url}&seed={seed}", "Start")))
            engine, first, total, drawn, made = map(median, zip(*rounds, strict=True))
            yield (
                f"ideal image of {made - 1:.0f} steps, {name}",
                f"engine alone {engine:.1f} s, drawn {total:.1f} s: {total / engine:.2f} times as "
                f"long; first picture after {first:.2f} s; "
                f"{drawn:.0f} of {made:.0f} frames painted",
            )
        for name in BACKBONES:
            url = f"{address}/adversarial_attacks?backbone={name}"
            watched(browser, f"{url}&seed=1", "Attack", VERDICT)
            rounds = []
            for seed in (2, 3, 4):
                _, *seen = watched(browser, f"{url}&seed={seed}", "Attack", VERDICT)
                rounds.append((attacked(name, seed), *seen))
            engine, total, drawn, made = map(median, zip(*rounds, strict=True))
            yield (
                f"attack of 20 steps, {name}",
                f"engine alone {engine:.2f} s, verdict after {total:.2f} s; "
                f"{drawn:.0f} of {made:.0f} frames painted",
            )
        for name in BACKBONES:
            yield f"a moved slider, {name}", slider(browser, address, name)
            yield f"another widget while {name} draws", another(browser, address, name)
        browser.close()


def alone(name: str, seed: int) -> float:
    """Seconds that the engine needs for the same picture, and nobody watches."""
    net = backbones.load(name)
    settings = replace(synthesis.preset("clear", net), seed=seed)
    for _ in synthesis.ideal_image(net, 0, replace(settings, steps=2)):
        pass  # compiles
    started = time.perf_counter()
    for _ in synthesis.ideal_image(net, 0, settings):
        pass
    return time.perf_counter() - started


def attacked(name: str, seed: int) -> float:
    """Seconds that the engine needs for the same attack, and nobody watches."""
    net = backbones.load(name)
    picture = images.fit(images.load(samples.path("Bull mastiff")), net.input_size)
    goal = attacks.Targeted(net.class_names.index("Egyptian cat"))
    for _ in attacks.run(net, picture, goal, attacks.PGD(steps=1)):
        pass  # compiles
    started = time.perf_counter()
    for _ in attacks.run(net, picture, goal, attacks.PGD(), seed=seed):
        pass
    return time.perf_counter() - started


def watched(
    browser, url: str, button: str, end: str = r"^step \d+ of \d+, done$"
) -> tuple[float, float, int, int]:
    """Seconds to the first new picture and to the words of the end; frames painted, and made."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = opened(context.new_page(), url, button)
    watch(page, end)
    page.wait_for_timeout(300)
    page.get_by_role("button", name=re.compile(f"{button}$")).click()
    seen = "window.ended && window.live.dataset.shown == window.live.dataset.frames - 1"
    page.wait_for_function(seen, polling=250)  # by default at each refresh, which costs the engine
    painted, clicked, ended = page.evaluate("[window.painted, window.clicked, window.ended]")
    drawn, made = page.evaluate("['drawn', 'frames'].map((name) => +window.live.dataset[name])")
    context.close()
    first = next(at - clicked for at, _, count in painted if count and at > clicked)
    return first / 1000, (ended - clicked) / 1000, drawn, made


def watch(page: Page, end: str = "^$") -> None:
    """Notes what the live view paints from now on."""
    page.locator(".live").wait_for()
    page.evaluate(WATCH, end)


def slider(browser, address: str, name: str, times: int = 6) -> str:
    """How long the variation loss takes from a key press to a frame that was made with it."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    url = f"{address}/ideal_images?backbone={name}&preset=lesson&variation=0.1"
    page = opened(context.new_page(), url, "Start")
    watch(page)
    page.get_by_role("button", name=re.compile("Start$")).click()
    page.get_by_text(re.compile(r"^step \d\d+ of \d+, running$")).wait_for()
    handle, took = page.get_by_role("slider", name="Variation loss"), []
    term = (
        "() => +window.live.querySelectorAll('.curve')[1].querySelectorAll('.value')[2].innerText"
    )
    for k in range(times):
        before = page.evaluate(term)
        handle.focus()
        started = time.perf_counter()
        handle.press("Home" if k % 2 else "End")  # from a tenth to ten times, and back
        moved = "< before / 10" if k % 2 else "> before * 10"
        page.wait_for_function(f"(before) => ({term})() {moved}", arg=before)
        took.append(time.perf_counter() - started)
        page.wait_for_timeout(500)
    stop(page)
    context.close()
    return f"median {1000 * median(took):.0f} ms, largest {1000 * max(took):.0f} ms"


def another(browser, address: str, name: str, times: int = 8) -> str:
    """How long a switch elsewhere on the page takes to answer while a run goes on."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = opened(
        context.new_page(), f"{address}/ideal_images?backbone={name}&preset=lesson", "Start"
    )
    page.get_by_role("button", name=re.compile("Start$")).click()
    page.get_by_text(re.compile(", running$")).wait_for()
    page.get_by_role("button", name=re.compile("Lesson card")).click()
    answer, took = page.get_by_text(re.compile("^Without a penalty, gradient descent")), []
    switch = page.get_by_role("switch", name="Show the answer")
    for k in range(times):
        switch.focus()
        started = time.perf_counter()
        switch.press("Space")  # before a click, Playwright waits until nothing moves
        answer.wait_for(state="hidden" if k % 2 else "visible")
        took.append(time.perf_counter() - started)
    assert page.get_by_text(re.compile(", running$")).count()  # noqa: S101 -- else it was no test
    stop(page)
    context.close()
    return f"median {1000 * median(took):.0f} ms, largest {1000 * max(took):.0f} ms"


def stop(page: Page) -> None:
    """Ends the run, which would go on for half a minute after its tab is closed."""
    page.get_by_role("button", name="Stop").press("Enter")
    page.get_by_text(re.compile(", (stopped|done)$")).wait_for()


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
