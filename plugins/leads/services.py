"""What can be done with leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.api import Change, JobRun, Record, Unit, Veto, lazy as _
from plugins.leads.models import Lead, OpenLeads
from plugins.thirdparty.api import Likeness, ThirdParty, find_alike

CLOSED = ("qualified", "lost")
THE_ROW = 1
SHOWN_IN_PANEL = 5


def refuse_loss_without_reason(changes: Sequence[Change]) -> None:
    """A lead is lost for a reason (LE-2), whichever road it takes."""
    for change in changes:
        if change.entity == "lead" and change.became("status", "lost") and not change["lost_reason"]:
            raise Veto(
                _("Say why %(name)s is lost: fill in the reason for loss", name=change.title),
                change=change,
                field="lost_reason",
            )


def recount(unit: Unit) -> None:
    """Count open leads anew; repeating it does no harm."""
    number = unit.session.scalar(select(func.count()).select_from(Lead).where(Lead.status.not_in(CLOSED)))
    row = unit.session.get(OpenLeads, THE_ROW) or OpenLeads(id=THE_ROW)
    row.number = number or 0
    unit.session.add(row)


def recount_daily(job: JobRun) -> None:
    """Mend the count, whatever went past it in between."""
    with job.step("leads.recount") as step:
        recount(step.unit)
        step.finish()


def open_leads(session: Session) -> int:
    """The number the worker counted last."""
    table = OpenLeads.__table__
    return session.connection().execute(select(table.c.number).where(table.c.id == THE_ROW)).scalar() or 0


def same_address(session: Session, record: Record) -> Mapping[str, Any]:
    """Leads with the e-mail address of a third party, for its panel."""
    email = cast(ThirdParty, record).email
    found = session.scalars(select(Lead).where(Lead.email == email).limit(SHOWN_IN_PANEL)).all() if email else []
    return {"leads": found}


def third_parties_like(session: Session, record: Record) -> Mapping[str, Any]:
    """Third parties that may be the same as a lead, for its tab."""
    return {"found": _alike(session, record)}


def count_third_parties_like(session: Session, record: Record) -> int:
    """How many the tab shows."""
    return len(_alike(session, record))


def _alike(session: Session, record: Record) -> Sequence[Likeness]:
    lead = cast(Lead, record)
    return find_alike(session, name=lead.name, email=lead.email)
