"""What a teacher may do with a class: hide, freeze, set a task, see who is where, delete."""

from collections.abc import Callable

from sqlalchemy import String, cast, delete, func, literal, select, update
from sqlalchemy.orm import Session

from engine.classroom import access, entries
from engine.classroom.database import Database
from engine.classroom.entries import ClassInfo, Pupil
from engine.classroom.tables import ClassRow, EntryRow, MemberRow
from engine.core.errors import ClassRefused


class Teacher:
    """A class as its teacher sees it. Every method raises `NoSuchClass` for a wrong secret.

    Args:
        database: of classes.
        secret: of the class's teacher.
        clock: seconds since 1970.
        swept: called with names of files that may have become free.
    """

    def __init__(
        self,
        database: Database,
        secret: str,
        clock: Callable[[], float],
        swept: Callable[[set[str]], None],
    ) -> None:
        self._database, self._secret = database, secret
        self._clock, self._swept = clock, swept

    def info(self) -> ClassInfo:
        """The class."""
        with self._database.reading() as session:
            return access.info(self._class(session))

    def hide(self, number: int, hidden: bool = True) -> None:
        """Takes an entry off the wall, or puts it back."""
        with self._database.writing() as session:
            row = self._class(session)
            entry = session.get(EntryRow, number)
            if entry is not None and entry.class_id == row.id:
                entry.hidden = hidden

    def set(self, *, frozen: bool | None = None, task: str | None = None) -> None:
        """Freezes the wall, or sets the task: the address of a screen within the app."""
        if task and not entries.INSIDE.fullmatch(task):
            raise ClassRefused("Expected the address of a screen of this app, as it is set.")
        with self._database.writing() as session:
            row = self._class(session)
            row.frozen = row.frozen if frozen is None else frozen
            row.task = row.task if task is None else task

    def pupils(self) -> list[Pupil]:
        """Who is in the class, where, and who has shown nothing for a while."""
        now = self._clock()
        with self._database.reading() as session:
            row = self._class(session)
            wanted = (
                select(MemberRow, func.count(EntryRow.id), func.max(EntryRow.made))
                .outerjoin(EntryRow, EntryRow.member_id == MemberRow.id)
                .where(MemberRow.class_id == row.id)
                .group_by(MemberRow.id)
                .order_by(MemberRow.folded_name)
            )
            return [
                Pupil(
                    name=member.name,
                    page=member.page,
                    away=max(0.0, now - member.seen),
                    shown=count,
                    without=now - (last or member.joined),
                )
                for member, count, last in session.execute(wanted)
            ]

    def let_back(self, name: str) -> None:
        """Lets a pupil whose tab is gone join again: who comes next by this name is this pupil.

        What they have shown stays theirs; a tab that is still open is out of the class.
        """
        with self._database.writing() as session:
            row = self._class(session)
            whose = (MemberRow.class_id == row.id, MemberRow.folded_name == name.casefold())
            session.execute(
                update(MemberRow)
                .where(*whose)
                .values(key=literal(access.FREE).concat(cast(MemberRow.id, String)))
                .execution_options(synchronize_session=False)
            )

    def delete(self) -> None:
        """Deletes a class with all that belongs to it."""
        with self._database.writing() as session:
            row = self._class(session)
            mine = select(EntryRow.still, EntryRow.film).where(EntryRow.class_id == row.id)
            files = {name for names in session.execute(mine) for name in names}
            session.execute(delete(ClassRow).where(ClassRow.id == row.id))
        self._swept(files)

    def _class(self, session: Session) -> ClassRow:
        return access.of_teacher(session, self._secret, self._clock())
