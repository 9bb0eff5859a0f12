"""Connections to a service that may be full, restarting or gone."""

import http.client
import socket
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from engine.cluster.protocol import HEALTH, MODEL_HEADER, PATH
from engine.core.errors import BadSettings, ClusterRefused

PATIENCE = 20.0  # seconds without an answer after which the service counts as gone
HANDSHAKE = 3.0  # seconds; a service that is full lets a new run wait in it
TRY = 0.3  # seconds between two attempts


class Unreachable(Exception):
    """Nobody answers."""


class Connections:
    """Opens connections to a service.

    Args:
        address: `ws://host:port` or `wss://host:port`.
        token: the service's; "" for none.

    Raises:
        BadSettings: the address is not one of a service.
    """

    def __init__(self, address: str, token: str = "") -> None:
        try:
            parts = urlsplit(address)
            host, port, secure = parts.hostname, parts.port, parts.scheme == "wss"
        except ValueError:  # a port that is none, half an IPv6 address
            host = None
        if not host or parts.scheme not in ("ws", "wss"):
            raise BadSettings(
                f"Expected IDEAL_CAT_CLUSTER like ws://gpu.school:8502; received: {address!r}."
            )
        self.address = address.rstrip("/")
        self._host, self._secure = host, secure
        self._port = port or (443 if secure else 80)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._silent_since: float | None = None

    def open(self, networks: Sequence[str], check: Callable[[], None]) -> ClientConnection:
        """A connection for a run, to be closed; waits where the service is full.

        Args:
            networks: that the run needs.
            check: called while waiting; what it raises ends the waiting.

        Raises:
            ClusterRefused: it does not take the token.
            Unreachable: nobody has answered for a while.
        """
        while (made := self._opened("+".join(networks))) is None:
            check()
        self._silent_since = None
        return made

    def _opened(self, networks: str) -> ClientConnection | None:
        """Tries once; None where another attempt is worth it."""
        try:
            there = socket.create_connection((self._host, self._port), 2)
            there.settimeout(None)
            return connect(
                self.address + PATH,
                sock=there,
                additional_headers=self._headers | {MODEL_HEADER: networks},
                compression=None,
                max_size=None,
                open_timeout=HANDSHAKE,
                close_timeout=1,
            )
        except InvalidStatus as error:
            if error.response.status_code in (401, 403):
                raise ClusterRefused(
                    f"The cluster at {self.address} refused this app. Set IDEAL_CAT_CLUSTER_TOKEN "
                    "to the same text here and there."
                ) from error
        except (OSError, WebSocketException, EOFError, ValueError) as error:  # a redirect, too
            if isinstance(error, TimeoutError) and self.answers():  # it is full
                self._silent_since = None
                return None
        now = time.monotonic()
        self._silent_since = since = self._silent_since or now
        if now - since > PATIENCE:
            raise Unreachable
        time.sleep(TRY)
        return None

    def answers(self) -> bool:
        """Whether a server at the address says that it is well."""
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        asked = kind(self._host, self._port, timeout=1)
        try:
            asked.request("GET", HEALTH)
            return asked.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()
