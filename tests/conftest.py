"""What several tests share: real photos, the real MobileNetV2 where its weights are."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["IDEAL_CAT_FETCH"] = "0"  # a test asks for it where it means it
# Each process of pytest-xdist computes by itself; one picture shared out among cores is asked for.
os.environ.setdefault("IDEAL_CAT_CORES", "1")
# A server lowers the priority of TensorFlow's threads to 15: beside a process that computes at 0
# it would hardly get anything.
if hasattr(os, "setpriority"):
    os.setpriority(os.PRIO_PROCESS, 0, 10)
os.environ["IDEAL_CAT_DATA"] = tempfile.mkdtemp(prefix="ideal-cat-test-")  # no one's own classes

import numpy as np
import pytest
import skimage

from engine import images
from engine.storage import weights
from tests.local_server import server  # noqa: F401  a fixture

atexit.register(shutil.rmtree, os.environ["IDEAL_CAT_DATA"], ignore_errors=True)
SAMPLES = Path(skimage.__file__).parent / "data"
SHARED = Path(__file__).parents[2] / "shared" / "data"


# What comes first, in this order: what takes longest; all else comes after it. The browser and the
# cluster mostly wait, so each runs beside something that computes.
LONGEST = (
    *("browser", "app", "attacks", "backbones", "finetuning", "operation", "judge", "transfer"),
    *("cluster", "runs", "synthesis", "take_home", "cross_validation", "joint", "extraction"),
)


def _shared(nodeid: str) -> str:
    """What a test shares a process with: the browser and its server, a cluster, or its file."""
    file = Path(nodeid.split("::")[0])
    if "engine/cluster" in file.as_posix() or file.stem == "test_cluster":
        return "cluster"
    if "e2e" in file.parts:
        return "browser"
    return "app" if "app" in file.parts else file.stem.removeprefix("test_")


def pytest_collection_modifyitems(items) -> None:
    """Sorts them by `LONGEST`, so that both processes end at about the same time."""
    order = {name: k for k, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(_shared(item.nodeid), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A process of pytest-xdist takes all that shares something, in the order they are in."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False

    class Shared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _shared(nodeid)

    return Shared(config, log)


@pytest.fixture(scope="session")
def cat() -> np.ndarray:
    """Chelsea the cat, `(H, W, 3)` in 0..1."""
    return images.load(SAMPLES / "chelsea.png")


@pytest.fixture(scope="session")
def mobilenet():
    """The pretrained MobileNetV2, folded."""
    if "MobileNetV2" not in weights.available():
        pytest.skip("MobileNetV2's weights are not in KERAS_HOME")
    from engine import backbones

    return backbones.load("MobileNetV2")


@pytest.fixture(scope="session")
def untrained():
    """MobileNetV2 with random weights: real shapes, no file needed."""
    import keras

    from engine import backbones

    keras.utils.set_random_seed(0)
    return backbones.load("MobileNetV2", pretrained=False)


@pytest.fixture(scope="session")
def photos() -> list[Path]:
    """Real ImageNet photos, where they are."""
    folder = SHARED / "imagenet-samples"
    if not folder.is_dir():
        pytest.skip(f"{folder.name} is not beside the project")
    return sorted(folder.glob("*.jpg"))
