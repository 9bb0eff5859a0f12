"""All measurements, one command: `python -m benchmarks.run` (or `make bench`).

Every ratio is taken in this one run, its two sides measured in turns, so that a busy machine slows
both alike. Prints Markdown.
"""

import platform
import sys

from benchmarks import classroom, cluster, first_screen, folding, home, live, pocket, redraw, turns
from engine import backend
from engine.storage import weights


def main() -> None:
    """Runs them all and prints their tables."""
    print(f"Python {platform.python_version()}, {backend.device().name}, {backend.BACKEND}\n")
    if "MobileNetV2" not in weights.available():
        sys.exit("The benchmarks need MobileNetV2's weights in KERAS_HOME.")
    for benchmark in (home, folding, pocket, first_screen, redraw, live, turns, classroom, cluster):
        print(f"## {benchmark.TITLE}\n")
        print("| what | measured |\n|---|---|")
        for what, value in benchmark.measure():
            print(f"| {what} | {value} |", flush=True)
        print()


if __name__ == "__main__":
    main()
