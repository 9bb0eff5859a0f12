"""What a browser does by the clock: it runs fragments again and again, and misses what is late."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any


class Timers:
    """The timers of a session.

    Args:
        rerun: asks for a fragment, with the values of its widgets.
    """

    def __init__(self, rerun: Callable[..., Awaitable[None]]) -> None:
        self._rerun = rerun
        self.lost = False  # all that come from now on, too
        self._fragments: dict[str, tuple[asyncio.Task, float]] = {}  # and how often each runs
        self._watchdogs: dict[str, tuple[asyncio.Task, int]] = {}  # and how often it was late

    def every(self, fragment: str, seconds: float) -> None:
        """Runs a fragment again and again."""
        if self.lost:
            return
        if fragment not in self._fragments or self._fragments[fragment][1] != seconds:
            self.stop([fragment])
            timer = asyncio.create_task(self._tick(fragment, seconds))
            self._fragments[fragment] = timer, seconds

    def stop(self, fragments: Iterable[str] | None = None) -> None:
        """Ends the timers of some fragments, or of all."""
        for fragment in list(self._fragments if fragments is None else fragments):
            if timer := self._fragments.pop(fragment, None):
                timer[0].cancel()

    def watch(self, component: Any, fragment: str) -> None:
        """What `components/widgets/watchdog.js` does."""
        data = json.loads(component.json)
        timer, times = self._watchdogs.pop(data["key"], (None, 0))
        if timer is not None:
            timer.cancel()
        if data["seconds"] is not None and not self.lost:
            self._wait(component, fragment, data, times)

    def close(self) -> None:
        """Ends all of them."""
        self.stop()
        for timer, _ in self._watchdogs.values():
            timer.cancel()
        self._watchdogs.clear()

    async def _tick(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._rerun(fragment, automatic=True)

    def _wait(self, component: Any, fragment: str, data: dict[str, Any], times: int) -> None:
        async def late() -> None:
            await asyncio.sleep(data["seconds"] * 2**times)
            self._wait(component, fragment, data, times + 1)
            await self._rerun(fragment, trigger(component.id, "late", True))

        self._watchdogs[data["key"]] = asyncio.create_task(late()), times


def trigger(component: str, event: str, value: Any) -> dict[str, tuple[str, str]]:
    """A component's event, as the value of a widget."""
    name = f"$$STREAMLIT_INTERNAL_KEY_{component}__events"
    return {name: ("json_trigger_value", json.dumps([{"event": event, "value": value}]))}
