"""Words for the codes of classes and for nicknames: short, plain, easy to say aloud."""

import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path

# 256, so that a word is a byte: a code of four is one of four thousand million.
WORDS = tuple(Path(__file__).with_suffix(".txt").read_text().split())


def code() -> str:
    """A new code of four words: `river-olive-comet-drum`."""
    return "-".join(secrets.choice(WORDS) for _ in range(4))


def nickname() -> str:
    """A nickname to offer: `amber otter`."""
    return f"{secrets.choice(WORDS)} {secrets.choice(WORDS)}"


def tidy(text: str, length: int) -> str:
    """Text of one line without control characters, at most so long."""
    kept = (c if unicodedata.category(c)[0] not in "CZ" else " " for c in text)
    return " ".join("".join(kept).split())[:length].strip()


def tidied(figures: Mapping[str, str], length: int) -> dict[str, str]:
    """The first dozen of some figures, names and values tidied."""
    pairs = list(figures.items())[:12]
    return {tidy(name, 30): tidy(value, length) for name, value in pairs}


def tidy_code(written: str) -> str:
    """A code as a person types it, in the form it is kept in: any case, spaces or dashes."""
    return "-".join(written.casefold().replace("-", " ").split())[:80]
