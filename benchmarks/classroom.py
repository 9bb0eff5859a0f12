"""A class at once: thirty sessions on all four screens, some of them real browsers, on one server.

python -m benchmarks.classroom [--pupils 28] [--browsers 2] [--minutes 5] [--wall]

Everything, the pupils too, runs on this machine's cores; the server has been opened once before.
Each pupil goes through the four screens again and again, waits a little as a person does, and
checks that what it sees is its own: the picture it has sent, the class it has asked for, and for a
seed that others have too the very same picture. With `--wall`, everyone makes a small picture every
half a minute instead; the pupils show it, and a projector watches.
"""

import argparse
import asyncio
import random
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.live import opened, watch
from engine.classroom import Wall
from harness import chromium
from harness.lesson import BACKBONES, THINK, Marks, the_class
from harness.pupil import Pupil
from harness.server import free_port, running
from harness.show_and_tell import EVERY, show_and_tell

TITLE = "A class of thirty, five minutes, server and all pupils on the same two cores"


def browse(address: str, number: int, marks: Marks, until: float, small: bool) -> None:
    """A real browser that makes one ideal image after the other and looks at the other screens.

    It waits a little before each page, like the other pupils.

    With `small`, each has twenty steps, and there is one every half a minute.
    """
    more = "&steps=20" if small else ""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=list(chromium.ARGUMENTS)
        )
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.on("pageerror", lambda error: marks.errors.update([f"in the browser: {error}"]))
        name, seed = BACKBONES[number % 2], 5000 * (number + 1)
        chance = random.Random(1000 + number)
        while time.monotonic() < until:
            try:
                seed += 1
                began = time.monotonic()
                page.wait_for_timeout(1000 * chance.uniform(*THINK))
                opened(page, f"{address}/ideal_images?backbone={name}&seed={seed}{more}", "Start")
                watch(page)
                page.get_by_role("button", name=re.compile("Start$")).click()
                page.get_by_text(re.compile(r"^step \d+ of \d+, done$")).first.wait_for()
                painted, clicked = page.evaluate("[window.painted, window.clicked]")
                seen = [at - clicked for at, _, count in painted if count and at > clicked]
                marks.times["browser: first frame"].append(seen[0] / 1000)
                there, drawn = page.evaluate("[+live.dataset.frames, +live.dataset.drawn]")
                marks.times["browser: share of the frames painted"].append(drawn / there)
                for screen in ("feature_maps", "transfer_learning", "adversarial_attacks"):
                    page.wait_for_timeout(1000 * chance.uniform(*THINK))
                    page.goto(f"{address}/{screen}?backbone={name}")
                    page.get_by_role("heading", level=1).wait_for()
                    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
                    if page.get_by_test_id("stException").count():
                        marks.errors[f"an exception on {screen}, in the browser"] += 1
                time.sleep(max(0.0, EVERY - (time.monotonic() - began)) if small else 0.0)
            except Exception as error:  # noted; the browser goes on
                words = page.locator("main").inner_text()[-300:]
                marks.errors[f"in the browser: {str(error)[:60]} … {words}"] += 1
        browser.close()


async def made_ready(address: str) -> None:
    """Opens the home page once, as the lesson plan says, and waits until the server is ready."""
    async with Pupil(address) as pupil:
        await pupil.open()
        await pupil.until(lambda: "Ready after" in pupil.words(), "Ready")
        await asyncio.sleep(15)


def memory(process: int) -> float:
    """The most memory a process has had, in GB."""
    status = Path(f"/proc/{process}/status").read_text()
    most = re.search(r"VmHWM:\s+(\d+)", status)
    return int(most[1]) / 1e6 if most else float("nan")  # of a process that has ended


