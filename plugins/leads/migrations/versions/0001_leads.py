"""Leads, where third parties were first heard of, and the number of open leads."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import facet_key_v1, identifier_v1, key_v1, record_columns_v1, text_v1

revision = "leads_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLE = "leads_lead"


def upgrade() -> None:
    op.create_table(
        TABLE,
        *record_columns_v1(),
        sa.Column("name", text_v1(128), nullable=False),
        key_v1("name"),
        sa.Column("kind", text_v1(64), nullable=False),
        sa.Column("status", text_v1(64), nullable=False),
        sa.Column("lost_reason", text_v1(200)),
        sa.Column("email", text_v1(254)),
        key_v1("email"),
        sqlite_autoincrement=True,
    )
    for name in ("name_key", "email_key", "status", "created_at"):
        op.create_index(f"ix_{TABLE}_{name}", TABLE, [name, "id"])
    op.create_table("leads_origin", facet_key_v1("thirdparty_thirdparty"), sa.Column("source", text_v1(64)))
    op.create_table(
        "leads_open",
        sa.Column("id", identifier_v1(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False),
    )
