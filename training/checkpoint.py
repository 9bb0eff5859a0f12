"""Where a training stands: its variables on disk, and a line of its log for each epoch."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def resume(file: Path, variables: Sequence[Any]) -> int:
    """Puts the variables where a checkpoint left them; returns how many epochs were made."""
    if not file.exists():
        return 0
    saved = np.load(file)
    for k, variable in enumerate(variables):
        variable.assign(saved[f"v{k}"])
    epoch = int(saved["epoch"])
    print(f"resumed after epoch {epoch}")
    return epoch


def save(file: Path, variables: Sequence[Any], epoch: int) -> None:
    """Writes a checkpoint, whole or not at all."""
    partial = file.with_suffix(".part.npz")
    np.savez(partial, epoch=epoch, **{f"v{k}": v.numpy() for k, v in enumerate(variables)})
    partial.replace(file)


def log(file: Path, row: Mapping[str, Any]) -> None:
    """Prints an epoch's figures and adds them to a CSV file; the first epoch writes its head."""
    print(dict(row), flush=True)
    with file.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, row)
        if row["epoch"] == 1:
            writer.writeheader()
        writer.writerow(row)
