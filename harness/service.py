"""A service of ours in a process of its own."""

import os
import socket
import subprocess
import sys
import time

from harness.server import ROOT, free_port

PATIENCE = 60.0  # seconds until it listens


class Machine:
    """A service on a port of this machine, also after it was killed."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"ws://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Starts it and waits until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.cluster.service", "--port", str(self.port)],
            cwd=ROOT,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.1)

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()
