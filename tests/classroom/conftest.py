"""Walls on SQLite, and on a real PostgreSQL where its programs are on this machine."""

import pytest

from engine.classroom import Wall
from harness import postgres as postgresql


class Clock:
    """A clock that a test can move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def postgres():
    """The address of a PostgreSQL server with an empty database."""
    if not postgresql.program("postgres"):
        pytest.skip("PostgreSQL's programs are not on this machine")
    pytest.importorskip("psycopg")
    with postgresql.database() as url:
        yield url


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """A database of each kind; that of PostgreSQL keeps what other tests have left in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'classes.db'}"
    return request.getfixturevalue("postgres")


@pytest.fixture
def wall(url, tmp_path, clock):
    wall = Wall(url, tmp_path / "pictures", clock=clock)
    yield wall
    wall.close()


@pytest.fixture
def opened(wall):
    return wall.open("teacher")


@pytest.fixture
def pupil(wall, opened):
    return wall.join(opened.code, "Otter", "a")
