"""The values of lists become records: history, undo, icon, order, open or closed, removed."""

import datetime

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, record_columns_v1, text_v1

revision = "core_0017"
down_revision = "core_0016"
branch_labels = None
depends_on = None

TABLE = "core_dictionary"
OLD = sa.table(
    TABLE, sa.column("id"), sa.column("dictionary"), sa.column("code"), sa.column("labels", document_v1()),
    sa.column("tone"), sa.column("position"),
)  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.select(OLD).order_by(OLD.c.id)).mappings().all()
    op.drop_table(TABLE)  # SQLite gives numbers that never come back only to tables made so
    made = op.create_table(
        TABLE,
        *record_columns_v1(),
        sa.Column("dictionary", text_v1(80), nullable=False),
        sa.Column("code", text_v1(60), nullable=False),
        sa.Column("label_en", text_v1(80), nullable=False),
        sa.Column("label_fr", text_v1(80)),
        sa.Column("tone", text_v1(64), nullable=False),
        sa.Column("icon", text_v1(64)),
        sa.Column("countries", text_v1(200)),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("replaced_by", text_v1(60)),
        sa.UniqueConstraint("dictionary", "code", name=op.f("uq_core_dictionary_dictionary_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{TABLE}_created_at", TABLE, ["created_at", "id"])
    moment = datetime.datetime.now(datetime.UTC)
    kept = [
        {
            "dictionary": row["dictionary"], "code": row["code"], "tone": row["tone"], "position": row["position"],
            "label_en": row["labels"].get("en") or row["code"], "label_fr": row["labels"].get("fr"),
            "active": True, "removed": False, "version": 1, "created_at": moment, "updated_at": moment, "extra": {},
        }
        for row in rows
    ]  # fmt: skip
    if kept:
        connection.execute(sa.insert(made), kept)
