"""One server and one Chromium for all browser tests, and tabs as people have them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness import chromium
from harness.server import serving

PATIENCE = 300_000  # ms until what should come counts as lost, beside other tests on slow cores


def pytest_collection_modifyitems(items) -> None:
    """Everything here drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


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

    expect.set_options(timeout=PATIENCE)

    with sync_playwright() as playwright:
        # one process for all tabs of a person, which has compiled the app's scripts before
        arguments = [*chromium.ARGUMENTS, "--process-per-site"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def phone(page):
    """A tab 390 px wide, dark, on which nothing may scroll sideways at the end."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def _context(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE)
    return context


@contextmanager
def tab(browser) -> Iterator:
    """A person's only tab, 1440 px wide; see `watched`."""
    context = _context(browser)
    with watched(context.new_page()) as page:
        yield page
        context.close()


@contextmanager
def watched(page) -> Iterator:
    """A tab that fails on script errors and on files that are gone."""
    thrown = []
    page.on("pageerror", lambda error: thrown.append(str(error)))

    def gone(response) -> None:
        own = "/_stcore/" in response.url  # Streamlit looks for its server below each page's path
        if response.status >= 400 and not own:
            thrown.append(f"{response.status} {response.url}")

    page.on("response", gone)
    yield page
    assert not thrown


@pytest.fixture(scope="session")
def person(browser, address):
    """Whose browser has read the app's files before; a tab that stays keeps its process."""
    context = _context(browser)
    context.new_page().goto(f"{address}/_stcore/health")
    yield context
    context.close()


@pytest.fixture
def page(person):
    """A tab for one test, which leaves none behind, nor what a page remembers."""
    with watched(person.new_page()) as page:
        yield page
        page.evaluate("localStorage.clear()")
        for each in person.pages[1:]:
            each.close()
        person.clear_cookies()
