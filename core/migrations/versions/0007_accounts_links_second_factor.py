"""accounts links second factor."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import identifier_v1

revision = "core_0007"
down_revision = "core_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_account_token",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=False),
        sa.Column("binding", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_account_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_account_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_account_token_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_core_account_token_expires_at"), "core_account_token", ["expires_at"], unique=False)
    op.create_index(op.f("ix_core_account_token_user_id"), "core_account_token", ["user_id"], unique=False)
    op.create_table(
        "core_recovery_code",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_recovery_code_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_recovery_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_core_recovery_code_user_id"), "core_recovery_code", ["user_id"], unique=False)
    op.create_table(
        "core_second_factor",
        sa.Column("user_id", identifier_v1(), autoincrement=False, nullable=False),
        sa.Column("sealed_seed", sa.String(length=400), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_second_factor_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_core_second_factor")),
    )
    op.add_column("core_sign_in", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
