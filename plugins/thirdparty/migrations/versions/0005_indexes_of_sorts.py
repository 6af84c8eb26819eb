"""Every column that lists show is sorted by an index."""

from alembic import op

revision = "thirdparty_0005"
down_revision = "thirdparty_0004"
branch_labels = None
depends_on = None

TABLE = "thirdparty_thirdparty"


def upgrade() -> None:
    for name in ("updated_at", "role", "potential"):
        op.create_index(f"ix_{TABLE}_{name}", TABLE, [name, "id"])
