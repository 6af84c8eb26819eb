"""owner, team, companies."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import identifier_v1

revision = "leads_0002"
down_revision = "leads_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "leads_lead",
        sa.Column("owner_id", identifier_v1(), sa.ForeignKey("core_user.id"), nullable=True),
        inline_references=True,
    )
    op.add_column(
        "leads_lead",
        sa.Column("team_id", identifier_v1(), sa.ForeignKey("core_team.id"), nullable=True),
        inline_references=True,
    )
    op.add_column("leads_lead", sa.Column("companies", sa.String(length=1000), nullable=True))
    op.create_index("ix_leads_lead_owner_id", "leads_lead", ["owner_id", "id"], unique=False)
    op.create_index("ix_leads_lead_team_id", "leads_lead", ["team_id", "id"], unique=False)
