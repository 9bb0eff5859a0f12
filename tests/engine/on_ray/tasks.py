"""Tasks that wait or end their process; workers get them by value, as they cannot import them."""

import os
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Slow:
    """A task whose steps take longer than a driver waits for one; or a lot of them."""

    wait: float
    count: int
    backbones = ("Pocket",)

    @property
    def key(self):
        return "slow", self.wait, self.count

    def steps(self, nets, live=None, resume=None):
        for k in range(self.count):
            time.sleep(self.wait)
            yield k


@dataclass(frozen=True)
class Deadly:
    """A task that ends its process at its third step."""

    backbones = ("Pocket",)
    key = None

    def steps(self, nets, live=None, resume=None):
        yield from range(3)
        os._exit(1)


def by_value():
    """Lets workers have the tasks of this file, which they cannot import."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
