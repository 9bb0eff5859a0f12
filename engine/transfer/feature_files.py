"""The files that features of photos are kept in, and that several may write into at once."""

import os
from pathlib import Path

import numpy as np
from filelock import FileLock

from engine.core.errors import BadDataset


def opened(stem: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Opens the features of a data set's photos, or creates them.

    Others may want the same at this moment: one of them creates the files, all write into them.

    Args:
        stem: the files' path without a suffix.
        shape: how many photos, views of each, and numbers for each view.

    Returns:
        The features, float16 of that shape, and each photo's state, uint8, 0 where it is new. What
        is written into them is written to the disk.

    Raises:
        BadDataset: the disk is full or cannot be written to.
    """
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(stem.with_suffix(".lock")):
            return (
                _array(stem.with_suffix(".features.npy"), shape, "float16"),
                _array(stem.with_suffix(".state.npy"), shape[:1], "uint8"),
            )
    except OSError as error:
        raise BadDataset(
            f"{np.prod(shape) * 2 / 1e6:.0f} MB for the features could not be written: "
            f"{error.strerror}. Make room or set KERAS_HOME to another folder."
        ) from error


def _array(file: Path, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Opens an array on disk, or creates it.

    Its space is allocated at once: a full disk would kill the process when a page is written.
    """
    if file.exists():
        try:
            found = np.lib.format.open_memmap(file, "r+")
            if found.shape == shape and found.dtype == dtype:
                return found
        except ValueError:
            pass  # broken off while it was made
    part = file.with_suffix(".part")
    try:
        made = np.lib.format.open_memmap(part, "w+", dtype=np.dtype(dtype), shape=shape)
        with part.open("r+b") as handle:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle.fileno(), 0, part.stat().st_size)
        made.flush()
        part.replace(file)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return made
