"""What the browser tests do on every screen."""

import asyncio
import re
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from playwright.sync_api import Locator, Page, expect


def picture(page: Page, name: str) -> Locator:
    """A picture of a live view by its label, a pattern."""
    return page.get_by_role("img", name=re.compile(name)).first


def set_up(page: Page) -> Locator:
    """Opens the box of what is set before the start; Escape closes it."""
    page.locator(".st-key-set_up_box button").first.click()
    box = page.get_by_test_id("stPopoverBody")
    expect(box).to_be_visible()
    return box


def close_set_up(page: Page) -> None:
    """Closes the box, and waits until the page has taken what was set."""
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def in_a_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs it in a thread of its own, as Playwright's loop is in this one; returns its result."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
