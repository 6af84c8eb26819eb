"""Roles teams and companies."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import identifier_v1

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_company",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_company")),
        sa.UniqueConstraint("name", name=op.f("uq_core_company_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "core_link",
        sa.Column("source_table", sa.String(length=80), nullable=False),
        sa.Column("source_column", sa.String(length=80), nullable=False),
        sa.Column("target_id", identifier_v1(), autoincrement=False, nullable=False),
        sa.Column("record_id", identifier_v1(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("source_table", "source_column", "target_id", "record_id", name=op.f("pk_core_link")),
    )
    op.create_index("ix_core_link_record", "core_link", ["source_table", "record_id"], unique=False)
    op.create_table(
        "core_role",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=True),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_core_role")),
    )
    op.create_table(
        "core_role_right",
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("permission", sa.String(length=120), nullable=False),
        sa.Column("reach", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("role", "permission", name=op.f("pk_core_role_right")),
    )
    op.create_table(
        "core_team",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_team")),
        sa.UniqueConstraint("name", name=op.f("uq_core_team_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "core_company_member",
        sa.Column("company_id", identifier_v1(), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["core_company.id"], name=op.f("fk_core_company_member_company_id")),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_company_member_user_id")),
        sa.PrimaryKeyConstraint("company_id", "user_id", name=op.f("pk_core_company_member")),
    )
    op.create_index(op.f("ix_core_company_member_user_id"), "core_company_member", ["user_id"], unique=False)
    op.create_table(
        "core_team_member",
        sa.Column("team_id", identifier_v1(), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["core_team.id"], name=op.f("fk_core_team_member_team_id")),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_team_member_user_id")),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_core_team_member")),
    )
    op.create_index(op.f("ix_core_team_member_user_id"), "core_team_member", ["user_id"], unique=False)
    # References inline: SQLite would have to copy the table otherwise, and drop what cascades from it.
    op.add_column(
        "core_user", sa.Column("supervisor_id", identifier_v1(), sa.ForeignKey("core_user.id")), inline_references=True
    )
    op.add_column(
        "core_user", sa.Column("company_id", identifier_v1(), sa.ForeignKey("core_company.id")), inline_references=True
    )
    op.create_index("ix_core_user_supervisor_id", "core_user", ["supervisor_id"])
