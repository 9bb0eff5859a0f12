"""Deletes what is over: classes, and pictures that belong to none."""

import logging
import threading
import time
from collections.abc import Callable, Iterable

from sqlalchemy import delete, select

from engine.classroom.database import Database
from engine.classroom.files import Files
from engine.classroom.tables import ClassRow, EntryRow

_log = logging.getLogger(__name__)
GRACE = 3600.0  # seconds between a class's end and its deletion, as a clock may have jumped


class Upkeep:
    """The upkeep of a database and the files beside it; `clock` gives seconds since 1970."""

    def __init__(self, database: Database, files: Files, clock: Callable[[], float]) -> None:
        self._database, self._files, self._clock = database, files, clock

    def start(self, every: float = 300.0) -> None:
        """Purges again and again, in a thread that ends with the process."""

        def purge() -> None:
            while True:
                try:
                    self.purge()
                except Exception as error:  # it must go on: it deletes what people have shown
                    _log.warning("Expired classes could not be deleted: %s", error)
                time.sleep(every)

        threading.Thread(target=purge, name="purge", daemon=True).start()

    def purge(self) -> None:
        """Deletes classes whose time has been over for a while, and files that belong to none."""
        with self._database.writing() as session:
            session.execute(delete(ClassRow).where(ClassRow.ends < self._clock() - GRACE))
        self.sweep()

    def sweep(self, at_once: Iterable[str] = ()) -> None:
        """Deletes files that belong to no class: new ones later, unless they are named here."""
        with self._database.reading() as session:
            found = session.execute(select(EntryRow.still, EntryRow.film))
            used = {name for row in found for name in row}
        self._files.keep_only(used, frozenset(at_once))
