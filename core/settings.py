"""Declared settings with their stored values (DESIGN 3): one line gives form, validation and default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from core.contract.plugin import Plugin, Setting
from core.data.tables import SettingValue, bump, stored_settings
from core.errors import ContractError, Invalid, Refused
from core.fields import Boolean, Choice, Country, FieldType, Text
from core.i18n import lazy as _

T = TypeVar("T")
MONTHS = (
    _("January"), _("February"), _("March"), _("April"), _("May"), _("June"), _("July"), _("August"), _("September"),
    _("October"), _("November"), _("December"),
)  # fmt: skip
CORE_SETTINGS: tuple[Setting, ...] = (
    Setting("company_name", Text(128), _("Company"), default="Comptoir"),
    Setting("country", Country(), _("Country"), default="FR"),
    Setting(
        "fiscal_month", Choice({str(number): month for number, month in enumerate(MONTHS, 1)}),
        _("Month in which the fiscal year starts"), default="1",
        help=_("Numbers that start again with the fiscal year go by it"),
    ),
    Setting(
        "short_counters", Boolean(), _("Allow short counters"), default=False,
        help=_("Counters of one or two digits in numbers"),
    ),
)  # fmt: skip


def read_settings(session: Session, owner: str, declared: Iterable[Setting]) -> dict[str, Any]:
    """The values of an owner's settings, by short name; defaults where nothing was stored."""
    settings = {f"{owner}.{setting.name}": setting for setting in declared}
    stored = stored_settings(session)
    values: dict[str, Any] = {}
    for name, setting in settings.items():
        kind: FieldType[Any] = setting.type
        text = stored.get(name)
        values[setting.name] = setting.default if name not in stored else None if text is None else kind.load(text)
    return values


def read_setting(session: Session, plugin: Plugin, name: str, kind: type[T]) -> T | None:
    """The present value of a setting that `plugin` declares, by its short name: for its own services.

    Its default while nothing was stored; None when it is empty. `kind` is the class its field type gives: `int` of an
    `Integer`. Raises `ContractError` for a setting the manifest does not declare, or one of another class.
    """
    values = read_settings(session, plugin.name, (setting for setting in plugin.settings if setting.name == name))
    value = values.get(name)
    if name not in values or not isinstance(value, kind | None):
        raise ContractError(f"plugin {plugin.name} declares no setting {name!r} that is {kind.__name__}")
    return value


def write_settings(session: Session, owner: str, declared: Iterable[Setting], typed: Mapping[str, str]) -> None:
    """Store typed values inside a unit; every process knows them before its next request, as part of a new generation.

    Raises `Refused` naming the setting whose value does not fit.
    """
    for setting in declared:
        if setting.name not in typed:
            continue
        kind: FieldType[Any] = setting.type
        try:
            value = kind.parse(typed[setting.name])
        except Invalid as error:
            raise Refused(error.message, field=setting.name) from error
        name = f"{owner}.{setting.name}"
        row = session.get(SettingValue, name) or SettingValue(name=name)
        row.value = None if value is None else kind.dump(value)
        session.add(row)
    bump(session.connection())
