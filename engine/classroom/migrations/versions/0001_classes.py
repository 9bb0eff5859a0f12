"""Classes, members, entries, applause and guesses."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = depends_on = None


def _belongs_to(column: str, table: str, *, primary: bool = False) -> sa.Column:
    key = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(
        column, sa.Integer, key, nullable=False, primary_key=primary, index=not primary
    )


def upgrade() -> None:
    op.create_table(
        "classes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String(80), nullable=False, unique=True),
        sa.Column("teacher", sa.String(64), nullable=False, unique=True),
        sa.Column("opened", sa.Double, nullable=False),
        sa.Column("ends", sa.Double, nullable=False, index=True),
        sa.Column("frozen", sa.Boolean, nullable=False),
        sa.Column("task", sa.String(1000), nullable=False),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Integer, primary_key=True),
        _belongs_to("class_id", "classes"),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("folded_name", sa.String(80), nullable=False),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("page", sa.String(40), nullable=False),
        sa.Column("joined", sa.Double, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.UniqueConstraint("class_id", "folded_name"),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.Integer, primary_key=True),
        _belongs_to("class_id", "classes"),
        _belongs_to("member_id", "members"),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("caption", sa.String(120), nullable=False),
        sa.Column("made", sa.Double, nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("link", sa.String(1000), nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("still", sa.String(80), nullable=False),
        sa.Column("film", sa.String(80), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Index("entries_of_a_class", "class_id", "kind", "id"),
    )
    op.create_table(
        "applause",
        _belongs_to("entry_id", "entries", primary=True),
        _belongs_to("member_id", "members", primary=True),
    )
    op.create_table(
        "guesses",
        _belongs_to("member_id", "members", primary=True),
        sa.Column("question", sa.String(120), primary_key=True),
        sa.Column("answer", sa.String(120), nullable=False),
    )


def downgrade() -> None:
    for table in ("guesses", "applause", "entries", "members", "classes"):
        op.drop_table(table)
