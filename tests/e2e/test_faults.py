"""Bad luck: closed tabs, a killed server, many guests. The app goes on."""

import asyncio
import os
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from harness.pupil import Pupil
from harness.server import at_rest, free_port, running
from tests.e2e.screen import in_a_thread, picture

START = re.compile("Start$")


def test_a_closed_tab_and_a_crashed_browser_end_their_runs(browser, address):
    async def runs() -> int:
        async with Pupil(address) as pupil:
            await pupil.open()
            told = re.compile(r"Active runs of all visitors: (\d+)")
            return int((await pupil.until(lambda: told.search(pupil.words()), "their number"))[1])

    async def crashed() -> None:
        pupil = Pupil(address)
        await pupil.__aenter__()
        await pupil.open("ideal_images", "backbone=Pocket&preset=lesson")
        await pupil.until(lambda: pupil.has("button", "Start"), "the page")
        await pupil.click("Start")
        await pupil.until(lambda: pupil.has("button", "Pause"), "the run")
        await pupil.click("Pause")
        await pupil.until(lambda: "paused" in pupil.words(), "the pause")
        pupil.crash()

    before = in_a_thread(runs())
    tab = browser.new_context()
    page = tab.new_page()
    page.goto(f"{address}/ideal_images?backbone=Pocket&preset=lesson")
    page.get_by_role("button", name=START).click()
    page.get_by_role("button", name=re.compile("Pause$")).click()  # it would end by itself soon
    expect(page.get_by_text(re.compile("paused$"))).to_be_visible()
    in_a_thread(crashed())
    assert in_a_thread(runs()) == before + 2
    tab.close()
    deadline = time.monotonic() + 60
    while in_a_thread(runs()) > before:
        assert time.monotonic() < deadline, "nobody looks, and the runs go on"
        time.sleep(1)


def test_a_killed_server_comes_back_and_the_link_brings_the_page_as_it_was(page, tmp_path):
    port, few = free_port(), {"KERAS_HOME": str(tmp_path)}  # soon ready, with what comes with it
    with running(port, **few) as (address, process):
        page.goto(f"{address}/ideal_images?backbone=Pocket&class=goldfish&seed=5&steps=20")
        page.get_by_role("button", name=START).click()
        expect(page.get_by_text(re.compile(", running$|, done$"))).to_be_visible()
        process.kill()
        process.wait()
    with running(port, **few):  # the same tab finds it again by itself, and may begin anew
        expect(picture(page, "^Noise$")).to_be_visible()
        page.get_by_role("button", name=START).click()
        expect(page.get_by_text(re.compile("^step 20 of 20, done$"))).to_be_visible()
        page.reload()
        expect(picture(page, "^Noise$")).to_be_visible()
        assert "class=goldfish" in page.url
        page.get_by_role("button", name=START).click()
        expect(picture(page, "^goldfish, step 20: ")).to_be_visible()


def usage(process: int) -> dict[str, int]:
    """Threads, open files and MB of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    return {
        "threads": int(re.search(r"Threads:\s+(\d+)", status)[1]),
        "files": len(os.listdir(f"/proc/{process}/fd")),
        "MB": int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024,
    }


def test_two_runs_of_one_session_never_overlap(tmp_path):
    """Streamlit's session state is not meant to be changed by two threads at once."""
    script, log = tmp_path / "slow.py", tmp_path / "log"
    script.write_text(
        "import time, pathlib, streamlit as st\n"
        f"log = pathlib.Path({str(log)!r}).open('ab', buffering=0)\n"
        "log.write(b'(')\n"
        "time.sleep(0.3)\n"
        "log.write(b')')\n"
        "st.write('drawn')\n"
    )

    async def hasty(address: str) -> None:
        async with Pupil(address) as pupil:
            for number in range(1, 4):
                await pupil.open()
                while log.read_text().count("(") < number:
                    await asyncio.sleep(0.01)
            await pupil.until(lambda: "drawn" in pupil.words(), "the last run")

    log.touch()
    with running(free_port(), script) as (address, _):
        in_a_thread(asyncio.wait_for(hasty(address), 60))
    assert log.read_text() == "()()()"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux' /proc")
def test_two_hundred_guests_who_drop_leave_nothing_behind(tmp_path):
    pages = ("", "", "", "feature_maps", "ideal_images", "adversarial_attacks")

    async def guest(address: str, number: int, limit: asyncio.Semaphore) -> None:
        page = pages[number % len(pages)]
        async with limit:
            pupil = Pupil(address)
            await pupil.__aenter__()
            await pupil.open(page, "backbone=Pocket&steps=20")
            if page == "ideal_images":
                await pupil.until(lambda: pupil.has("button", "Start"), "the page")
                await pupil.click("Start")
                await pupil.until(lambda: "of 20" in pupil.words(), "the run")
            else:
                await pupil.until(pupil.words, "the page")
            pupil.crash()

    async def guests(address: str, count: int) -> None:
        limit = asyncio.Semaphore(10)
        await asyncio.gather(*(guest(address, number, limit) for number in range(count)))

    def settled(process: int, bound: dict[str, int]) -> dict[str, int]:
        """What is left once all is quiet, or after a minute."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            in_a_thread(guests(address, 1))  # Streamlit drops old sessions when another one goes
            quiet, found = at_rest(process), usage(process)
            if quiet and all(found[name] <= most for name, most in bound.items()):
                break
        return found

    quick = {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "1", "KERAS_HOME": str(tmp_path)}
    with running(free_port(), **quick) as (address, process):
        in_a_thread(guests(address, 120))  # fills what is meant to stay: caches, pools
        bound = {"threads": 40, "files": 60}
        first = settled(process.pid, bound)
        in_a_thread(guests(address, 80))
        second = settled(process.pid, {name: first[name] + 3 for name in bound})
        assert second["threads"] <= first["threads"] + 3
        assert second["files"] <= first["files"] + 3
        assert second["MB"] <= first["MB"] + 100
