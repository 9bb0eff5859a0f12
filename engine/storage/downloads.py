"""Fetch a file whole or not at all: with progress, resumed where the server allows it.

A download grows beside its target as `NAME.part` and takes the target's name only when its length
and its digest are right, so a half file is never taken for a whole one, whenever the process ends.
`NAME.lock` keeps two servers on one machine from writing the same part.
"""

import contextlib
import errno
import hashlib
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from filelock import FileLock, Timeout

from engine.core.errors import DownloadFailed
from engine.core.types import Progress

CHUNK = 1 << 16
ENOUGH = 500_000  # bytes of which a speed can be told


@dataclass
class _Speed:
    """How fast the last download was, in bytes a second."""

    measured: float = 0.0


_last = _Speed()


def seconds(size: float) -> float | None:
    """Seconds that `size` bytes take at the speed of the last download; None before the first."""
    return size / _last.measured if _last.measured else None


def fetch(
    url: str,
    target: Path,
    *,
    digest: str = "",
    magic: bytes = b"",
    limit: int = 1 << 31,
    timeout: float = 20.0,
) -> Iterator[Progress]:
    """Downloads `url` to `target`, yielding progress a few times a second.

    A `.part` file of an earlier try is continued when the server confirms that its content has
    not changed (`If-Range`); otherwise the download starts again.

    Args:
        url: an http or https address.
        target: the file to write; its folder is made.
        digest: md5 (32 figures) or sha256 (64 figures) the whole file must have.
        magic: first bytes the file must have, which tells a login page from a weights file.
        limit: bytes at which a server that sends too much is cut off.
        timeout: seconds without any data before giving up.

    Raises:
        DownloadFailed: no connection, a cut connection, a full disk, or not the expected file.
    """
    part, tag_file = (
        target.with_name(f"{target.name}.part"),
        target.with_name(f"{target.name}.etag"),
    )
    lock = FileLock(target.with_name(f"{target.name}.lock"), timeout=0, thread_local=False)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            try:
                yield from _receive(url, part, tag_file, limit, timeout)
            except _Stale:
                part.unlink(missing_ok=True)
                yield from _receive(url, part, tag_file, limit, timeout)
            _check(part, digest, magic)
            part.replace(target)
            tag_file.unlink(missing_ok=True)
    except Timeout:
        raise DownloadFailed(
            f"{target.name} is already being downloaded. Wait until that download has finished."
        ) from None
    except (urllib3.exceptions.HTTPError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        if _no_connection(reason):
            raise DownloadFailed(
                f"{target.name} was not downloaded: there is no internet connection. Connect this "
                "machine and try again; the built-in backbone Pocket works without a connection."
            ) from error
        raise DownloadFailed(
            f"{target.name} could not be downloaded: {reason}. Check the network and try again; "
            "what has arrived is kept."
        ) from error
    except OSError as error:
        raise DownloadFailed(
            f"{target.name} could not be written to {target.parent}: {error.strerror}. "
            "Make room or set KERAS_HOME to another folder."
        ) from error


class _Stale(Exception):
    """The server has nothing beyond what the part holds, so the part is of another file."""


def _no_connection(reason: BaseException) -> bool:
    """Whether the server's name could not be resolved or its network cannot be reached."""
    unreachable = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
    cause = reason.__cause__
    return isinstance(cause, socket.gaierror) or getattr(cause, "errno", None) in unreachable


def _pool(url: str) -> urllib3.PoolManager:
    """Connections to a server, through the proxy that this machine is set up with, if any."""
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
    return urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()


def _receive(
    url: str, part: Path, tag_file: Path, limit: int, timeout: float
) -> Iterator[Progress]:
    have = part.stat().st_size if part.exists() and tag_file.exists() else 0
    wanted = {"Range": f"bytes={have}-", "If-Range": tag_file.read_text()} if have else {}
    with (
        _pool(url) as pool,
        contextlib.closing(
            pool.request(
                "GET",
                url,
                headers=wanted,
                timeout=timeout,
                retries=urllib3.Retry(None, connect=0, read=0, status=0, other=0, redirect=5),
                preload_content=False,
                enforce_content_length=False,  # said below, with what has arrived
            )
        ) as answer,
    ):
        if answer.status == 416 and have:
            raise _Stale
        if answer.status not in (200, 206):
            raise DownloadFailed(
                f"The server answered {answer.status} ({answer.reason}) for {url}. Try again later."
            )
        if answer.status != 206:
            have = 0
        tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        if tag and not tag.startswith("W/"):
            tag_file.write_text(tag)
        else:
            tag_file.unlink(missing_ok=True)
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else 0
        if max(total, have) > limit:
            raise DownloadFailed(_too_long(url, max(total, have), limit))
        if total - have > shutil.disk_usage(part.parent).free:
            raise OSError(28, f"{(total - have) / 1e6:.0f} MB are needed and the disk is full")
        started, received, shown = time.monotonic(), have, 0.0
        with part.open("ab" if have else "wb") as file:
            while chunk := answer.read(CHUNK, decode_content=False):
                file.write(chunk)
                received += len(chunk)
                if received > limit:
                    file.truncate(0)
                    raise DownloadFailed(_too_long(url, received, limit))
                now = time.monotonic()
                if now - shown > 0.2:
                    shown = now
                    yield _progress(received, total, (received - have) / max(now - started, 1e-3))
        if received - have > ENOUGH:
            _last.measured = (received - have) / max(time.monotonic() - started, 1e-3)
    if total and received < total:
        raise ConnectionError(f"the connection broke off after {received:,} of {total:,} bytes")
    yield _progress(received, received, 0.0)


def _progress(received: int, total: int, speed: float) -> Progress:
    amount = (
        f"{received / 1e6:.1f} of {total / 1e6:.1f} MB" if total else f"{received / 1e6:.1f} MB"
    )
    pace = f", {speed / 1e6:.1f} MB/s" if speed else ""
    return Progress(fraction=received / total if total else 0.0, message=amount + pace)


def _too_long(url: str, received: int, limit: int) -> str:
    return f"{url} sends more than expected ({received:,} bytes; at most {limit:,}); not kept."


def _check(part: Path, digest: str, magic: bytes) -> None:
    with part.open("rb") as file:
        head = file.read(len(magic))
        file.seek(0)
        algorithm = "sha256" if len(digest) == 64 else "md5"
        found = hashlib.file_digest(file, algorithm).hexdigest() if digest else ""
    if head != magic or found != digest:
        with contextlib.suppress(OSError):
            part.unlink()
        raise DownloadFailed(
            "The server did not send the expected file (its content does not match); nothing was "
            "kept. A Wi-Fi login page can cause this."
        )
