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
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "IDEAL_CAT_FETCH": "0", "PYTHONFAULTHANDLER": "1"}


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


@contextmanager
def running(port: int, **environment: str):
    """Runs the app on a port; yields its address and its process.

    Raises:
        RuntimeError: it ended by itself; with the end of what it wrote.
    """
    log = tempfile.TemporaryFile()  # noqa: SIM115 -- closed at the end
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    process = subprocess.Popen(
        [*command, "--server.port", str(port), "--server.address", "127.0.0.1"],
        cwd=ROOT,
        env=os.environ | QUIET | environment,
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                    break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield address, process
        if process.poll() not in (None, 0, -signal.SIGKILL, -signal.SIGTERM):
            log.seek(max(log.tell() - 60_000, 0))
            said = log.read().decode(errors="replace")
            raise RuntimeError(f"The server has ended with {process.returncode}:\n{said}")
    finally:
        log.close()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
