"""The live view in real Chromium: every frame is painted, nothing jumps, slow lines keep up."""

import re

import pytest
from playwright.sync_api import Page, expect

from engine.storage import weights
from harness import protocol
from tests.e2e.screen import picture

LIVE = ".live"
SHIFTS = """() => { window.moved = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.moved += entry.value;
}).observe({ type: "layout-shift" }); }"""


def opened(page: Page, address: str, more: str = "") -> None:
    page.goto(f"{address}/ideal_images?backbone=Pocket{more}")
    expect(picture(page, "^Noise$")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def start(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Start$")).click()


def done(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"^step \d+ of \d+, done$"))).to_be_visible()


def number(page: Page, name: str) -> int:
    return int(page.locator(LIVE).get_attribute(f"data-{name}"))


def test_every_frame_is_painted_and_nothing_jumps(page, address):
    opened(page, address, "&seed=11")
    page.evaluate(SHIFTS)
    start(page)
    done(page)
    expect(page.get_by_role("button", name="Picture (PNG)")).to_be_visible()
    assert number(page, "frames") == 121
    assert number(page, "drawn") >= 0.95 * 121
    assert page.evaluate("window.moved") < 0.01


def test_a_run_costs_the_page_one_run_at_its_end(page, address):
    """A press draws the stage alone, and what stands below is gone at once."""
    known, runs = {}, []

    def hear(raw):
        message = protocol.parsed(raw, known)
        if message.WhichOneof("type") == "new_session" and not message.metadata.run.fragment_ids:
            runs.append(message)

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    opened(page, address, "&seed=12")
    download = page.get_by_role("button", name="Picture (PNG)")
    for _ in range(2):
        runs.clear()
        start(page)
        expect(download).to_be_hidden()
        expect(page.get_by_text(re.compile(r"^step \d+ of \d+, running$"))).to_be_visible()
        assert not runs
        done(page)
        expect(download).to_be_visible()
        assert len(runs) == 1


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
@pytest.mark.parametrize("screen", ["ideal_images", "adversarial_attacks"])
def test_picture_controls_and_verdict_share_the_first_screenful(page, address, size, screen):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{address}/{screen}?backbone=Pocket&steps=20")
    button = page.get_by_role("button", name=re.compile("(Start|Attack)$"))
    expect(button).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    parts = [button, page.locator(".picture").first, page.locator(".status")]
    for running in (False, True):
        if running:
            button.click()
            done(page)
        for part in [*parts, *([page.locator(".verdict")] if running else [])]:
            box = part.bounding_box()
            assert 0 <= box["y"] <= box["y"] + box["height"] <= size[1]
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_press_just_after_a_page_was_left_does_not_bring_it_back(page, address):
    """Otherwise the stage's fragment would run after the next page, and blank it."""
    known, pages = {}, []

    def hear(raw):
        message = protocol.parsed(raw, known)
        if message.WhichOneof("type") == "new_session":
            pages.append(message.new_session.page_script_hash)

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    opened(page, address, "&seed=13&steps=1000&views=8")
    start(page)
    expect(page.get_by_text(re.compile(r"^step \d\d+ of 1000, running$"))).to_be_visible()
    before = pages[-1]
    there = page.get_by_role("link", name="Feature maps").first.element_handle()
    pause = page.get_by_role("button", name=re.compile("Pause$")).element_handle()
    page.evaluate("pressed => pressed.forEach(one => one.click())", [there, pause])
    expect(page.get_by_role("heading", name="Feature maps")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    tile = page.locator(".sheet button").nth(5)  # what is asked for later is answered later
    tile.click()
    expect(tile).to_have_attribute("aria-pressed", "true")
    assert before not in pages[pages.index(pages[-1]) :]


def test_a_page_that_is_left_and_a_hidden_tab_miss_no_frame(page, address):
    opened(page, address, "&seed=12&steps=1000&views=8")  # longer than what follows
    start(page)
    expect(page.get_by_text(re.compile(r"^step \d\d+ of 1000, running$"))).to_be_visible()
    page.get_by_role("link", name="Feature maps").first.click()
    expect(page.get_by_role("heading", name="Feature maps")).to_be_visible()
    expect(page.get_by_alt_text(re.compile("^Class activation"))).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.get_by_role("link", name="Ideal images").first.click()
    expect(page.get_by_text(re.compile(r"^step \d+ of 1000, running$"))).to_be_visible()
    other = page.context.new_page()  # now this tab is in the background
    other.goto("about:blank")
    other.bring_to_front()
    other.wait_for_timeout(1500)
    other.close()
    page.bring_to_front()
    page.get_by_role("button", name=re.compile("Stop$")).click()
    expect(page.get_by_text(re.compile(", stopped$"))).to_be_visible()
    expect(page.get_by_role("button", name="Picture (PNG)")).to_be_visible()  # no frame comes now
    timeline = page.get_by_role("slider", name="Timeline")
    timeline.focus()
    timeline.press("Home")
    last = number(page, "frames") - 1
    assert last > 20
    for step in range(1, 8):  # each frame is there, with its own number
        timeline.press("ArrowRight")
        expect(picture(page, f", step {step}: ")).to_be_visible()
    timeline.press("End")
    expect(picture(page, f", step {last}: ")).to_be_visible()


@pytest.mark.skipif("MobileNetV2" not in weights.available(), reason="its pictures are too small")
def test_a_slow_connection_gets_fewer_pictures_and_no_growing_delay(page, address):
    """At 1 Mbit/s, where all pictures of this run would take half as much again."""
    page.goto(f"{address}/ideal_images?backbone=MobileNetV2&class=daisy&steps=160")
    expect(picture(page, "^Noise$")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    limits = {"latency": 40, "downloadThroughput": 125_000, "uploadThroughput": 125_000}
    slow.send("Network.emulateNetworkConditions", {"offline": False, **limits})
    start(page)
    done(page)
    assert number(page, "frames") == 161  # numbers of all, pictures of some
    assert number(page, "late") < 5000  # ms


def test_the_film_can_be_played_and_a_run_started_again_from_a_step(page, address):
    opened(page, address, "&seed=14&steps=40&views=1")
    start(page)
    done(page)
    page.get_by_role("button", name="Play the film").click()
    page.wait_for_function(
        "() => { const live = [...document.querySelectorAll('*')]"
        ".map((e) => e.shadowRoot?.querySelector('.live')).find(Boolean);"
        " return +live.dataset.shown > 3 && +live.dataset.shown < 38; }"
    )
    page.get_by_role("button", name="Pause the film").click()
    timeline = page.get_by_role("slider", name="Timeline")
    timeline.focus()
    timeline.press("Home")
    timeline.press("ArrowRight")
    expect(page.get_by_text("step 1 of 40, done")).to_be_visible()
    page.get_by_role("button", name="Start again from here").click()
    expect(page.get_by_text("step 40 of 40, done")).to_be_visible()
    assert number(page, "frames") == 41


def test_a_run_goes_on_for_as_many_steps_again(page, address):
    opened(page, address, "&seed=17&steps=20&views=1")
    start(page)
    done(page)
    page.get_by_role("button", name=re.compile("20 more steps$")).click()
    expect(page.get_by_text("step 40 of 40, done")).to_be_visible()
    assert number(page, "frames") == 41
    expect(page.get_by_text("This is the previous run")).to_have_count(0)
    timeline = page.get_by_role("slider", name="Timeline")
    timeline.focus()
    timeline.press("Home")
    timeline.press("ArrowRight")
    expect(picture(page, ", step 1: ")).to_be_visible()  # also of what was made before
    page.get_by_role("button", name=re.compile("20 more steps$")).click()
    expect(page.get_by_text(re.compile("of 60, done$"))).to_be_visible()
    assert number(page, "frames") == 61


def test_a_faint_picture_is_stretched_to_the_end_and_exact_where_it_is_not(page, address):
    opened(page, address, "&seed=16&preset=lesson&steps=20")
    start(page)
    done(page)
    spread = """(canvas) => { const { data } = canvas.getContext("2d")
      .getImageData(0, 0, canvas.width, canvas.height);
      const values = data.filter((_, k) => k % 4 !== 3);
      return Math.max(...values) - Math.min(...values); }"""
    last = picture(page, ", step 20: ")
    expect(last).to_be_visible()
    page.wait_for_function(f"(canvas) => ({spread})(canvas) > 120", arg=last.element_handle())
    page.get_by_label("Stretch contrast").click()
    page.wait_for_function(f"(canvas) => ({spread})(canvas) < 60", arg=last.element_handle())


def test_with_reduced_motion_every_tenth_frame_is_shown(page, address):
    page.emulate_media(reduced_motion="reduce")
    opened(page, address, "&seed=15&steps=120&views=1")
    page.evaluate(
        "() => { const live = [...document.querySelectorAll('*')]"
        ".map((e) => e.shadowRoot?.querySelector('.live')).find(Boolean);"
        " window.labels = new Set();"
        " new MutationObserver(() => window.labels.add(live.querySelector('canvas').ariaLabel))"
        ".observe(live, { subtree: true, attributeFilter: ['aria-label'] }); }"
    )
    start(page)
    done(page)
    labels = page.evaluate("[...window.labels]")
    start(page)
    page.get_by_role("button", name=re.compile("Pause$")).click()
    stands = page.get_by_text(re.compile(r"^step \d+ of 120, paused$"))
    expect(stands).to_be_visible()
    step = stands.inner_text().split()[1]
    expect(picture(page, f", step {step}: ")).to_be_visible()  # also where it is no tenth
    steps = {int(found[1]) for label in labels if (found := re.search(r", step (\d+)", label))}
    assert {step % 10 for step in steps} == {0}
    assert 120 in steps


def test_a_run_whose_timer_is_lost_is_drawn_all_the_same(page, address):
    """Streamlit loses messages on a busy machine, and the timer of the live view with them."""
    page.add_init_script("window.setInterval = () => 0")
    page.goto(f"{address}/ideal_images?backbone=Pocket&preset=lesson&steps=60")
    page.get_by_role("button", name=re.compile("Start$")).click()
    expect(page.get_by_text("step 60 of 60, done")).to_be_visible()
    expect(picture(page, ", step 60: ")).to_be_visible()
