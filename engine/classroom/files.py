"""Pictures and films beside the database, named by their content."""

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path

from engine.core.errors import WallUnavailable

MOST_BYTES = 6_000_000  # of one file
NEW = 600.0  # seconds


class Files:
    """A folder of files whose names are digests: equal content is kept once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, content: bytes) -> str:
        """Writes a file, whole or not at all; returns its name.

        Raises:
            WallUnavailable: there is no room, or the folder cannot be written.
        """
        name = hashlib.sha256(content).hexdigest()
        try:
            self._path(name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.utime(self._path(name))  # it is there, and as new as if it had just been written
            except FileNotFoundError:
                self._write(self._path(name), content)
        except OSError as error:
            raise WallUnavailable(
                "The picture could not be saved: the disk is full or the folder is not writable. "
                "It is not on the wall."
            ) from error
        return name

    def _write(self, file: Path, content: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as part:
            try:
                part.write(content)
                part.close()
                Path(part.name).replace(file)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise

    def read(self, name: str) -> bytes:
        """A file's content; empty where it is gone."""
        try:
            return self._path(name).read_bytes() if name else b""
        except OSError:
            return b""

    def keep_only(self, names: set[str], at_once: frozenset[str] = frozenset()) -> None:
        """Deletes all files but these, and those so new that they may be about to be named.

        Those of `at_once` are deleted however new they are.
        """
        files: list[Path] = []
        with contextlib.suppress(OSError):  # a network folder that is away: another time
            files = [*self.folder.glob("*/*"), *self.folder.glob("tmp*")]
        for file in files:
            with contextlib.suppress(OSError):  # another process may do the same
                new = time.time() - file.stat().st_mtime < NEW
                if file.name not in names and (not new or file.name in at_once):
                    file.unlink()

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name
