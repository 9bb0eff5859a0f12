"""A web server of this machine that is slow, breaks off, or lies, as a test says."""

import hashlib
import http.server
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from engine.storage import weights

CONTENT = weights.HDF5 + np.random.default_rng(0).bytes(900_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@dataclass
class Behaviour:
    """How the server answers, and what it was asked."""

    body: bytes = CONTENT
    announce: int | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    status: int = 200
    etag: str = '"one"'
    ranges: bool = True
    moved: bool = False  # to /there, once asked for anything else
    release: threading.Event = field(default_factory=threading.Event)
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server():
    """A local web server whose behaviour a test sets."""
    behaviour = Behaviour()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if behaviour.moved and self.path != "/there":
                self.send_response(302)
                self.send_header("Location", "/there")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            wanted = self.headers.get("Range")
            behaviour.asked.append(wanted)
            start = 0
            valid = self.headers.get("If-Range") == behaviour.etag
            if wanted and behaviour.ranges and valid:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                whole = len(behaviour.body)
                if start >= whole:
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
            else:
                self.send_response(behaviour.status)
            body = behaviour.body[start:]
            length = len(body) if behaviour.announce is None else behaviour.announce
            self.send_header("Content-Length", str(length))
            self.send_header("ETag", behaviour.etag)
            self.end_headers()
            if behaviour.stall_after is not None:
                self.wfile.write(body[: behaviour.stall_after])
                behaviour.release.wait(20)
            elif behaviour.cut_after is not None:
                self.wfile.write(body[: behaviour.cut_after])
            else:
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_):
            """A client that has gone away is part of a test."""

    httpd = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    behaviour.url = f"http://127.0.0.1:{httpd.server_port}/weights.h5"
    yield behaviour
    behaviour.release.set()
    httpd.shutdown()
    httpd.server_close()
    thread.join()
