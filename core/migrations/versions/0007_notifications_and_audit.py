"""Notifications and how people want them; the audit, in which the database changes and deletes nothing (A71)."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1

revision = "core_0007"
down_revision = "core_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_audit",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=True),
        sa.Column("user_name", sa.String(length=120), nullable=False),
        sa.Column("what", sa.String(length=500), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=True),
        sa.Column("record_id", identifier_v1(), nullable=True),
        sa.Column("operation_id", identifier_v1(), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_audit_kind", "core_audit", ["kind", "id"], unique=False)
    op.create_index("ix_core_audit_user", "core_audit", ["user_id", "id"], unique=False)
    op.create_table(
        "core_notification",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", document_v1(), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=True),
        sa.Column("record_id", identifier_v1(), nullable=True),
        sa.Column("job_id", identifier_v1(), nullable=True),
        sa.Column("message_id", identifier_v1(), nullable=True),
        sa.Column("operation_id", identifier_v1(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_notification")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_notification_created_at", "core_notification", ["created_at"], unique=False)
    op.create_index("ix_core_notification_unread", "core_notification", ["user_id", "read_at"], unique=False)
    op.create_index("ix_core_notification_user", "core_notification", ["user_id", "id"], unique=False)
    op.create_table(
        "core_notification_choice",
        sa.Column("user_id", identifier_v1(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("bell", sa.Boolean(), nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind", name=op.f("pk_core_notification_choice")),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for verb in ("UPDATE", "DELETE"):
        head = f"CREATE TRIGGER core_audit_no_{verb.lower()} BEFORE {verb} ON core_audit "
        if sqlite:
            op.execute(f"{head} BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END")
        else:  # the function of core_0002, which says that history is append-only
            op.execute(f"{head} FOR EACH ROW EXECUTE FUNCTION core_append_only()")
    if not sqlite:
        op.execute(
            "CREATE TRIGGER core_audit_no_truncate BEFORE TRUNCATE ON core_audit EXECUTE FUNCTION core_append_only()"
        )
