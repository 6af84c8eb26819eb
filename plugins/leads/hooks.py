"""Where leads meet the core; each line delegates."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from core.api import Change, Facet, Job, MenuItem, Panel, Record, Tab, Unit, Widget, hookimpl, lazy as _
from plugins.leads import demo, services
from plugins.leads.models import Lead, Origin


@hookimpl
def entities() -> Iterable[type[Record]]:
    return [Lead]


@hookimpl
def entity_fields(entity: str) -> Iterable[type[Facet]]:
    return [Origin] if entity == "thirdparty" else []


@hookimpl
def menus() -> Iterable[MenuItem]:
    yield MenuItem(
        _("Leads"), "records.index", {"entity": "lead"}, group="sales", order=10, icon="address-book",
        counter=services.open_leads, key="l",
    )  # fmt: skip


@hookimpl
def jobs() -> Iterable[Job]:
    yield Job("leads.recount", _("Count open leads"), services.recount_daily, every=datetime.timedelta(days=1))


@hookimpl
def panels(entity: str) -> Iterable[Panel]:
    if entity == "thirdparty":
        yield Panel("leads", _("Leads"), "leads/panel.html", services.same_address, permission="lead.view")


@hookimpl
def tabs(entity: str) -> Iterable[Tab]:
    if entity == "lead":
        yield Tab(
            "thirdparties", _("Third parties"), "leads/thirdparties.html", services.third_parties_like,
            count=services.count_third_parties_like, permission="thirdparty.view",
        )  # fmt: skip


@hookimpl
def widgets() -> Iterable[Widget]:
    yield Widget("status", _("Leads by status"), "lead", by="status", order=20)


@hookimpl
def records_changing(changes: Sequence[Change]) -> None:
    services.refuse_loss_without_reason(changes)


@hookimpl
def changes_committed(changes: Sequence[Change], unit: Unit) -> None:
    if any(change.entity == "lead" for change in changes):
        services.recount(unit)


@hookimpl
def module_enabled(unit: Unit) -> None:
    services.recount(unit)


@hookimpl
def demo_data(unit: Unit) -> None:
    demo.fill(unit)
