"""A service that computes the steps of tasks for an app on another machine.

    python -m engine.cluster.service --port 8502

It is an ASGI application: this program serves it on one machine, `engine.cluster.deployment` on a
Ray cluster. All its runs take turns on its share of cores, as the runs of one app do.
"""

import argparse
import asyncio
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

import uvicorn
from cachetools import LRUCache
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.backbones import Backbone, Store, unpacked
from engine.cluster.protocol import HEALTH, PATH, Reply, Start, Update, pack, unpack
from engine.core import backend, config, images
from engine.core.errors import ClusterRefused, EngineError
from engine.runs import Cancelled, Compressed, LocalRunner, Run, Schedule

_log = logging.getLogger(__name__)


class Service:
    """Computes tasks, one for each WebSocket.

    Args:
        on_start: called before a run starts, with the names of its networks.
    """

    def __init__(self, on_start: Callable[[str], Awaitable[Any]] | None = None) -> None:
        backend.keep_session()
        places = 1 if backend.device().kind == "GPU" else min(backend.cores(), 4)
        self._runner = LocalRunner(Schedule(places), Store())
        self._on_start = on_start
        self._known: LRUCache[str, Backbone] = LRUCache(8)  # trained networks, by digest

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(routes=[WebSocketRoute(PATH, self.serve), Route(HEALTH, _healthy)])

    async def serve(self, socket: WebSocket) -> None:
        """Computes what the app sends, frame by frame, as long as it wants more."""
        if not _allowed(socket):
            await socket.close()  # before it was accepted: the answer is 403
            return
        await socket.accept()
        try:
            start: Start = await asyncio.to_thread(unpack, await _message(socket))
            taught = await self._taught(socket, start.taught) if start.taught else []
            run = _Remote(start, self._runner.using(self._runner.store.beside(taught)), socket)
        except WebSocketDisconnect:
            return
        except Exception as error:  # whatever a class of another version raises
            _log.warning("a task that cannot be read: %s", error)
            refused = "The machine that computes runs another version of the app. Update both."
            with contextlib.suppress(WebSocketDisconnect):
                await socket.send_bytes(pack(Reply(error=ClusterRefused(refused), last=True)))
            return
        if self._on_start is not None:
            await self._on_start("+".join(start.task.backbones))
        try:
            async for update in socket.iter_bytes():
                run.update(unpack(update))
        finally:
            run.end()

    async def _taught(self, socket: WebSocket, digests: Iterable[str]) -> list[Backbone]:
        """The trained networks of a run; those that are not here are asked for."""
        found = {digest: self._known.get(digest) for digest in digests}
        missing = tuple(digest for digest, net in found.items() if net is None)
        await socket.send_bytes(pack(Reply(missing=missing)))
        if missing:
            for digest, content in unpack(await _message(socket)).items():
                found[digest] = self._known[digest] = await asyncio.to_thread(unpacked, content)
        return [net for net in found.values() if net is not None]


async def _message(socket: WebSocket) -> bytes:
    """A message that comes in pieces."""
    found = []
    while piece := await socket.receive_bytes():
        found.append(piece)
    return b"".join(found)


class _App:
    """What a run asks of those who watch it: the app wants it until it hangs up."""

    wanted, wants_it = 0, True


class _Remote(Run):
    """A run that is watched on another machine: it makes as many frames as are wanted there."""

    def __init__(self, start: Start, runner: LocalRunner, socket: WebSocket) -> None:
        super().__init__(start.task, runner, continuation=start.continuation)
        self._app, self._socket, self._loop = _App(), socket, asyncio.get_running_loop()

    def update(self, new: Update) -> None:
        """Takes what the app says; the first update starts the run."""
        self._app.wanted = new.wanted
        self.live = self.live if new.live is None else new.live
        self.join(self._app)

    def end(self) -> None:
        """Ends it before its next step."""
        self.leave(self._app)

    def _keep(self, made: Any) -> None:
        self._send(Reply(frame=_sent(self.task, made)))
        self.frames.append(None)  # the app has it; here it only counts

    def _work(self) -> None:
        super()._work()
        if not self.cut:
            with contextlib.suppress(Cancelled):
                self._send(Reply(error=_told(self.error), last=True))

    def _send(self, reply: Reply) -> None:
        """Sends from the run's thread; raises `Cancelled` where the app has hung up."""
        try:
            sending = self._socket.send_bytes(pack(reply))
            asyncio.run_coroutine_threadsafe(sending, self._loop).result()
        except Exception as error:  # what a closed one raises is the server's choice
            raise Cancelled from error


def _told(error: Exception | None) -> Exception | None:
    """What ended a run, as it travels; a bug is logged here."""
    if error is None or isinstance(error, EngineError):
        return error
    _log.error("a run failed", exc_info=error)
    return RuntimeError(f"{type(error).__name__}: {error}")


def _sent(task: Any, frame: Any) -> Any:
    """A frame as it travels: its pictures compressed for the screen, and exact in 8 bits."""
    if not hasattr(frame, "picture"):
        return task.sent(frame) if hasattr(task, "sent") else frame
    made = Compressed.of(task, frame)
    return replace(made, frame=replace(frame, picture=images.to_uint8(frame.picture)))


def _allowed(connection: HTTPConnection) -> bool:
    """Whether it has the token; without one, whether it is a program of this machine.

    A browser, which any page can make connect to this machine, says where it comes from.
    """
    if token := config.cluster_token():
        given = connection.headers.get("authorization", "").encode()
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    by_browser = "origin" in connection.headers
    return (
        connection.client is not None and config.is_here(connection.client.host) and not by_browser
    )


async def _healthy(_: HTTPConnection) -> PlainTextResponse:
    return PlainTextResponse("success")


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description="Compute the steps of tasks for an app.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8502)
    given = parser.parse_args()
    if not config.is_here(given.host) and not config.cluster_token():
        parser.error(
            "Others could reach it and run code on this machine. Set IDEAL_CAT_CLUSTER_TOKEN to a "
            "long random text, here and for the app."
        )
    uvicorn.run(Service().application(), host=given.host, port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
