"""The message of a live view: a header and the pictures it names, in one piece of bytes.

`LIVE`, the header's length (4 bytes, little-endian), the header (JSON), the pictures one after the
other. The header's `lengths` has their sizes in bytes; whoever wrote it knows what each is. Read
here and, in the browser, in `film.js`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

MAGIC, VERSION = b"LIVE", 1


def pack(header: Mapping[str, Any], pictures: Sequence[bytes]) -> bytes:
    """Puts a header of plain values and encoded pictures into one message."""
    whole = {"version": VERSION, **header, "lengths": [len(picture) for picture in pictures]}
    head = json.dumps(whole, separators=(",", ":"), allow_nan=False).encode()
    return b"".join((MAGIC, len(head).to_bytes(4, "little"), head, *pictures))


def unpack(message: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The header and the pictures of a message.

    Raises:
        ValueError: it is no message of this version.
    """
    if message[:4] != MAGIC:
        raise ValueError(
            f"Expected a message that begins with {MAGIC!r}; received {message[:4]!r}."
        )
    end = 8 + int.from_bytes(message[4:8], "little")
    header = json.loads(message[8:end])
    if header["version"] != VERSION:
        raise ValueError(f"Expected version {VERSION}; received {header['version']}.")
    pictures = []
    for length in header["lengths"]:
        pictures.append(message[end : end + length])
        end += length
    return header, pictures
