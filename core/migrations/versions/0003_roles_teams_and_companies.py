"""roles, teams and companies."""

import unicodedata

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1, instant_v1, text_v1

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_company",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("name", text_v1(128), nullable=False),
        sa.Column("name_key", text_v1(255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extra", document_v1(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_company")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_company_created_at", "core_company", ["created_at", "id"], unique=False)
    op.create_index("ix_core_company_name_key", "core_company", ["name_key", "id"], unique=False)
    op.create_index(
        "uq_core_company_name",
        "core_company",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
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
        sa.Column("name", text_v1(80), nullable=False),
        sa.Column("name_key", text_v1(255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extra", document_v1(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_team")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_team_created_at", "core_team", ["created_at", "id"], unique=False)
    op.create_index("ix_core_team_name_key", "core_team", ["name_key", "id"], unique=False)
    op.create_index(
        "uq_core_team_name",
        "core_team",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    _people_become_records()


def _people_become_records() -> None:
    """Accounts get what every record has. Columns are added, never the table copied: sign-ins point at it."""
    for column in (
        sa.Column("supervisor_id", identifier_v1(), sa.ForeignKey("core_user.id")),
        sa.Column("teams", sa.String(length=1000)),
        sa.Column("companies", sa.String(length=1000)),
        sa.Column("company_id", identifier_v1(), sa.ForeignKey("core_company.id")),
        sa.Column("name_key", text_v1(255)),
        sa.Column("email_key", text_v1(255)),
        sa.Column("updated_at", instant_v1(), nullable=False, server_default="1970-01-01 00:00:00"),
        sa.Column("deleted_at", instant_v1()),
        sa.Column("extra", document_v1(), nullable=False, server_default="{}"),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
    ):
        op.add_column("core_user", column, inline_references=True)
    op.alter_column("core_user", "role", new_column_name="role_before")
    op.add_column("core_user", sa.Column("role", text_v1(64), nullable=False, server_default="user"))
    users = sa.table("core_user", *map(sa.column, ("id", "name", "email", "name_key", "email_key")))
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE core_user SET role = role_before, updated_at = created_at"))
    for user in connection.execute(sa.select(users.c.id, users.c.name, users.c.email)).all():
        letters = unicodedata.normalize("NFKD", user.name.casefold())
        folded = "".join(letter for letter in letters if not unicodedata.combining(letter))
        keys = {"name_key": folded, "email_key": user.email.lower()}
        connection.execute(users.update().where(users.c.id == user.id).values(keys))
    op.drop_column("core_user", "role_before")
    for name in ("created_at", "email_key", "name_key", "supervisor_id", "company_id"):
        op.create_index(f"ix_core_user_{name}", "core_user", [name, "id"])
