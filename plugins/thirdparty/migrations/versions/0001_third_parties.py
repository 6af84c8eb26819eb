"""Third parties."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import key_v1, record_columns_v1, text_v1

revision = "thirdparty_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLE = "thirdparty_thirdparty"


def upgrade() -> None:
    op.create_table(
        TABLE,
        *record_columns_v1(),
        sa.Column("name", text_v1(128), nullable=False),
        key_v1("name"),
        sa.Column("role", text_v1(64), nullable=False),
        sa.Column("code", text_v1(32), nullable=False),
        key_v1("code"),
        sa.Column("contact_status", text_v1(64), nullable=False),
        sa.Column("potential", text_v1(64)),
        sa.Column("customer_since", sa.Date()),
        sa.Column("email", text_v1(254)),
        key_v1("email"),
        sa.Column("phone", text_v1(32)),
        key_v1("phone"),
        sa.Column("website", text_v1(255)),
        sa.Column("town", text_v1(80)),
        key_v1("town"),
        sa.Column("country", text_v1(2)),
        sqlite_autoincrement=True,
    )
    for name in (
        "name_key",
        "code_key",
        "email_key",
        "phone_key",
        "town_key",
        "contact_status",
        "country",
        "created_at",
    ):
        op.create_index(f"ix_{TABLE}_{name}", TABLE, [name, "id"])
    live = sa.text("deleted_at IS NULL")
    op.create_index(f"uq_{TABLE}_code", TABLE, ["code"], unique=True, sqlite_where=live, postgresql_where=live)
