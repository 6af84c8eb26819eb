"""What waited long enough is deleted for good: records in the bin after 30 days (TP-11). Undo cannot bring them back."""

from __future__ import annotations

import datetime

from sqlalchemy import delete, exists, select

from core.data.context import Context
from core.data.links import forget_links
from core.data.records import Record, now
from core.data.references import points_at, references_to, source_of
from core.data.unit import Unit, transaction
from core.features.bin import BIN_DAYS
from core.i18n import ngettext

AT_ONCE = 500
MAXIMUM_PASSES = 20


def purge_bin(context: Context) -> int:
    """Delete what has been in the bin for 30 days and nothing points at; returns how many records went.

    Children go before their parents, in as many passes as that takes. Rows of modules that are off hold what they
    point at; they go when their module is on again.
    """
    before = now() - datetime.timedelta(days=BIN_DAYS)
    total = 0
    for _pass in range(MAXIMUM_PASSES):
        with transaction("bin.purge", context=context) as unit:
            gone = sum(_purge(unit, registered.model, before) for registered in context.registry.entities.values())
            if gone:
                unit.cause = ngettext(
                    "%(number)s record, after %(days)s days in the trash",
                    "%(number)s records, after %(days)s days in the trash",
                    gone, days=BIN_DAYS,
                )  # fmt: skip
                unit.noteworthy = True
        total += gone
        if not gone:
            break
    return total


def _purge(unit: Unit, model: type[Record], before: datetime.datetime) -> int:
    rows = model.__table__
    free = [rows.c.deleted_at < before]
    for reference in references_to(unit.session, model.__tablename__):
        source = source_of(reference).alias("source")
        points = points_at(reference, source, model.entity.name)
        free.append(~exists().where(source.c[reference.source_column] == rows.c.id, *points))
    connection = unit.session.connection()
    ids = list(connection.execute(select(rows.c.id).where(*free).order_by(rows.c.id).limit(AT_ONCE)).scalars())
    if ids:
        connection.execute(delete(model).where(model.id.in_(ids)))
        forget_links(connection, model.__tablename__, ids)
    return len(ids)
