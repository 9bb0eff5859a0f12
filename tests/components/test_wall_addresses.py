"""Addresses of a class as pupils, projectors and teachers give and get them."""

import re
from types import SimpleNamespace

import pytest
import segno

from components.shell import addresses as page_addresses
from components.wall import addresses, teaching


@pytest.fixture
def at(monkeypatch):
    """Opens the wall at an address."""

    def opened(url: str) -> None:
        monkeypatch.setattr(page_addresses.st, "context", SimpleNamespace(url=url))

    return opened


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "http://school.example:8501/wall?teacher=secret",
            "http://school.example:8501/wall?join=a",
        ),
        ("https://user-cat.hf.space/wall", "https://user-cat.hf.space/wall?join=a"),
        ("http://[fd00::5]:8501/wall", "http://[fd00::5]:8501/wall?join=a"),
    ],
)
def test_pupils_reach_the_server_as_the_teacher_does_and_never_with_the_secret(at, url, expected):
    at(url)
    assert addresses.of_wall(join="a") == expected


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_called_by_its_name_in_the_network(at, monkeypatch, host):
    monkeypatch.setattr(page_addresses, "_in_network", lambda: "192.168.1.7")
    at(f"http://{host}:8501/wall")
    assert addresses.of_wall(join="a") == "http://192.168.1.7:8501/wall?join=a"
    here = addresses.of_wall(elsewhere=False, watch="a")
    assert here == f"http://{host}:8501/wall?watch=a"


def test_the_public_address_can_be_set(at, monkeypatch):
    monkeypatch.setenv("IDEAL_CAT_ADDRESS", "https://cats.school.example")
    at("http://localhost:8501/wall")
    assert addresses.of_wall(join="a") == "https://cats.school.example/wall?join=a"


def test_the_qr_code_holds_the_address():
    address = "http://192.168.1.7:8501/wall?join=a-b-c-d"
    assert addresses.qr(address) == segno.make(address, error="m").svg_data_uri(
        scale=8, border=2, light="white"
    )
    assert re.match(r"data:image/svg\+xml", addresses.qr(address))


@pytest.mark.parametrize(
    ("address", "task"),
    [
        ("http://h:8501/ideal_images?class=lion&seed=1", "ideal_images?class=lion&seed=1"),
        ("  https://x.hf.space/app/feature_maps/ ", "feature_maps"),
        ("quiz", "quiz"),
        ("", ""),
        ("http://h/wall?teacher=secret", None),
        ("http://h/nonsense", None),
        ("http://[abc", None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_task_is_the_address_of_a_screen(address, task):
    assert teaching._screen(address) == task
