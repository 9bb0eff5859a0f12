"""What an app and a service say to each other: one WebSocket a run.

The app opens `PATH` and sends what to compute (`Start`), in pieces, as servers limit the size of a
message; then an `Update`, which starts the run, and another one whenever the app wants more frames
or other live numbers. The service answers with a `Reply` for each frame and a last one. A network
that people have trained goes there once: `Start` has its digest, a first `Reply` says whether it is
missing, and its bytes follow. Pausing needs `Update.wanted`: proxies in between would go on storing
frames that the app does not read.

Both sides unpickle what they get, so each trusts the other: they are one program on two machines.
"""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.runs import Continuation

PATH, HEALTH = "/run", "/-/healthz"  # the second as Ray Serve has it
MODEL_HEADER = "serve-multiplexed-model-id"  # the header by which Ray Serve chooses a replica
PIECE = 8 << 20  # bytes
WINDOW = 3  # frames that may be on their way


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What to compute, the digests of its trained networks, and what is there already."""

    task: Any
    taught: tuple[str, ...]
    continuation: Continuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """How many frames are wanted so far, and the live numbers from now on; None leaves them."""

    wanted: int
    live: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A frame; or, with `last`, that there is no more, and why if it is an error.

    The first one after a `Start` with trained networks has the digests of those to send.
    """

    missing: tuple[str, ...] = ()
    frame: Any = None
    error: Exception | None = None
    last: bool = False


def pack(message: Start | Update | Reply | Mapping[str, bytes]) -> bytes:
    """A message as bytes."""
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def unpack(message: bytes) -> Any:
    """The message that was packed; of trusted bytes only."""
    return pickle.loads(message)


def pieces(message: bytes) -> Iterator[bytes]:
    """A long message in pieces; the last one is empty."""
    for at in range(0, len(message), PIECE):
        yield message[at : at + PIECE]
    yield b""
