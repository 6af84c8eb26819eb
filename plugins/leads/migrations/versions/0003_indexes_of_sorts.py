"""Every column that lists show is sorted by an index."""

from alembic import op

revision = "leads_0003"
down_revision = "leads_0002"
branch_labels = None
depends_on = None

TABLE = "leads_lead"


def upgrade() -> None:
    for name in ("updated_at", "kind"):
        op.create_index(f"ix_{TABLE}_{name}", TABLE, [name, "id"])
    op.create_index("ix_leads_origin_source", "leads_origin", ["source", "record_id"])
