"""Refusals are found by their address too, not by the keyed hash alone; mails know when what they say ends."""

import sqlalchemy as sa
from alembic import op

revision = "core_0009"
down_revision = "core_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("core_suppression", sa.Column("person", sa.String(length=254), nullable=True))
    op.create_index("ix_core_suppression_person", "core_suppression", ["person"], unique=False)
    op.add_column("core_mail_message", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_core_mail_message_created_at", "core_mail_message", ["created_at"], unique=False)
    op.create_index("ix_core_mail_message_expires_at", "core_mail_message", ["expires_at"], unique=False)
    _fill_in()


def _fill_in() -> None:
    """What addresses that are kept are compared by: in lower case, without `+tag` (as `person_key` does it today)."""
    table = sa.table("core_suppression", sa.column("id"), sa.column("address"), sa.column("person"))
    connection = op.get_bind()
    kept = connection.execute(sa.select(table.c.id, table.c.address).where(table.c.address.is_not(None))).all()
    for number, address in kept:
        local, _at, domain = address.lower().rpartition("@")
        person = f"{local.partition('+')[0] or local}@{domain}"
        connection.execute(table.update().where(table.c.id == number).values(person=person))
