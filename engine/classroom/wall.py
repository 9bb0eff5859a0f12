"""A class and its wall: pupils join with a nickname and show what they have made.

    wall = Wall("sqlite:////home/me/.ideal-cat/classes.db", folder)
    opened = wall.open()
    pupil = wall.join(opened.code, "amber otter", visitor="a session")
    wall.show(pupil, Draft(kind="ideal image", title="goldfish", link="ideal_images?...", ...))
    wall.entries(opened.code)

Whoever knows a class's code may look and join; what changes a class needs the teacher's secret,
what a pupil does the pupil's own. The database keeps digests of both.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from engine.classroom import access, words
from engine.classroom.database import Conflict, Database
from engine.classroom.entries import ClassInfo, Draft, Entry, Opened
from engine.classroom.files import Files
from engine.classroom.limits import Limit
from engine.classroom.tables import ApplauseRow, ClassRow, EntryRow, GuessRow, MemberRow
from engine.classroom.teacher import Teacher
from engine.classroom.upkeep import Upkeep
from engine.core.errors import ClassRefused, NoSuchClass

NAME_LENGTH, TEXT_LENGTH = 24, 80
MOST_MEMBERS, MOST_ENTRIES = 400, 2000  # of a class
MOST_CLASS_BYTES, MOST_BYTES_IN_ALL = 400_000_000, 4_000_000_000


class Wall:
    """All classes of this server.

    Args:
        url: of the database; see `Database`.
        folder: for pictures.
        hours: after which a class ends and everything of it is deleted.
        clock: seconds since 1970.
    """

    def __init__(
        self, url: str, folder: Path, *, hours: float = 24.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._files = Database(url), Files(folder)
        self._hours, self._clock = hours, clock
        self.upkeep = Upkeep(self._database, self._files, clock)
        self._tries, self._all_tries = Limit(8, 60), Limit(1200, 60)
        self._shows, self._joins = Limit(6, 30), Limit(120, 60)
        self._opens, self._all_opens = Limit(5, 600), Limit(60, 600)

    def close(self) -> None:
        """Closes the database's connections."""
        self._database.close()

    # What anyone may do

    def open(self, visitor: str) -> Opened:
        """Opens a class; raises `TooOften`."""
        self._opens.count(visitor)
        self._all_opens.count("all")
        secret, now = secrets.token_urlsafe(24), self._clock()
        row = ClassRow(
            code=words.code(),
            teacher=access.digest(secret),
            opened=now,
            ends=now + 3600 * self._hours,
            frozen=False,
            task="",
        )
        with self._database.writing() as session:
            session.add(row)
            session.flush()
            return Opened(code=row.code, secret=secret)

    def join(self, code: str, name: str, visitor: str) -> str:
        """Joins a class, or comes back where the teacher lets one; returns the pupil's secret.

        Raises:
            NoSuchClass: there is none of this code.
            ClassRefused: the name is taken or empty, or the class is full.
            TooOften: codes were tried too often.
        """
        name = words.tidy(name, NAME_LENGTH)
        if not name:
            raise ClassRefused("Choose a nickname of at least one letter.")
        secret = secrets.token_urlsafe(24)
        self._joins.count(words.tidy_code(code))
        try:
            with self._guessing(visitor), self._database.writing() as session:
                row = access.of_code(session, code, self._clock())
                if access.come_back(session, row, name, access.digest(secret)):
                    return secret
                members = select(func.count()).where(MemberRow.class_id == row.id)
                if (session.scalar(members) or 0) >= MOST_MEMBERS:
                    raise ClassRefused(f"This class is full: {MOST_MEMBERS} have joined.")
                session.add(
                    MemberRow(
                        class_id=row.id,
                        name=name,
                        folded_name=name.casefold(),
                        key=access.digest(secret),
                        page="",
                        joined=self._clock(),
                        seen=self._clock(),
                    )
                )
        except Conflict:
            raise ClassRefused(
                f"The nickname {name} is already taken in this class. Choose another."
            ) from None
        return secret

    def look(self, code: str, visitor: str) -> ClassInfo:
        """What is known of a class by its code; raises as joining does."""
        with self._guessing(visitor), self._database.reading() as session:
            return access.info(access.of_code(session, code, self._clock()))

    def entries(
        self, code: str, *, kind: str = "", hidden: bool = False, best: bool = False, most: int = 60
    ) -> list[Entry]:
        """What a class has shown, the newest first, or the `best` first.

        Args:
            code: of the class.
            kind: one of `KINDS`; "" for all.
            hidden: also what the teacher has hidden.
            best: by score.
            most: how many.
        """
        applause = (
            select(ApplauseRow.entry_id, func.count().label("count"))
            .group_by(ApplauseRow.entry_id)
            .subquery()
        )
        wanted: Select = (
            select(EntryRow, MemberRow.name, func.coalesce(applause.c.count, 0))
            .join(MemberRow, MemberRow.id == EntryRow.member_id)
            .join(ClassRow, ClassRow.id == EntryRow.class_id)
            .outerjoin(applause, applause.c.entry_id == EntryRow.id)
            .where(ClassRow.code == code, ClassRow.ends > self._clock())
            .order_by(*([EntryRow.score.desc()] if best else []), EntryRow.id.desc())
            .limit(most)
        )
        if kind:
            wanted = wanted.where(EntryRow.kind == kind)
        if not hidden:
            wanted = wanted.where(EntryRow.hidden.is_(False))
        with self._database.reading() as session:
            access.of_code(session, code, self._clock())
            return [Entry.of(*row) for row in session.execute(wanted)]

    def file(self, name: str) -> bytes:
        """A picture or film of an entry; empty where it is gone."""
        return self._files.read(name)

    def guesses(self, code: str) -> dict[str, Counter[str]]:
        """How often each answer was guessed, by question."""
        wanted = (
            select(GuessRow.question, GuessRow.answer)
            .join(MemberRow, MemberRow.id == GuessRow.member_id)
            .join(ClassRow, ClassRow.id == MemberRow.class_id)
            .where(ClassRow.code == code, ClassRow.ends > self._clock())
        )
        found: dict[str, Counter[str]] = {}
        with self._database.reading() as session:
            access.of_code(session, code, self._clock())
            for question, answer in session.execute(wanted):
                found.setdefault(question, Counter())[answer] += 1
        return found

    # What a pupil may do

    def membership(self, key: str) -> tuple[str, ClassInfo] | None:
        """A pupil's nickname and class; None where the class is over or the secret wrong."""
        with self._database.reading() as session:
            try:
                member, row = access.member(session, key, self._clock())
            except NoSuchClass:
                return None
            return member.name, access.info(row)

    def here(self, key: str, page: str) -> None:
        """Notes where a pupil is."""
        with self._database.writing() as session:
            where = update(MemberRow).where(MemberRow.key == access.digest(key))
            session.execute(where.values(page=words.tidy(page, 40), seen=self._clock()))

    def show(self, key: str, draft: Draft) -> int:
        """Puts something on the wall; returns its number.

        Raises:
            NoSuchClass: the class is over.
            ClassRefused: the wall is frozen or full, or the draft is not one.
            TooOften: several were shown within seconds.
            WallUnavailable: there is no room; nothing was changed.
        """
        draft.check()
        self._shows.count(access.digest(key))
        self.may_show(key)
        still, film = (self._files.keep(c) if c else "" for c in (draft.still, draft.film))
        with self._database.writing() as session:
            member, row = self._may_show(session, key)
            entry = EntryRow(
                class_id=row.id,
                member_id=member.id,
                kind=draft.kind,
                title=words.tidy(draft.title, TEXT_LENGTH),
                caption=words.tidy(draft.caption, TEXT_LENGTH),
                made=self._clock(),
                hidden=False,
                link=draft.link,
                figures=words.tidied(draft.figures, TEXT_LENGTH),
                score=draft.score,
                still=still,
                film=film,
                size=len(draft.still) + len(draft.film),
            )
            session.add(entry)
            session.flush()
            return entry.id

    def may_show(self, key: str) -> None:
        """Raises what `show` would raise of a class that is over, frozen or full."""
        with self._database.reading() as session:
            self._may_show(session, key)

    def leave(self, key: str) -> None:
        """Leaves a class; who has shown nothing leaves no trace."""
        with self._database.writing() as session:
            shown = select(EntryRow.member_id).where(EntryRow.member_id == MemberRow.id).exists()
            mine = delete(MemberRow).where(MemberRow.key == access.digest(key), ~shown)
            session.execute(mine, execution_options={"synchronize_session": False})

    def applaud(self, key: str, number: int) -> None:
        """Applauds an entry of one's class, or takes it back."""
        with self._database.writing() as session:
            member, row = access.member(session, key, self._clock())
            entry = session.get(EntryRow, number)
            if entry is None or entry.class_id != row.id or entry.hidden:
                raise ClassRefused("This is not on the wall any more.")
            mine = session.get(ApplauseRow, (number, member.id))
            if mine is None:
                session.add(ApplauseRow(entry_id=number, member_id=member.id))
            else:
                session.delete(mine)

    def guess(self, key: str, question: str, answer: str) -> None:
        """Records a guess; the first one on a question counts."""
        question, answer = words.tidy(question, 120), words.tidy(answer, 120)
        with self._database.writing() as session:
            member, _ = access.member(session, key, self._clock())
            if session.get(GuessRow, (member.id, question)) is None:
                session.add(GuessRow(member_id=member.id, question=question, answer=answer))

    def own_guesses(self, key: str) -> dict[str, str]:
        """A pupil's guesses, by question."""
        with self._database.reading() as session:
            member, _ = access.member(session, key, self._clock())
            mine = select(GuessRow).where(GuessRow.member_id == member.id)
            return {row.question: row.answer for row in session.scalars(mine)}

    def teacher(self, secret: str) -> Teacher:
        """What a teacher may do with the class of this secret."""
        return Teacher(self._database, secret, self._clock, self.upkeep.sweep)

    @contextmanager
    def _guessing(self, visitor: str) -> Iterator[None]:
        """Counts wrong codes, so that nobody finds a right one by trying.

        Who has not been wrong yet is not held up by others who are.
        """
        self._tries.check(visitor)
        if self._tries.made(visitor):
            self._all_tries.check("all")
        try:
            yield
        except NoSuchClass:
            self._tries.note(visitor)
            self._all_tries.note("all")
            raise

    def _may_show(self, session: Session, key: str) -> tuple[MemberRow, ClassRow]:
        member, row = access.member(session, key, self._clock())
        if row.frozen:
            raise ClassRefused("The teacher has frozen the wall: nothing new goes up for now.")
        wanted = select(func.count(), func.coalesce(func.sum(EntryRow.size), 0))
        count, size = session.execute(wanted.where(EntryRow.class_id == row.id)).one()
        everything = session.scalar(select(func.coalesce(func.sum(EntryRow.size), 0))) or 0
        if count >= MOST_ENTRIES or size >= MOST_CLASS_BYTES or everything >= MOST_BYTES_IN_ALL:
            raise ClassRefused("The wall is full: nothing more fits on it.")
        return member, row
