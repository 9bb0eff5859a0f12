"""A picture's address is fetched; the server's own network is not."""

import contextlib
import http.server
import threading

import pytest

from engine import images
from engine.core.errors import AddressRefused, DownloadFailed
from engine.storage import web


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/cat.png",
        "http://localhost:8501/",
        "http://[::1]/cat.png",
        "http://[::ffff:127.0.0.1]/cat.png",
        "http://10.0.0.1/cat.png",
        "http://192.168.1.1/cat.png",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://[64:ff9b::a9fe:a9fe]/cat.png",
        "http://[::127.0.0.1]/cat.png",
        "http://[fec0::1]/cat.png",
        "http://[2002:7f00:1::]/cat.png",
        "http://168.63.129.16/machine",
        "file:///etc/passwd",
        "ftp://example.org/cat.png",
        "cat.png",
        "http://[broken/",
        "",
    ],
)
def test_addresses_that_are_not_public_are_refused(address):
    with pytest.raises(AddressRefused):
        web.fetch_picture(address)


@pytest.fixture
def server(cat):
    answers = {
        "/cat.png": (200, images.png(cat), {}),
        "/moved": (302, b"", {"Location": "http://127.0.0.1/secret"}),
        "/katze%20%C3%A4.png": (200, images.png(cat), {}),
        "/large": (200, b"x" * (web.MAX_BYTES + 1), {}),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/drip":
                self.drip()
                return
            status, body, headers = answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def drip(self):
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not stopped.wait(0.05):
                    self.wfile.write(b"x")

        def log_message(self, *_):
            pass

    stopped = threading.Event()
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    stopped.set()
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_a_picture_arrives(server, cat):
    data = web.fetch_picture(f"{server}/cat.png", allow_private=True)
    assert images.load(data).shape == cat.shape


def test_an_address_in_other_letters_is_encoded(server, cat):
    data = web.fetch_picture(f"{server}/katze ä.png", allow_private=True)
    assert images.load(data).shape == cat.shape


def test_a_server_that_drips_is_left(server, monkeypatch):
    monkeypatch.setattr(web, "SECONDS", 0.5)
    with pytest.raises(DownloadFailed, match="took longer"):
        web.fetch_picture(f"{server}/drip", allow_private=True)


@pytest.mark.parametrize(("path", "sentence"), [("/moved", "302"), ("/large", "larger than")])
def test_redirects_and_floods_are_refused(server, path, sentence):
    with pytest.raises(DownloadFailed, match=sentence):
        web.fetch_picture(server + path, allow_private=True)


def test_an_unknown_host_is_one_sentence():
    with pytest.raises(DownloadFailed, match="no host named"):
        web.fetch_picture("https://no-such-host.invalid/cat.png")
    with pytest.raises(DownloadFailed, match="no host named"):
        web.fetch_picture("https://日本.invalid/cat.png")
