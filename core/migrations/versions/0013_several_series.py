"""Several numbering series for one kind of records: which is the default, and what each counts separately."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import text_v1

revision = "core_0013"
down_revision = "core_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("core_series", sa.Column("counted_by", text_v1(64)))
    op.add_column("core_series", sa.Column("is_default", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE core_series SET is_default = true"
        " WHERE id IN (SELECT min(id) FROM core_series WHERE deleted_at IS NULL GROUP BY target)"
    )
