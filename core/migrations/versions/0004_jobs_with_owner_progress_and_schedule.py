"""Jobs with owner, progress and schedule."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1

revision = "core_0004"
down_revision = "core_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_job_schedule",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_core_job_schedule")),
    )
    op.add_column("core_job", sa.Column("owner_id", identifier_v1(), nullable=True))
    op.add_column("core_job", sa.Column("label", sa.String(length=200), nullable=True))
    op.add_column("core_job", sa.Column("lease", sa.String(length=32), nullable=True))
    op.add_column("core_job", sa.Column("handed_at", sa.Double(), nullable=True))
    op.add_column("core_job", sa.Column("started_at", sa.Double(), nullable=True))
    op.add_column("core_job", sa.Column("started_done", sa.Integer(), server_default="0", nullable=False))
    op.add_column("core_job", sa.Column("finished_at", sa.Double(), nullable=True))
    op.add_column("core_job", sa.Column("cursor", document_v1(), nullable=True))
    op.add_column("core_job", sa.Column("step", sa.Integer(), server_default="0", nullable=False))
    op.add_column("core_job", sa.Column("done", sa.Integer(), server_default="0", nullable=False))
    op.add_column("core_job", sa.Column("total", sa.Integer(), nullable=True))
    op.add_column("core_job", sa.Column("errors", sa.Integer(), server_default="0", nullable=False))
    op.add_column("core_job", sa.Column("notes", document_v1(), nullable=True))
    op.add_column("core_job", sa.Column("stop_requested", sa.Boolean(), server_default="0", nullable=False))
    op.add_column("core_job", sa.Column("result", sa.String(length=2000), nullable=True))
    op.add_column("core_job", sa.Column("file", sa.String(length=80), nullable=True))
    op.add_column("core_job", sa.Column("file_name", sa.String(length=200), nullable=True))
    op.add_column("core_job", sa.Column("file_type", sa.String(length=120), nullable=True))
    op.create_index("ix_core_job_owner", "core_job", ["owner_id", "id"], unique=False)
    op.add_column("core_operation", sa.Column("job_id", identifier_v1(), nullable=True))
    op.create_index(op.f("ix_core_operation_job_id"), "core_operation", ["job_id"], unique=False)
