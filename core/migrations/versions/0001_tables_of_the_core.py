"""Tables of the core."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1, text_v1

revision = "core_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_custom_field",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=41), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("labels", document_v1(), nullable=False),
        sa.Column("options", document_v1(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_custom_field")),
        sa.UniqueConstraint("entity", "code", name=op.f("uq_core_custom_field_entity_code")),
    )
    op.create_table(
        "core_dictionary",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("dictionary", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("labels", document_v1(), nullable=False),
        sa.Column("tone", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_dictionary")),
        sa.UniqueConstraint("dictionary", "code", name=op.f("uq_core_dictionary_dictionary_code")),
    )
    op.create_table(
        "core_incident",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("hook", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.String(length=2000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_incident")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_incident_plugin", "core_incident", ["plugin", "id"], unique=False)
    op.create_table(
        "core_job",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("payload", document_v1(), nullable=False),
        sa.Column("unique_key", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_at", sa.Double(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("error", sa.String(length=2000), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_job")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_core_job_unique_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_job_ready", "core_job", ["state", "run_at"], unique=False)
    op.create_table(
        "core_operation",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", identifier_v1(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("cause", sa.String(length=500), nullable=True),
        sa.Column("undo_of", identifier_v1(), nullable=True),
        sa.ForeignKeyConstraint(["undo_of"], ["core_operation.id"], name=op.f("fk_core_operation_undo_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_operation")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_operation_actor", "core_operation", ["actor_id", "id"], unique=False)
    op.create_index(op.f("ix_core_operation_undo_of"), "core_operation", ["undo_of"], unique=False)
    op.create_table(
        "core_plugin",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("migrations", sa.String(length=64), nullable=False),
        sa.Column("set_aside", sa.String(length=2000), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_core_plugin")),
    )
    op.create_table(
        "core_reference",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("source_table", sa.String(length=80), nullable=False),
        sa.Column("source_column", sa.String(length=80), nullable=False),
        sa.Column("target_table", sa.String(length=80), nullable=False),
        sa.Column("on_merge", sa.String(length=20), nullable=False),
        sa.Column("on_delete", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_reference")),
        sa.UniqueConstraint("source_table", "source_column", name=op.f("uq_core_reference_source_table_source_column")),
    )
    op.create_index(op.f("ix_core_reference_plugin"), "core_reference", ["plugin"], unique=False)
    op.create_index(op.f("ix_core_reference_target_table"), "core_reference", ["target_table"], unique=False)
    op.create_table(
        "core_series",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("name", text_v1(80), nullable=False),
        sa.Column("target", text_v1(80), nullable=False),
        sa.Column("mask", text_v1(64), nullable=False),
        sa.Column("name_key", text_v1(255), nullable=True),
        sa.Column("target_key", text_v1(255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extra", document_v1(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_series")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_series_created_at", "core_series", ["created_at", "id"], unique=False)
    op.create_index("ix_core_series_name_key", "core_series", ["name_key", "id"], unique=False)
    op.create_index("ix_core_series_target", "core_series", ["target"], unique=False)
    op.create_index("ix_core_series_target_key", "core_series", ["target_key", "id"], unique=False)
    op.create_table(
        "core_setting",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_core_setting")),
    )
    op.create_table(
        "core_sign_in_failure",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_sign_in_failure")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_sign_in_failure_at", "core_sign_in_failure", ["at"], unique=False)
    op.create_index(op.f("ix_core_sign_in_failure_scope"), "core_sign_in_failure", ["scope"], unique=False)
    op.create_table(
        "core_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_state")),
    )
    op.create_table(
        "core_submission",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=True),
        sa.Column("operation_id", identifier_v1(), nullable=True),
        sa.Column("location", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_core_submission")),
    )
    op.create_index(op.f("ix_core_submission_at"), "core_submission", ["at"], unique=False)
    op.create_table(
        "core_user",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("login_key", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("region", sa.String(length=8), nullable=True),
        sa.Column("timezone", sa.String(length=60), nullable=True),
        sa.Column("theme", sa.String(length=8), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_user")),
        sa.UniqueConstraint("login_key", name=op.f("uq_core_user_login_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "core_change",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("operation_id", identifier_v1(), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=False),
        sa.Column("record_id", identifier_v1(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("fields", document_v1(), nullable=False),
        sa.Column("moved", document_v1(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["operation_id"], ["core_operation.id"], name=op.f("fk_core_change_operation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_change")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_core_change_operation_id"), "core_change", ["operation_id"], unique=False)
    op.create_index("ix_core_change_record", "core_change", ["entity", "record_id", "id"], unique=False)
    op.create_table(
        "core_change_value",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("operation_id", identifier_v1(), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=False),
        sa.Column("record_id", identifier_v1(), nullable=False),
        sa.Column("field", sa.String(length=120), nullable=False),
        sa.Column("old", sa.String(), nullable=True),
        sa.Column("new", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["core_operation.id"], name=op.f("fk_core_change_value_operation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_change_value")),
        sa.UniqueConstraint(
            "operation_id",
            "entity",
            "record_id",
            "field",
            name=op.f("uq_core_change_value_operation_id_entity_record_id_field"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "core_counter",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("series_id", identifier_v1(), nullable=False),
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["core_series.id"], name=op.f("fk_core_counter_series_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_counter")),
        sa.UniqueConstraint("series_id", "scope", "period", name=op.f("uq_core_counter_series_id_scope_period")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "core_sign_in",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_sign_in_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_sign_in")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_sign_in_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_core_sign_in_user_id"), "core_sign_in", ["user_id"], unique=False)
