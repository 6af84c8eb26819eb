"""Mail: messages, recipients and their fate, files, templates, who wants none."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import identifier_v1

revision = "core_0005"
down_revision = "core_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_mail_content",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_core_mail_content")),
    )
    op.create_table(
        "core_mail_message",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("unique_key", sa.String(length=120), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("sender_name", sa.String(length=120), nullable=True),
        sa.Column("reply_to", sa.String(length=254), nullable=True),
        sa.Column("reply_to_name", sa.String(length=120), nullable=True),
        sa.Column("list_id", sa.String(length=150), nullable=True),
        sa.Column("entity", sa.String(length=80), nullable=True),
        sa.Column("record_id", identifier_v1(), nullable=True),
        sa.Column("owner_id", identifier_v1(), nullable=True),
        sa.Column("owner_name", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=120), nullable=False),
        sa.Column("operation_id", identifier_v1(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_mail_message")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_core_mail_message_unique_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_mail_message_owner", "core_mail_message", ["owner_id", "id"], unique=False)
    op.create_index("ix_core_mail_message_record", "core_mail_message", ["entity", "record_id", "id"], unique=False)
    op.create_table(
        "core_mail_server",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paused_until", sa.Double(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_in_window", sa.Integer(), nullable=False),
        sa.Column("window_start", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_mail_server")),
    )
    op.create_table(
        "core_mail_template",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author_id", identifier_v1(), nullable=True),
        sa.Column("author_name", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_mail_template")),
        sa.UniqueConstraint("entity", "code", "language", name=op.f("uq_core_mail_template_entity_code_language")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "core_suppression",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("user_id", identifier_v1(), nullable=True),
        sa.Column("user_name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_suppression")),
        sa.UniqueConstraint("address_hash", name=op.f("uq_core_suppression_address_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "core_mail_attachment",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("message_id", identifier_v1(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=150), nullable=False),
        sa.Column("content_type", sa.String(length=120), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["core_mail_content.digest"], name=op.f("fk_core_mail_attachment_digest")),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["core_mail_message.id"],
            name=op.f("fk_core_mail_attachment_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_mail_attachment")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_core_mail_attachment_digest"), "core_mail_attachment", ["digest"], unique=False)
    op.create_index(op.f("ix_core_mail_attachment_message_id"), "core_mail_attachment", ["message_id"], unique=False)
    op.create_table(
        "core_mail_recipient",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("message_id", identifier_v1(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("unsubscribe", sa.String(length=500), nullable=True),
        sa.Column("header_id", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("claim", sa.String(length=80), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("last_reply", sa.String(length=500), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["core_mail_message.id"], name=op.f("fk_core_mail_recipient_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_mail_recipient")),
        sa.UniqueConstraint("header_id", name=op.f("uq_core_mail_recipient_header_id")),
        sa.UniqueConstraint("message_id", "address_key", name=op.f("uq_core_mail_recipient_message_id_address_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_core_mail_recipient_address_key"), "core_mail_recipient", ["address_key"], unique=False)
    op.create_index(
        "ix_core_mail_recipient_due", "core_mail_recipient", ["state", "priority", "next_at", "id"], unique=False
    )
