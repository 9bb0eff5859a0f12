"""Three hundred pupils of ten classes on two processes that share a PostgreSQL database.

    python -m benchmarks.crowd [--seconds 60]

Joins, results shown and applause come at thirty a second in all, as from `engine.classroom`'s
callers in the app; no page is drawn and no picture made. At the end all that was acknowledged must
be in the database. PostgreSQL's programs must be on this machine.
"""

import argparse
import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import numpy as np

from engine.classroom import Draft, Wall
from harness import postgres

TITLE = "Three hundred pupils on two processes with PostgreSQL"
PUPILS, CLASSES, RATE, PROCESSES = 300, 10, 30, 2
PICTURE = 60_000  # bytes


def measure(seconds: float = 60) -> Iterator[tuple[str, str]]:
    """Yields `(what, value)` rows."""
    with postgres.database() as url, tempfile.TemporaryDirectory() as folder:
        wall = Wall(url, Path(folder))
        codes = [wall.open(f"teacher {k}").code for k in range(CLASSES)]
        found = [pipe.recv() for pipe in _started(url, folder, codes, seconds)]
        done, errors = Counter(), Counter()
        for counts, _, wrong in found:
            done.update(counts)
            errors.update(wrong)
        shown = [entry for code in codes for entry in wall.entries(code, hidden=True, most=10_000)]
        kept = Counter(
            {
                "shows": len(shown),
                "applause": sum(entry.applause for entry in shown),
                "pictures": sum(len(wall.file(entry.still)) == PICTURE for entry in shown),
            }
        )
        wall.close()
    for what in sorted({name for _, times, _ in found for name in times}):
        took = 1000 * np.array([t for _, times, _ in found for t in times.get(what, [])])
        largest = f"95th percentile {np.percentile(took, 95):.0f} ms, largest {took.max():.0f} ms"
        yield what, f"median {median(took):.0f} ms, {largest}"
    asked = ", ".join(f"{what} {n}" for what, n in sorted(done.items()))
    yield f"acknowledged in {seconds:.0f} s", asked
    yield "of these in the database", ", ".join(f"{what} {n}" for what, n in sorted(kept.items()))
    yield "errors", ", ".join(f"{n} times {what}" for what, n in errors.items()) or "0"


def _started(url: str, folder: str, codes: list[str], seconds: float) -> list[Connection]:
    context, pipes = multiprocessing.get_context("spawn"), []
    for number in range(PROCESSES):
        ours, theirs = context.Pipe()
        values = (theirs, url, folder, codes, number, seconds)
        context.Process(target=_app, args=values, daemon=True).start()
        pipes.append(ours)
    return pipes


def _app(
    pipe: Connection, url: str, folder: str, codes: list[str], number: int, seconds: float
) -> None:
    """One process of the app: its share of the pupils, each of whom acts in turn."""
    wall, chance = Wall(url, Path(folder)), random.Random(number)
    counts, errors, times = Counter(), Counter(), {}

    def act(what: str, function, *values) -> object:
        began = time.monotonic()
        try:
            given = function(*values)
        except Exception as error:  # counted, and reported at the end
            errors[f"{what}: {error!r}"] += 1
            return None
        times.setdefault(what, []).append(time.monotonic() - began)
        counts[what] += 1
        return given

    keys: list[tuple[str, str]] = []
    applauded: set[tuple[str, int]] = set()

    def join(pupil: int) -> None:
        code = codes[pupil % CLASSES]
        if key := act("joins", wall.join, code, f"pupil {number} {pupil}", f"{number} {pupil}"):
            keys.append((code, str(key)))

    def show(code: str, key: str) -> None:
        still = chance.randbytes(PICTURE)
        draft = Draft(
            kind="attack", title="A change", link="", figures={}, score=chance.random(), still=still
        )
        act("shows", wall.show, key, draft)

    def applaud(code: str, key: str) -> None:
        there = [e.number for e in wall.entries(code) if (key, e.number) not in applauded]
        if there:
            applauded.add((key, there[0]))  # a second time would take it back
            act("applause", wall.applaud, key, there[0])

    gap = PROCESSES / RATE
    with ThreadPoolExecutor(16) as threads:
        began = time.monotonic()
        for turn in range(round(seconds / gap)):
            time.sleep(max(0.0, began + turn * gap - time.monotonic()))
            if turn < PUPILS // PROCESSES:
                threads.submit(join, turn)
            else:
                code, key = keys[turn % len(keys)]
                threads.submit(chance.choice((show, applaud)), code, key)
    wall.close()
    pipe.send((counts, times, errors))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    print("| what | measured |\n|---|---|")
    for what, value in measure(parser.parse_args().seconds):
        print(f"| {what} | {value} |", flush=True)
