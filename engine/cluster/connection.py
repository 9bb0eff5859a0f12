"""This process's connection to a Ray cluster, which may be lost, restored or replaced."""

import logging
import socket
import threading
import time
from pathlib import Path
from typing import Any

from engine import config
from engine.errors import ClusterGone

SILENCE = 1.0  # seconds for which a head that has not answered is not asked again
_GONE = (
    "The cluster at {} does not answer. Runs that need it cannot start until it is back; no "
    "other action is needed."
)


class Replaced(Exception):
    """The cluster that was joined is gone, and another one has its address."""


class Connection:
    """This process as part of a cluster.

    `head` is the head's `host:port` as the cluster tells it, None before it was joined.

    Args:
        address: `auto`, or `host:port` of the head.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.head: str | None = None
        self._away = False
        self._silent_until = 0.0
        # A driver that has not reached the head for this long ends its process.
        config.keep_ray_from_exiting()

    @property
    def silence(self) -> str:
        """The sentence for a cluster that does not answer."""
        return _GONE.format(self.head or self.address)

    @property
    def answers(self) -> bool:
        """Whether the head that was joined can be reached."""
        return self.head is not None and _answers(self.head)

    def join(self) -> bool:
        """Joins the cluster unless it is joined already; returns whether it had to.

        Raises:
            Replaced: another cluster answers in its place; Ray lets a process join only one.
            ClusterGone: it does not answer, or cannot be joined.
        """
        try:
            import ray
        except ImportError as error:
            raise ClusterGone(
                "IDEAL_CAT_RAY is set, but Ray is not installed. Install it with "
                "`pip install -r requirements-cluster.txt`, or unset the variable."
            ) from error
        if time.monotonic() < self._silent_until:  # it has just failed to answer: do not wait again
            raise ClusterGone(self.silence)
        if ray.is_initialized() and self.head is not None:
            if not _answers(self.head):
                self._away, self._silent_until = True, time.monotonic() + SILENCE
                raise ClusterGone(self.silence)
            if self._away and not _still_ours():
                raise Replaced("Another cluster answers at this address.")
            self._away = False
            return False
        if self.address != "auto" and not _answers(self.address):
            self._silent_until = time.monotonic() + SILENCE
            raise ClusterGone(self.silence)
        try:
            ray.init(
                address=self.address,
                namespace="ideal-cat",
                log_to_driver=False,
                logging_level=logging.WARNING,
                runtime_env={"py_modules": [str(Path(__file__).parents[1])]},
            )
        except ConnectionError as error:
            raise ClusterGone(self.silence) from error
        except Exception as error:  # what else Ray raises has no common kind
            raise ClusterGone(
                f"The cluster at {self.address} could not be joined: {first_line(error)}"
            ) from error
        self.head, self._away = ray.get_runtime_context().gcs_address, False
        return True


def _answers(address: str) -> bool:
    """Whether somebody listens at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 2).close()
    except (OSError, ValueError):
        return False
    return True


def _still_ours() -> bool:
    """Whether the cluster that answers knows this machine: the head only seemed to be away."""
    import ray

    def ask() -> None:
        own = ray.get_runtime_context().get_node_id()
        known.extend(n for n in ray.nodes() if n["NodeID"] == own and n["Alive"])

    known: list[Any] = []
    asking = threading.Thread(target=ask, daemon=True)  # Ray itself would wait without an end
    asking.start()
    asking.join(5)
    return bool(known)


def first_line(error: Exception) -> str:
    """What an error says, in a line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
