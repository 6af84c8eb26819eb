"""Legal forms are chosen from a list: what people wrote so far becomes part of it, word by word."""

import datetime

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1

revision = "thirdparty_0004"
down_revision = "thirdparty_0003"
branch_labels = None
depends_on = None

TABLE = sa.table("thirdparty_thirdparty", sa.column("id"), sa.column("legal_form"))
ENTRIES = sa.table(
    "core_dictionary", sa.column("dictionary"), sa.column("code"), sa.column("label_en"), sa.column("label_fr"),
    sa.column("tone"), sa.column("position"), sa.column("active", sa.Boolean()), sa.column("removed", sa.Boolean()),
    sa.column("version"), sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("updated_at", sa.DateTime(timezone=True)), sa.column("extra", document_v1()),
)  # fmt: skip
SHIPPED = frozenset(
    "SARL|EURL|SA|SAS|SASU|SNC|SCI|SCP|SELARL|EI|GIE|Association|GmbH|UG|AG|KG|OHG|GmbH & Co. KG|GbR|e.K.|e.V.|"
    "eG|PartG|Ltd|PLC|LLP|LP|CIC|CIO|Partnership|Sole trader|SRL|BV|NV|SC|CV|VOF|SComm|ASBL|VZW|SL|SLU|SLL|"
    "S. Coop.|CB|Autónomo|Fundación|SRLS|SpA|SapA|Soc. coop.|Ditta individuale|Eenmanszaak|Maatschap|"
    "Coöperatie|Stichting|Vereniging|Sàrl|Genossenschaft|Verein|Stiftung|Raison individuelle|LLC|Inc.|Corp.|"
    "PLLC|PC|Sole proprietorship".split("|")
)
"""They come with the module, with their countries."""


def upgrade() -> None:
    connection = op.get_bind()
    written = sa.select(TABLE.c.legal_form).where(TABLE.c.legal_form.is_not(None)).distinct()
    texts = sorted(set(connection.execute(written).scalars()) - SHIPPED)
    moment = datetime.datetime.now(datetime.UTC)
    rows = []
    for position, text in enumerate(texts):
        code = text
        if not any(one.isalnum() for one in text):  # a code must have a letter or a digit
            code = f"form-{position}"
            connection.execute(sa.update(TABLE).where(TABLE.c.legal_form == text).values(legal_form=code))
        rows.append(
            {
                "dictionary": "legal_form", "code": code, "label_en": text, "label_fr": text, "tone": "neutral",
                "position": position, "active": True, "removed": False, "version": 1, "created_at": moment,
                "updated_at": moment, "extra": {},
            }
        )  # fmt: skip
    if rows:
        connection.execute(sa.insert(ENTRIES), rows)
