"""A real server and a real Chromium."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import chromium

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(**environment: str):
    """Runs the app on a free port; yields its address."""
    with running(free_port(), **environment) as (address, _):
        yield address


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def running(port: int, **environment: str):
    """Runs the app on a port; yields its address and its process."""
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    process = subprocess.Popen(
        [*command, "--server.port", str(port), "--server.address", "127.0.0.1"],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                    break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield address, process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


@pytest.fixture(scope="session")
def address():
    """The app with whatever weights this machine has."""
    with serving() as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all browser tests."""
    path = chromium.find()
    if path is None:
        pytest.fail("No Chromium here. Run make test, which brings one.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def phone(browser):
    """A tab 390 px wide, dark, on which nothing may scroll sideways at the end."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(60_000)
    page = context.new_page()
    yield page
    wide = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert wide <= 390


@pytest.fixture
def page(browser):
    """A fresh tab, 1440 px wide, that fails on script errors and on files that are gone."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(60_000)
    page = context.new_page()
    thrown = []
    page.on("pageerror", lambda error: thrown.append(str(error)))

    def gone(response) -> None:
        own = "/_stcore/" in response.url  # Streamlit looks for its server below each page's path
        if response.status >= 400 and not own:
            thrown.append(f"{response.status} {response.url}")

    page.on("response", gone)
    yield page
    context.close()
    assert not thrown
