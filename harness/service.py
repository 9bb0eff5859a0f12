"""A service of ours in a process of its own."""

import os
import subprocess
import sys

from harness.server import ENVIRONMENT, ROOT, free_port, wait_for


class Machine:
    """A service on a port of this machine, also after it was killed."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"ws://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.cluster.service", "--port", str(self.port)],
            cwd=ROOT,
            env=os.environ | ENVIRONMENT,
            stderr=subprocess.DEVNULL,
        )
        wait_for(f"http://127.0.0.1:{self.port}/-/healthz", self._process)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()
