"""What each person chose about the pages."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1

revision = "core_0016"
down_revision = "core_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("core_user", sa.Column("preferences", document_v1(), nullable=True))
