"""A picture's address is fetched; the server's own network is not."""

import http.server
import threading

import pytest

from engine import images, web
from engine.errors import AddressRefused, DownloadFailed


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
        "/large": (200, b"x" * (web.MAX_BYTES + 1), {}),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body, headers = answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_a_picture_arrives(server, cat):
    data = web.fetch_picture(f"{server}/cat.png", allow_private=True)
    assert images.load(data).shape == cat.shape


@pytest.mark.parametrize(("path", "sentence"), [("/moved", "302"), ("/large", "larger than")])
def test_redirects_and_floods_are_refused(server, path, sentence):
    with pytest.raises(DownloadFailed, match=sentence):
        web.fetch_picture(server + path, allow_private=True)


def test_an_unknown_host_is_one_sentence():
    with pytest.raises(DownloadFailed, match="no host named"):
        web.fetch_picture("https://no-such-host.invalid/cat.png")
