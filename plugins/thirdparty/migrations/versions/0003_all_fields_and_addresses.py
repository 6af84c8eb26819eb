"""All fields of a third party, and its addresses."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1, text_v1

revision = "thirdparty_0003"
down_revision = "thirdparty_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "thirdparty_address",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("label", text_v1(80), nullable=True),
        sa.Column("street", text_v1(255), nullable=True),
        sa.Column("postal_code", text_v1(25), nullable=True),
        sa.Column("town", text_v1(80), nullable=True),
        sa.Column("region", text_v1(80), nullable=True),
        sa.Column("country", text_v1(2), nullable=True),
        sa.Column("phone", text_v1(32), nullable=True),
        sa.Column("note", text_v1(20000), nullable=True),
        sa.Column("billing", sa.Boolean(), nullable=False),
        sa.Column("delivery", sa.Boolean(), nullable=False),
        sa.Column("default", sa.Boolean(), nullable=False),
        sa.Column("owner_entity", text_v1(80), nullable=False),
        sa.Column("owner_id", identifier_v1(), nullable=False),
        sa.Column("author_id", identifier_v1(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extra", document_v1(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thirdparty_address")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_thirdparty_address_created_at", "thirdparty_address", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_thirdparty_address_owner", "thirdparty_address", ["owner_entity", "owner_id", "id"], unique=False
    )
    op.add_column("thirdparty_thirdparty", sa.Column("alias", text_v1(128), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("kind", text_v1(64), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("first_name", text_v1(63), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("last_name", text_v1(64), nullable=True))
    op.add_column(
        "thirdparty_thirdparty",
        sa.Column("parent_id", identifier_v1(), sa.ForeignKey("thirdparty_thirdparty.id"), nullable=True),
        inline_references=True,
    )
    op.add_column("thirdparty_thirdparty", sa.Column("email_domain", sa.String(length=255), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("website_domain", sa.String(length=255), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("mobile", text_v1(32), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("fax", text_v1(32), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("profiles", text_v1(2000), nullable=True))
    op.add_column(
        "thirdparty_thirdparty", sa.Column("do_not_call", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column(
        "thirdparty_thirdparty", sa.Column("do_not_mail", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("thirdparty_thirdparty", sa.Column("street", text_v1(255), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("postal_code", text_v1(25), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("region", text_v1(80), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("registration", text_v1(32), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("establishment", text_v1(32), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("activity_code", text_v1(16), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("vat_number", text_v1(32), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("legal_form", text_v1(60), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("capital", sa.BigInteger(), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("workforce", sa.BigInteger(), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("language", text_v1(3), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("currency", text_v1(3), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("payment_terms", text_v1(64), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("thirdparty_thirdparty", sa.Column("alias_key", text_v1(255), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("mobile_key", text_v1(255), nullable=True))
    op.add_column("thirdparty_thirdparty", sa.Column("vat_number_key", text_v1(255), nullable=True))
    op.create_index("ix_thirdparty_thirdparty_alias_key", "thirdparty_thirdparty", ["alias_key", "id"], unique=False)
    op.create_index(
        "ix_thirdparty_thirdparty_email_domain", "thirdparty_thirdparty", ["email_domain", "id"], unique=False
    )
    op.create_index("ix_thirdparty_thirdparty_mobile_key", "thirdparty_thirdparty", ["mobile_key", "id"], unique=False)
    op.create_index("ix_thirdparty_thirdparty_parent_id", "thirdparty_thirdparty", ["parent_id", "id"], unique=False)
    op.create_index(
        "ix_thirdparty_thirdparty_postal_code", "thirdparty_thirdparty", ["postal_code", "id"], unique=False
    )
    op.create_index(
        "ix_thirdparty_thirdparty_vat_number_key", "thirdparty_thirdparty", ["vat_number_key", "id"], unique=False
    )
    op.create_index(
        "ix_thirdparty_thirdparty_website_domain", "thirdparty_thirdparty", ["website_domain", "id"], unique=False
    )
    op.execute(
        "UPDATE thirdparty_thirdparty SET email_domain = email_key,"
        " website_domain = lower(replace(replace(replace(website, 'https://', ''), 'http://', ''), 'www.', ''))"
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "UPDATE thirdparty_thirdparty SET email_domain = substr(email_domain, instr(email_domain, '@') + 1),"
            " website_domain = substr(website_domain, 1, instr(website_domain || '/', '/') - 1)"
        )
    else:
        op.execute(
            "UPDATE thirdparty_thirdparty SET email_domain = split_part(email_domain, '@', 2),"
            " website_domain = split_part(website_domain, '/', 1)"
        )
