"""Walls on SQLite, and on a real PostgreSQL where its programs are on this machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.classroom import Wall
from harness.server import free_port


class Clock:
    """A clock that a test can move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def _program(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """The address of a PostgreSQL server with an empty database."""
    initdb, server = _program("initdb"), _program("postgres")
    if not (initdb and server):
        pytest.skip("PostgreSQL's programs are not on this machine")
    pytest.importorskip("psycopg")
    root = os.geteuid() == 0  # it refuses to run as root
    user = {"user": "nobody"} if root else {}
    folder = Path("/tmp") / f"ideal-cat-postgres-{os.getpid()}"
    folder.mkdir()
    if root:
        shutil.chown(folder, "nobody")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **user}
    port = free_port()
    try:
        make = [initdb, "-D", str(folder / "data"), "-A", "trust", "-U", "cat", "-N"]
        subprocess.run(make, check=True, **quiet)
        options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1"]
        running = subprocess.Popen([server, "-D", str(folder / "data"), *options], **quiet)
        url = f"postgresql+psycopg://cat@127.0.0.1:{port}/postgres"
        try:
            _wait_for(port)
            yield url
        finally:
            running.terminate()
            running.wait(30)
    finally:
        shutil.rmtree(folder)


def _wait_for(port: int) -> None:
    import time

    import psycopg

    end = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=cat dbname=postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


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
