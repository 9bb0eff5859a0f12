"""The app on a port of this machine."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "IDEAL_CAT_FETCH": "0",
    "PYTHONFAULTHANDLER": "1",
    "STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "full",  # a test that fails says where
}


@contextmanager
def serving(**environment: str):
    """Runs the app on a free port; yields its address."""
    with running(free_port(), **environment) as (address, _):
        yield address


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen, seconds: float = 60.0) -> None:
    """Waits until a server answers; raises `OSError` if it ends before or takes longer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.1)


def at_rest(process: int) -> bool:
    """Whether a server computes nothing for a second: nothing is compiled beforehand any more."""

    def seconds() -> float:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = seconds()
    time.sleep(1.0)
    return seconds() - before < 0.2


@contextmanager
def running(port: int, script: str | Path = "streamlit_app.py", **environment: str):
    """Runs the app, or another script, on a port; yields its address and its process.

    What is raised meanwhile gets the end of what the server wrote as a note.

    Raises:
        RuntimeError: it ended by itself.
    """
    log = tempfile.TemporaryFile()  # noqa: SIM115 -- closed at the end
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    process = subprocess.Popen(
        [*command, "--server.port", str(port), "--server.address", "127.0.0.1"],
        cwd=ROOT,
        # on all cores, as for those who run it, however many the tests' own engine uses
        env=os.environ | ENVIRONMENT | {"IDEAL_CAT_CORES": ""} | environment,
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/_stcore/health", process)
        yield address, process
        if process.poll() not in (None, 0, -signal.SIGKILL, -signal.SIGTERM):
            raise RuntimeError(f"The server has ended with {process.returncode}.")
    except BaseException as error:
        log.seek(max(log.seek(0, os.SEEK_END) - 60_000, 0))
        error.add_note(f"The server wrote:\n{log.read().decode(errors='replace')}")
        raise
    finally:
        log.close()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