def measure(
    pupils: int = 28, browsers: int = 2, minutes: float = 5, wall: bool = False
) -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    marks = Marks()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(free_port(), IDEAL_CAT_DATA=folder) as (address, process),
    ):
        asyncio.run(made_ready(address))
        until = time.monotonic() + 60 * minutes
        threads = [
            threading.Thread(target=browse, args=(address, k, marks, until, wall))
            for k in range(browsers)
        ]
        for thread in threads:
            thread.start()
        if wall:
            yield from shown(address, Path(folder), pupils, marks, minutes)
            for thread in threads:
                thread.join()
            if times := marks.times["browser: first frame"]:
                yield "browser: first frame", spread(times)
            yield "peak memory of the server", f"{memory(process.pid):.2f} GB"
            return
        answers = asyncio.run(the_class(address, pupils, marks, until))
        for thread in threads:
            thread.join()
        most = memory(process.pid)
    for what in (
        "first content",
        "first frame",
        "first frame of a picture of its own",
        "attack, to the verdict",
        "training, to the result",
        "browser: first frame",
    ):
        if times := marks.times[what]:
            yield what, spread(times)
    yield f"widget answers ({len(answers)})", spread([seconds for _, seconds in answers])
    for kind in sorted({kind for kind, _ in answers}):
        yield f"of these: {kind}", spread([seconds for what, seconds in answers if what == kind])
    for what in ("first frame", "first frame of a picture of its own"):
        times = marks.times[what]
        yield f"longest wait for a {what}", f"{max(times) / mean(times):.1f} times the mean"
    rate = marks.counts["frames"] / max(sum(marks.times["frames watched for"]), 1e-9)
    yield "frames a second and pupil, while a picture is made", f"{rate:.1f}"
    if shares := marks.times["browser: share of the frames painted"]:
        yield (
            "share of a picture's frames painted in a browser, least",
            f"{100 * min(shares):.0f} %",
        )
    groups = [len(found) for found in marks.same.values()]
    yield "asked for the same and got different pictures", f"{sum(n > 1 for n in groups)}"
    distinct = len(set.union(set(), *marks.same.values()))
    yield "different questions, different pictures", f"{len(groups)}, {distinct}"
    yield "peak memory of the server", f"{most:.2f} GB"
    yield "rounds", ", ".join(f"{k} {v}" for k, v in sorted(marks.counts.items()) if "rounds" in k)
    yield "errors", f"{sum(marks.errors.values())}"
    yield "given up after five minutes of waiting", f"{sum(marks.late.values())}"
    for error, times in (marks.errors + marks.late).most_common():
        yield f"error or given up, {times} times", error.replace("\n", " ").replace("|", "/")


def shown(
    address: str, folder: Path, pupils: int, marks: Marks, minutes: float
) -> Iterator[tuple[str, str]]:
    """A class that shows what it makes."""
    opened = Wall(f"sqlite:///{folder / 'classes.db'}", folder / "pictures").open("the teacher")
    until = time.monotonic() + 60 * minutes
    asyncio.run(show_and_tell(address, opened.code, pupils, marks, until))
    yield "results shown", f"{marks.counts['results shown']}"
    for what in ("from the click to the projector", "widget answers"):
        yield what, spread(marks.times[what])
    yield "errors", f"{sum(marks.errors.values())}"
    for error, times in marks.errors.most_common():
        yield f"error, {times} times", error.replace("\n", " ").replace("|", "/")


def spread(times: list[float]) -> str:
    """Median, 95th percentile, largest."""
    if not times:
        return "none"
    return (
        f"median {median(times):.2f} s, 95th percentile {np.percentile(times, 95):.2f} s, "
        f"largest {max(times):.2f} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pupils", type=int, default=28, help="sessions without a browser")
    parser.add_argument("--browsers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--wall", action="store_true", help="show and tell instead of a lesson")
    chosen = parser.parse_args()
    print(f"## {TITLE}\n\n| what | measured |\n|---|---|")
    for what, value in measure(**vars(chosen)):
        print(f"| {what} | {value} |", flush=True)
