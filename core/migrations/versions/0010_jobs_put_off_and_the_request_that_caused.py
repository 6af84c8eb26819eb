"""jobs put off, and the request that caused them."""

import sqlalchemy as sa
from alembic import op

revision = "core_0010"
down_revision = "core_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("core_job", sa.Column("put_off", sa.Integer(), server_default="0", nullable=False))
    op.add_column("core_job", sa.Column("request_id", sa.String(length=32), nullable=True))
