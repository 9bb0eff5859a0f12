"""A driver of a cluster in a process of its own.

Ray ends the process of a driver whose machine's raylet is gone, and the app has to go on. This
program is that process: it is told over its standard input where to listen, and ends with it.
"""

import atexit
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from engine.cluster.connection import Replaced
from engine.cluster.pool import Bounds, Pool
from engine.errors import ClusterGone

ENDED = (EOFError, ConnectionError, Replaced)  # raised by a call whose driver process has ended
PATIENCE = 60.0  # seconds until a driver has to listen


class _Manager(BaseManager):
    """Carries questions to a driver, and its answers back."""

    driver: Any


def _drive(address: str, bounds: Bounds) -> Any:
    from engine.cluster.driver import Driver

    return Driver(Pool(address, bounds))


_Manager.register("driver", _drive, exposed=("start", "next", "steer", "stop", "status", "size"))


class DriverProcess:
    """A driver in a process of its own; another one where that has ended.

    Args:
        address: `auto`, or `host:port` of the cluster's head.
        bounds: how many actors there may be.
    """

    def __init__(self, address: str, bounds: Bounds) -> None:
        self.address = address
        self._bounds = bounds
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # with the driver's socket
        self._driver: Any = None
        self._closed = False
        self._lock = threading.Lock()
        atexit.register(self.close)
        self.driver(wait=False)

    def driver(self, *, wait: bool = True) -> Any:
        """A proxy of the driver; None if there is none yet and `wait` is False.

        Raises:
            ClusterGone: it could not be started, or this is closed.
        """
        if not wait:
            if self._driver is None and not self._lock.locked():
                threading.Thread(target=self._try, name="cluster", daemon=True).start()
            return self._driver
        with self._lock:
            if self._closed:
                raise ClusterGone("The app is shutting down; no new runs are started.")
            if self._driver is None:
                self._driver = self._started()
            return self._driver

    def drop(self, driver: Any) -> None:
        """Reports that a driver has ended; the next call of `driver` starts another."""
        with self._lock:
            if driver is self._driver:
                self._end()

    def close(self) -> None:
        """Leaves the cluster; its actors end."""
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
            self._end()

    def _try(self) -> None:
        with contextlib.suppress(ClusterGone, *ENDED):
            self.driver()

    def _started(self) -> Any:
        self._folder = tempfile.TemporaryDirectory(prefix="ideal-cat-")
        key, place = secrets.token_bytes(32), Path(self._folder.name) / "driver"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.cluster.driver_process"],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdin is not None  # noqa: S101 -- asked for above
        self._process.stdin.write(f"{key.hex()} {place}\n".encode())
        self._process.stdin.flush()
        deadline = time.monotonic() + PATIENCE
        while not place.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise ClusterGone(
                    "The process that connects to the cluster could not be started. See the "
                    "server's log for its error."
                )
            time.sleep(0.05)
        manager: Any = _Manager(address=str(place), authkey=key)
        manager.connect()
        return manager.driver(self.address, self._bounds)

    def _end(self) -> None:
        self._driver = None
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()  # it leaves the cluster, and ends
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._folder is not None:
            self._folder.cleanup()


def main() -> None:
    """Listens at the address read from standard input until the app ends, even by a crash."""
    key, place = sys.stdin.readline().split(maxsplit=1)
    manager = _Manager(address=place.strip(), authkey=bytes.fromhex(key))

    def follow() -> None:
        sys.stdin.read()  # ends when the app does
        if "ray" in sys.modules:
            sys.modules["ray"].shutdown()
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
    manager.get_server().serve_forever()


if __name__ == "__main__":
    from engine.cluster import driver_process as this

    this.main()
