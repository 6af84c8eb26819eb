"""owner, team, companies, representatives."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import identifier_v1

revision = "thirdparty_0002"
down_revision = "thirdparty_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("thirdparty_thirdparty", sa.Column("representatives", sa.String(length=1000), nullable=True))
    op.add_column(
        "thirdparty_thirdparty",
        sa.Column("owner_id", identifier_v1(), sa.ForeignKey("core_user.id"), nullable=True),
        inline_references=True,
    )
    op.add_column(
        "thirdparty_thirdparty",
        sa.Column("team_id", identifier_v1(), sa.ForeignKey("core_team.id"), nullable=True),
        inline_references=True,
    )
    op.add_column("thirdparty_thirdparty", sa.Column("companies", sa.String(length=1000), nullable=True))
    op.create_index("ix_thirdparty_thirdparty_owner_id", "thirdparty_thirdparty", ["owner_id", "id"], unique=False)
    op.create_index("ix_thirdparty_thirdparty_team_id", "thirdparty_thirdparty", ["team_id", "id"], unique=False)
