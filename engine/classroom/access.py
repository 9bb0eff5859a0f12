"""Who is asked, within a transaction: a class by its code or its teacher, a pupil."""

import hashlib
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engine.classroom import words
from engine.classroom.entries import ClassInfo
from engine.classroom.tables import ClassRow, MemberRow
from engine.core.errors import NoSuchClass

FREE = "free "  # begins the key of a pupil who may join again; no digest does


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def of_code(session: Session, code: str, now: float) -> ClassRow:
    """The class of a code; raises `NoSuchClass`."""
    return _going_on(session, ClassRow.code == words.tidy_code(code), now)


def of_teacher(session: Session, secret: str, now: float) -> ClassRow:
    """The class of a teacher's secret; raises `NoSuchClass`."""
    return _going_on(session, ClassRow.teacher == digest(secret), now)


def _going_on(session: Session, wanted: Any, now: float) -> ClassRow:
    row = session.scalar(select(ClassRow).where(wanted, ClassRow.ends > now))
    if row is None:
        raise NoSuchClass(
            "There is no such class, or it has ended. Check the four words or the link."
        )
    return row


def member(session: Session, key: str, now: float) -> tuple[MemberRow, ClassRow]:
    """The pupil of a secret, and the class; raises `NoSuchClass`."""
    wanted = select(MemberRow, ClassRow).join(ClassRow, ClassRow.id == MemberRow.class_id)
    found = session.execute(wanted.where(MemberRow.key == digest(key), ClassRow.ends > now)).first()
    if found is None:
        raise NoSuchClass("Your class has ended. Join another one.")
    return found[0], found[1]


def come_back(session: Session, row: ClassRow, name: str, key: str) -> bool:
    """Gives a pupil whom the teacher lets back a new key; False where no such one is awaited."""
    awaited = (
        MemberRow.class_id == row.id,
        MemberRow.folded_name == name.casefold(),
        MemberRow.key.startswith(FREE),
    )
    found = session.execute(
        update(MemberRow).where(*awaited).values(key=key).returning(MemberRow.id)
    )
    return found.first() is not None


def info(row: ClassRow) -> ClassInfo:
    """What pages are told of a class."""
    return ClassInfo(code=row.code, frozen=row.frozen, task=row.task, ends=row.ends)
