"""The ids a field of one record holds are found by an index: with two equal columns SQLite took the key of the table."""

from alembic import op

revision = "core_0018"
down_revision = "core_0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_core_link_record", "core_link")
    op.create_index("ix_core_link_record", "core_link", ["record_id", "source_table", "source_column"])
