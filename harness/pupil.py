"""A session of the running app without a browser: what a browser says and hears, no drawing.

Speaks Streamlit's websocket protocol, runs the timers of fragments, and keeps what would be on the
screen.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import urllib3
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from harness import protocol
from harness.films import Films
from harness.timers import Timers, trigger

PATIENCE = 300.0
_WHOLE = (  # of a run that another one has not cut off
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
)


class Pupil:
    """One session. Use as `async with Pupil(address) as pupil`."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self.screen: dict[tuple[int, ...], Any] = {}  # path -> (element, fragment, run)
        self.answers: list[tuple[str, float]] = []  # of what, and seconds
        self.live = Films()
        self._asking: asyncio.Task | None = None
        self._http = urllib3.PoolManager(1, retries=3)
        self._states: dict[str, Any] = {}
        self._known: dict[str, ForwardMsg] = {}
        self._timers = Timers(self._rerun)
        self._changed = asyncio.Condition()
        self._uploads: dict[str, Any] = {}
        self._run, self._fresh, self._was_whole, self._fragments = 0, 0, True, set[str]()
        self._page, self._query = "", ""
        self._hashes: dict[str, str] = {}

    async def __aenter__(self) -> "Pupil":
        self._socket = await connect(
            self.address.replace("http", "ws", 1) + "/_stcore/stream",
            origin=self.address,
            subprotocols=["streamlit"],
            max_size=None,
            compression=None,
            open_timeout=60,
        )
        self._ear = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._timers.close()
        for task in self._tasks():
            task.cancel()
        await self._socket.close()

    def crash(self) -> None:
        """Is gone at once, without a word, as a browser that is killed."""
        self._timers.close()
        for task in self._tasks():
            task.cancel()
        self._socket.transport.abort()

    def stop_clock(self) -> None:
        """Asks for nothing by the clock any more, as a browser whose timers were lost."""
        self._timers.close()
        self._timers.lost = True

    def _tasks(self) -> list[asyncio.Task]:
        return [self._ear] if self._asking is None else [self._ear, self._asking]

    async def open(self, page: str = "", query: str = "") -> None:
        """Goes to a page, as a link in the sidebar does."""
        self._states.clear()
        self._timers.close()
        self.screen.clear()
        self.live.headers.clear()
        self._page, self._query = page, query
        await self._rerun()

    async def until(self, seen: Callable[[], Any], what: str) -> Any:
        """Waits until something is on the screen; raises when it says an error, or too late."""
        deadline = time.monotonic() + PATIENCE
        async with self._changed:
            while not (found := seen()):
                if wrong := self.errors():
                    raise AssertionError(f"waiting for {what}: the app says {wrong}")
                if self._ear.done():
                    self._ear.result()  # raises what ended it
                    raise ConnectionError(f"waiting for {what}: the server has hung up")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{what} did not come; on the screen: {self.words()[-700:]}")
                try:
                    await asyncio.wait_for(self._changed.wait(), min(left, 5))
                except TimeoutError:
                    continue
            return found

    async def timed(self, seen: Callable[[], Any], what: str) -> float:
        """Waits as `until`; how long it took is an answer's time."""
        started = time.monotonic()
        await self.until(seen, what)
        took = time.monotonic() - started
        self.answers.append((what, took))
        return took

    def elements(self, kind: str) -> Iterator[Any]:
        """What is on the screen of one kind, in order."""
        for _, (element, fragment, _) in sorted(self.screen.items()):
            if element.WhichOneof("type") == kind:
                yield getattr(element, kind), fragment

    def words(self) -> str:
        """Everything that is written."""
        lines = [
            e.body for kind in ("markdown", "alert", "heading") for e, _ in self.elements(kind)
        ]
        progress = [e.text for e, _ in self.elements("progress")]
        return "\n".join([*lines, *progress, *self.live.words()])

    def errors(self) -> list[str]:
        """Red boxes, and exceptions with where they were raised."""
        red = [e.body for e, _ in self.elements("alert") if e.format == 1]
        raised = [
            "\n".join((*e.stack_trace, f"{e.type}: {e.message}"))
            for e, _ in self.elements("exception")
        ]
        return [*red, *raised]

    def images(self) -> list[tuple[str, str]]:
        """Alternative text and address of each picture; live ones have none of their own."""
        files = [(i.alt, i.url) for e, _ in self.elements("imgs") for i in e.imgs]
        return [*files, *((label, label) for label in self.live.pictures())]

    def content(self, url: str) -> bytes:
        """A picture's bytes."""
        live = self.live.pictures().get(url)
        return base64.b64decode(url.partition(",")[2]) if live is None else live

    def has(self, kind: str, label: str) -> bool:
        """Whether a widget is there, and enabled."""
        return any(e.label.endswith(label) and not e.disabled for e, _ in self.elements(kind))

    def widget(self, kind: str, label: str) -> tuple[Any, str]:
        """A widget on the screen, and its fragment."""
        for element, fragment in self.elements(kind):
            if element.label.endswith(label):
                return element, fragment
        raise LookupError(f"no {kind} named {label!r}: {self.words()[-700:]}")

    async def click(self, label: str) -> None:
        """Presses a button."""
        button, fragment = self.widget("button", label)
        await self._rerun(fragment, {button.id: ("trigger_value", True)})

    def fill(self, kind: str, label: str, field: str, value: Any) -> None:
        """Fills in a field of a form, which is sent with the form's button."""
        widget, _ = self.widget(kind, label)
        self._states[widget.id] = (field, value)

    async def put(self, kind: str, label: str, field: str, value: Any) -> None:
        """Sets a widget's value."""
        widget, fragment = self.widget(kind, label)
        self._states[widget.id] = (field, value)
        await self._rerun(fragment)

    async def upload(self, label: str, name: str, content: bytes) -> None:
        """Gives a file to an uploader."""
        widget, fragment = self.widget("file_uploader", label)
        await self._socket.send(protocol.upload(name))
        urls = await self.until(lambda: self._uploads.get(name), "an address to upload to")
        answer = await asyncio.to_thread(self._send, urls.upload_url, name, content)
        assert answer.status in (200, 204), f"upload: {answer.status}"
        self._states[widget.id] = ("file_uploader_state_value", (urls, name, len(content)))
        await self._rerun(fragment)

    def _send(self, url: str, name: str, content: bytes) -> urllib3.BaseHTTPResponse:
        health = self._http.request("GET", f"{self.address}/_stcore/health")
        cookie = health.headers["Set-Cookie"].split(";")[0]
        headers = {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}
        fields = {"file": (name, content)}
        return self._http.request("PUT", self.address + url, fields=fields, headers=headers)

    async def _rerun(
        self, fragment: str = "", extra: dict[str, Any] | None = None, automatic: bool = False
    ) -> None:
        await self._socket.send(
            protocol.rerun(
                page=self._page,
                page_hash=self._hashes.get(self._page),
                url=f"{self.address}/{quote(self._page)}",
                query=self._query,
                fragment=fragment,
                automatic=automatic,
                states=self._states | (extra or {}),
            )
        )

    async def _listen(self) -> None:
        async for raw in self._socket:
            message = protocol.parsed(raw, self._known)
            async with self._changed:
                self._hear(message)
                self._changed.notify_all()

    def _hear(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._run += 1
            if self._was_whole:
                self._fresh = self._run
            self._was_whole = False
            self._fragments = set(message.metadata.run.fragment_ids)
            if not self._fragments:
                self._timers.stop()
        elif kind == "navigation":
            self._hashes = {
                "" if page.is_default else page.url_pathname: page.page_script_hash
                for page in message.navigation.app_pages
            }
        elif kind == "delta":
            self._draw(tuple(message.metadata.delta_path), message.delta)
        elif kind == "script_finished" and message.script_finished in _WHOLE:
            self._was_whole = True
            self._tidy()
        elif kind == "auto_rerun":
            self._timers.every(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            self._timers.stop(message.stop_auto_rerun.fragment_ids)
        elif kind == "file_urls_response":
            response = message.file_urls_response
            self._uploads[response.response_id] = response.file_urls[0]

    def _draw(self, path: tuple[int, ...], delta: Any) -> None:
        if delta.WhichOneof("type") != "new_element":
            return
        self.screen[path] = (delta.new_element, delta.fragment_id, self._run)
        if delta.new_element.bidi_component.component_name == "watchdog":
            self._timers.watch(delta.new_element.bidi_component, delta.fragment_id)
        elif delta.new_element.bidi_component.component_name == "live_feed":
            missing = self.live.receive(delta.new_element.bidi_component.bytes)
            if missing and self._asking is None:
                self._asking = asyncio.create_task(self._ask(missing))

    async def _ask(self, missing: dict[str, int]) -> None:
        """Asks for frames that have not arrived, as the live view does in a browser."""

        def views() -> list[tuple[Any, str]]:
            found = self.elements("bidi_component")
            return [(one, where) for one, where in found if one.component_name == "live_view"]

        while not (there := views()):  # it is being drawn
            await asyncio.sleep(0.1)
        view, fragment = there[0]
        await self._rerun(fragment, trigger(view.id, "missing", missing))
        self._asking = None

    def _tidy(self) -> None:
        """Takes away what the run that has just ended did not draw again.

        What seems to be of a run that was cut off stays: Streamlit puts an element in the place of
        an older one that has not been sent yet.
        """
        for path, (_, fragment, run) in list(self.screen.items()):
            if run < self._fresh and (not self._fragments or fragment in self._fragments):
                del self.screen[path]
