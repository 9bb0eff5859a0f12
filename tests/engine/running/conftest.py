"""What the tests of runs share: a runner that counts, and an ideal image of twelve steps."""

from dataclasses import dataclass, replace

import pytest

from engine import synthesis
from engine.backbones import Store
from engine.runs import LocalRunner, Runs, Schedule
from engine.synthesis import preset


@dataclass(frozen=True)
class Count:
    """A task that counts."""

    total: int = 50
    backbones = ()

    @property
    def key(self):
        return "count", self.total

    def steps(self, nets, live=None, resume=None):
        yield from range(self.total)


_STORE = Store()


class Counted(LocalRunner):
    """Counts how often each frame is computed."""

    def __init__(self):
        super().__init__(Schedule(2), _STORE)
        self.made = []

    def steps(self, run):
        for frame in super().steps(run):
            self.made.append(getattr(frame, "step", frame))
            yield frame


@pytest.fixture
def runner():
    return Counted()


@pytest.fixture
def runs(runner):
    return Runs(runner)


@pytest.fixture(scope="module")
def settings(net):
    clear = preset("clear", net)
    views = replace(clear.transformations, views=2)
    return replace(clear, steps=12, canvas=112, transformations=views)


@pytest.fixture(scope="module")
def alone(net, settings):
    return list(synthesis.ideal_image(net, 3, settings))
