"""Folders, addresses and limits: the only module that reads environment variables."""

import contextlib
import ctypes
import ipaddress
import os
import tempfile
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"  # weights and features that come with the app
_ARENA_MAX = -8  # in glibc's malloc.h


def keras_home() -> Path:
    """The folder Keras keeps its files in: `KERAS_HOME`, else `~/.keras`, as Keras decides it."""
    if "KERAS_HOME" in os.environ:
        return Path(os.environ["KERAS_HOME"])
    base = Path.home()
    if not os.access(base, os.W_OK):
        base = Path(tempfile.gettempdir())
    return base / ".keras"


def pets_root() -> Path:
    """The folder of Oxford-IIIT Pets: `IDEAL_CAT_PETS`, else within Keras' data sets."""
    default = keras_home() / "datasets" / "oxford-iiit-pet"
    return Path(os.environ.get("IDEAL_CAT_PETS", default))


def cats_and_dogs_root() -> Path:
    """The folder of Cats vs Dogs: `IDEAL_CAT_CATS_AND_DOGS`, else within Keras' data sets."""
    default = keras_home() / "datasets" / "cats-vs-dogs"
    return Path(os.environ.get("IDEAL_CAT_CATS_AND_DOGS", default))


def data_folder() -> Path:
    """The folder of what the app itself keeps: `IDEAL_CAT_DATA`, else `~/.ideal-cat`."""
    if "IDEAL_CAT_DATA" in os.environ:
        return Path(os.environ["IDEAL_CAT_DATA"])
    home = Path.home()
    return (home if os.access(home, os.W_OK) else Path(tempfile.gettempdir())) / ".ideal-cat"


def classes_database() -> str:
    """The database of classes: `IDEAL_CAT_DATABASE`, as SQLAlchemy writes it; else SQLite."""
    default = f"sqlite:///{(data_folder() / 'classes.db').absolute()}"
    return os.environ.get("IDEAL_CAT_DATABASE") or default


def class_hours() -> float:
    """Hours after which a class and all of it is deleted: `IDEAL_CAT_CLASS_HOURS`; 24."""
    try:
        return max(float(os.environ.get("IDEAL_CAT_CLASS_HOURS", "")), 0.1)
    except ValueError:
        return 24.0


def public_address() -> str:
    """The address people reach the app by: `IDEAL_CAT_ADDRESS`; "" to find it out."""
    return os.environ.get("IDEAL_CAT_ADDRESS", "")


def web_addresses_allowed() -> bool:
    """Whether pictures may be fetched from web addresses: `IDEAL_CAT_URLS=1`."""
    return os.environ.get("IDEAL_CAT_URLS") == "1"


def fetching_allowed() -> bool:
    """Whether the server may download its first backbone unasked; not if `IDEAL_CAT_FETCH=0`."""
    return os.environ.get("IDEAL_CAT_FETCH") != "0"


def weights_mirror() -> str | None:
    """The address of a folder of Keras' weights files: `IDEAL_CAT_MIRROR`; None for Keras' own."""
    return os.environ.get("IDEAL_CAT_MIRROR") or None


def is_here(host: str) -> bool:
    """Whether a host is this machine, which no other can reach by that name."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def core_limit() -> int | None:
    """The most CPU cores to use: `IDEAL_CAT_CORES`; None for all."""
    limit = os.environ.get("IDEAL_CAT_CORES", "")
    return int(limit) if limit.isdigit() and int(limit) else None


def set_operation_threads(threads: int) -> None:
    """Sets how many threads one TensorFlow operation may use, unless that is set already.

    TensorFlow reads it when it is imported.
    """
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))


def share_arenas() -> None:
    """Makes at most two arenas of malloc from now on, where the C library is glibc.

    Each keeps what lies free between used blocks, and glibc would make up to eight for each core.
    Call it early: once there are ten, glibc no longer listens.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def cluster_address() -> str | None:
    """The service to compute with: `IDEAL_CAT_CLUSTER`; None to compute in this process."""
    return os.environ.get("IDEAL_CAT_CLUSTER") or None


def cluster_token() -> str:
    """What an app shows the service: `IDEAL_CAT_CLUSTER_TOKEN`; "" for none."""
    return os.environ.get("IDEAL_CAT_CLUSTER_TOKEN", "")
