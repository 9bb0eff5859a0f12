"""The database of classes: opened, brought up to date, and asked in transactions.

SQLite in WAL mode by default; PostgreSQL where several processes serve the app.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from filelock import FileLock
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from engine.core.errors import ClassRefused, WallUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = "SELECT pg_advisory_xact_lock(4275119)"  # one process at a time brings tables up to date
_PATIENCE = 5  # seconds that a transaction waits for another


class Conflict(ClassRefused):
    """What is unique is there already, or what it belongs to is gone."""


class Database:
    """Transactions on the tables of `engine.classroom.tables`.

    Args:
        url: as SQLAlchemy writes it: `sqlite:////path`, `postgresql+psycopg://user@host/name`.

    Raises:
        WallUnavailable: the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        with _told():
            address = make_url(url)
            self._sqlite = address.get_backend_name() == "sqlite"
            if self._sqlite:
                file = Path(address.database or "")
                file.parent.mkdir(parents=True, exist_ok=True)
                self._engine = create_engine(address, connect_args={"timeout": _PATIENCE})
                event.listen(self._engine, "connect", _prepare)
                event.listen(self._engine, "begin", _begin)
                with FileLock(file.with_suffix(".lock")):
                    _up_to_date(self._engine)
            else:
                limits: dict[str, Any] = {
                    "connect_timeout": _PATIENCE,
                    "tcp_user_timeout": 1000 * _PATIENCE,
                }
                limits["options"] = f"-c statement_timeout={1000 * _PATIENCE}"
                self._engine = create_engine(
                    address, pool_pre_ping=True, pool_size=10, connect_args=limits
                )
                _up_to_date(self._engine, ("SET LOCAL statement_timeout = 0", _LOCK))

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is committed at the end, or not at all.

        Raises:
            WallUnavailable: the database does not answer, or has no room.
            Conflict: what is unique is there already, or what it belongs to is gone.
        """
        with _told(), Session(self._engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that changes nothing; raises `WallUnavailable` as `writing` does."""
        with _told(), Session(self._engine) as session:
            session.connection(execution_options={"reading": True})
            yield session

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Conflict("Someone else has just changed this. Try again.") from error
    except (SQLAlchemyError, OSError) as error:
        raise WallUnavailable(
            "The database of classes does not answer or has no room left. Nothing was changed; "
            "try again in a moment."
        ) from error


def _up_to_date(engine: Engine, before: Sequence[str] = ()) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        for statement in before:
            connection.execute(text(statement))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    """A writer takes the lock at once: one that read before could not wait for it later."""
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
