"""Every field type keeps what a field type promises, on both databases and in every language."""

from __future__ import annotations

from typing import Any

import pytest

from core.fields import (
    Amount,
    AnyLink,
    Boolean,
    Choice,
    Country,
    Currency,
    Date,
    DateTime,
    Decimal,
    Email,
    FieldType,
    Integer,
    Language,
    Link,
    LongText,
    Option,
    Phone,
    Status,
    Text,
    Url,
)
from core.i18n import Locale, lazy as _

LOCALES = (
    Locale("en", "GB", "Europe/London"),
    Locale("fr", "FR", "Europe/Paris"),
    Locale("en", "US", "America/New_York"),
)
BRITISH, FRENCH, AMERICAN = LOCALES
TYPES: dict[str, FieldType[Any]] = {
    "text": Text(120),
    "text of lines": Text(200, multiline=True),
    "long text": LongText(),
    "integer": Integer(),
    "percentage": Integer(0, 100),
    "decimal": Decimal(3),
    "whole decimal": Decimal(0),
    "small decimal": Decimal(2, 0, 100),
    "amount": Amount(),
    "choice": Choice({"a": "Alpha", "b": _("Beta"), "c": "Été", "d": "<b>&"}),
    "short choice": Choice([Option("only", "Only this", "danger")]),
    "dictionary": Choice(dictionary="sizes").bound([Option("s", "Small"), Option("l", "Large", "no such tone")]),
    "status": Status([Option("new", _("New"), "info"), Option("won", _("Won"), "success")], moves={"new": ["won"]}),
    "boolean": Boolean(),
    "date": Date(),
    "datetime": DateTime(),
    "email": Email(),
    "phone": Phone(),
    "url": Url(),
    "country": Country(),
    "currency": Currency(),
    "language": Language(),
    "link": Link("core_thing", on_merge="move", on_delete="refuse"),
    "any link": AnyLink("owner_entity", on_merge="move", on_delete="bin"),
}
every_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES.keys())


def values_of(kind: FieldType[Any]) -> list[Any]:
    """The distinct values of a type's samples."""
    return list({kind.dump(value): value for value in kind.samples().good.values()}.values())


def short(text: str) -> str:
    return repr(text if len(text) < 60 else f"{text[:60]}... ({len(text)})")
