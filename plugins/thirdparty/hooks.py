"""Where third parties meet the core; each line delegates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Blueprint
from sqlalchemy.orm import Session

from core.api import (
    Action,
    Change,
    Check,
    CheckResult,
    Command,
    MenuItem,
    Panel,
    Record,
    Unit,
    Veto,
    Widget,
    hookimpl,
    lazy as _,
    work_under_way,
)
from plugins.thirdparty import demo, services, views
from plugins.thirdparty.models import Address, ThirdParty


@hookimpl
def entities() -> Iterable[type[Record]]:
    return [ThirdParty, Address]


@hookimpl
def menus() -> Iterable[MenuItem]:
    yield MenuItem(_("Third parties"), "records.index", {"entity": "thirdparty"}, order=10, icon="building", key="t")
    yield MenuItem(
        _("Prospects"),
        "records.index",
        {"entity": "thirdparty", "view": "prospects"},
        order=11,
        icon="target-arrow",
        key="p",
    )
    yield MenuItem(
        _("Customers"), "records.index", {"entity": "thirdparty", "view": "customers"}, order=12, icon="users"
    )


@hookimpl
def blueprints() -> Iterable[Blueprint]:
    yield views.blueprint


@hookimpl
def actions(entity: str) -> Iterable[Action]:
    if entity == "thirdparty":
        yield Action(
            "convert", _("Convert to customer"), "thirdparty.edit",
            verb=services.promote_to_customer, only=("role", ("prospect",)), icon="user",
            where=("sheet", "list", "bulk"), shortcut="o",
        )  # fmt: skip
        yield Action("vcard", _("Download vCard"), "thirdparty.view", endpoint="thirdparty.vcard", icon="download")


@hookimpl
def panels(entity: str) -> Iterable[Panel]:
    if entity == "thirdparty":
        yield Panel("addresses", _("Addresses"), "thirdparty/addresses.html", services.address_lines, order=10)


@hookimpl
def widgets() -> Iterable[Widget]:
    yield Widget("status", _("Third parties by contact status"), "thirdparty", by="contact_status", order=10)


@hookimpl
def commands() -> Iterable[Command]:
    yield Command(
        "to_contact", _("Third parties to contact"), "records.index",
        {"entity": "thirdparty", "f": "contact_status:is:tocall"}, keywords=_("call prospects customers"),
        permission="thirdparty.view", icon="phone",
    )  # fmt: skip


@hookimpl
def checks() -> Iterable[Check]:
    yield Check("numbering", _("Numbering"), _numbering)


@hookimpl
def records_changed(changes: Sequence[Change], unit: Unit) -> None:
    services.note_first_day(changes, unit)


@hookimpl
def module_disabling(unit: Unit) -> None:
    if work_under_way(unit, "load", "thirdparty"):
        raise Veto(_("Third parties are being loaded from a file. Wait until that is done."))


def _numbering(session: Session) -> CheckResult:
    if services.series_is_there(session):
        return CheckResult("ok", _("Codes are given automatically"))
    return CheckResult("error", _("There is no numbering series for third parties: new ones cannot be saved"))


@hookimpl
def demo_data(unit: Unit) -> None:
    demo.fill(unit)
