"""A PostgreSQL server of this machine's own programs, with an empty database."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.server import free_port


def program(name: str) -> str | None:
    """Where one of PostgreSQL's programs is; Debian does not put them on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


@contextmanager
def database() -> Iterator[str]:
    """Runs a server; yields the address of its database, as SQLAlchemy writes it.

    Raises:
        LookupError: the programs are not on this machine.
    """
    initdb, server = program("initdb"), program("postgres")
    if not (initdb and server):
        raise LookupError("PostgreSQL's programs are not on this machine")
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
        try:
            _wait_for(port)
            yield f"postgresql+psycopg://cat@127.0.0.1:{port}/postgres"
        finally:
            running.terminate()
            running.wait(30)
    finally:
        shutil.rmtree(folder)


def _wait_for(port: int) -> None:
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
