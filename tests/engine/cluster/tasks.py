"""Tasks that wait or end their process; a service of the same folder can import them."""

import os
import time
from dataclasses import dataclass

BEGUN: list[str] = []  # names of tasks whose steps have begun in this process
ENDED: list[str] = []  # and of those whose steps have ended


@dataclass(frozen=True)
class Slow:
    """A task whose steps take longer than a client waits for one; or a lot of them."""

    wait: float
    count: int
    name: str = ""
    backbones = ("Pocket",)

    @property
    def key(self):
        return "slow", self.wait, self.count, self.name

    def steps(self, nets, live=None, resume=None):
        BEGUN.append(self.name)
        try:
            for k in range(self.count):
                time.sleep(self.wait)
                yield k
        finally:
            ENDED.append(self.name)


@dataclass(frozen=True)
class Deadly:
    """A task that ends its process at its third step."""

    backbones = ("Pocket",)
    key = None

    def steps(self, nets, live=None, resume=None):
        yield from range(3)
        os._exit(1)


@dataclass(frozen=True)
class Broken:
    """A task with a mistake in it."""

    backbones = ("Pocket",)
    key = None

    def steps(self, nets, live=None, resume=None):
        yield 1 / 0
