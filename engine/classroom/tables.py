"""The tables of the database: classes, who is in them, and what they have shown."""

from typing import Any, ClassVar

from sqlalchemy import JSON, Double, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables; `migrations` brings a database to this state."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {float: Double}


def _belongs_to(table: str) -> Mapped[int]:
    """A row that goes when the row it belongs to goes."""
    return mapped_column(ForeignKey(f"{table}.id", ondelete="CASCADE"), index=True)


class ClassRow(Base):
    """A class: `teacher` is a digest of the teacher's secret. Times are seconds since 1970."""

    __tablename__ = "classes"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(80), unique=True)
    teacher: Mapped[str] = mapped_column(String(64), unique=True)
    opened: Mapped[float]
    ends: Mapped[float] = mapped_column(index=True)
    frozen: Mapped[bool] = mapped_column(default=False)
    task: Mapped[str] = mapped_column(String(1000), default="")


class MemberRow(Base):
    """A pupil: `key` is a digest of the secret that the pupil's tab keeps."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("class_id", "folded_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int] = _belongs_to("classes")
    name: Mapped[str] = mapped_column(String(40))
    folded_name: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(64), unique=True)
    page: Mapped[str] = mapped_column(String(40), default="")
    joined: Mapped[float]
    seen: Mapped[float]


class EntryRow(Base):
    """Something shown: `still` and `film` name files of pictures, `size` is theirs in bytes."""

    __tablename__ = "entries"
    __table_args__ = (Index("entries_of_a_class", "class_id", "kind", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int] = _belongs_to("classes")
    member_id: Mapped[int] = _belongs_to("members")
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    caption: Mapped[str] = mapped_column(String(120), default="")
    made: Mapped[float]
    hidden: Mapped[bool] = mapped_column(default=False)
    link: Mapped[str] = mapped_column(String(1000))
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    score: Mapped[float]
    still: Mapped[str] = mapped_column(String(80), default="")
    film: Mapped[str] = mapped_column(String(80), default="")
    size: Mapped[int] = mapped_column(default=0)


class ApplauseRow(Base):
    """One member's applause for one entry."""

    __tablename__ = "applause"

    entry_id: Mapped[int] = mapped_column(
        ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True
    )
    member_id: Mapped[int] = mapped_column(
        ForeignKey("members.id", ondelete="CASCADE"), primary_key=True
    )


class GuessRow(Base):
    """One member's guess on one screen; the first one counts."""

    __tablename__ = "guesses"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("members.id", ondelete="CASCADE"), primary_key=True
    )
    question: Mapped[str] = mapped_column(String(120), primary_key=True)
    answer: Mapped[str] = mapped_column(String(120))
