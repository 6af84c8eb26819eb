"""Boxes, labels, marks and the tally."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import facet_key_v1, identifier_v1, instant_v1, key_v1, record_columns_v1, text_v1

revision = "probe_0001"
down_revision = None


def _link(name, table):
    return sa.Column(name, identifier_v1(), sa.ForeignKey(f"{table}.id"))


def upgrade():
    op.create_table(
        "probe_box",
        *record_columns_v1(),
        sa.Column("name", text_v1(40), nullable=False),
        key_v1("name"),
        sa.Column("serial", text_v1(20)),
        sa.Column("number", sa.BigInteger()),
        sa.Column("price", sa.BigInteger()),
        sa.Column("weight", sa.BigInteger()),
        sa.Column("day", sa.Date()),
        sa.Column("at", instant_v1()),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("state", text_v1(64), nullable=False),
        sa.Column("notes", text_v1()),
        sa.Column("owner", text_v1(254)),
        _link("keeper", "thirdparty_thirdparty"),
        _link("hint", "thirdparty_thirdparty"),
        _link("home", "thirdparty_thirdparty"),
        _link("inside", "probe_box"),
        sqlite_autoincrement=True,
    )
    live = sa.text("deleted_at IS NULL")
    op.create_index(
        "uq_probe_box_serial", "probe_box", ["serial"], unique=True, sqlite_where=live, postgresql_where=live
    )
    op.create_table(
        "probe_label",
        *record_columns_v1(),
        sa.Column("person", text_v1(80), nullable=False),
        key_v1("person"),
        sa.Column("box", identifier_v1(), sa.ForeignKey("probe_box.id"), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "probe_mark",
        facet_key_v1("thirdparty_thirdparty"),
        sa.Column("points", sa.BigInteger()),
        sa.Column("remark", text_v1(80)),
        key_v1("remark"),
    )
    op.create_index("ix_probe_mark_remark_key", "probe_mark", ["remark_key", "record_id"])
    op.create_table(
        "probe_tally",
        sa.Column("id", identifier_v1(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False),
    )
