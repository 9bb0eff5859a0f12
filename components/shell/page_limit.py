"""Pages begin to be drawn two at a time, in the order in which they were asked for.

All sessions share one interpreter. When a class opens a page at once, thirty that are drawn
together all come late, and so does every press of a widget, which takes a tenth of the time.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
WAITS = 0.5  # seconds after which a page is taken to wait for something, like a network's weights
LOOK = 0.005  # seconds between two looks whether there is a place

_drawing: dict[threading.Thread, float] = {}  # the threads of pages, and since when
_next = threading.Lock()


def enter() -> None:
    """Waits for a place for the page of this thread, which is free again when the thread ends."""
    with _next:
        while len(_drawn()) >= AT_ONCE:
            time.sleep(LOOK)
        _drawing[threading.current_thread()] = time.monotonic()


@contextmanager
def released() -> Iterator[None]:
    """Leaves this page's place to others while the block computes what it shows.

    It goes on without waiting: a page that has the place may be waiting for the same answer.
    """
    here = threading.current_thread()
    had = _drawing.pop(here, None) is not None
    try:
        yield
    finally:
        if had:
            _drawing[here] = time.monotonic()


def _drawn() -> dict[threading.Thread, float]:
    """The other pages that are being drawn."""
    now, here = time.monotonic(), threading.current_thread()
    for thread, since in list(_drawing.items()):
        if thread is here or not thread.is_alive() or now - since > WAITS:
            _drawing.pop(thread, None)
    return _drawing
