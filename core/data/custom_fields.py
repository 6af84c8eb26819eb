"""Fields administrators make (MO-7): the kinds there are, and reading them when a generation is built.

The screens come later; the seat in `extra` and the registry know these fields already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.data.labels import Labels
from core.data.tables import CustomField
from core.fields import (
    Boolean,
    Choice,
    Country,
    Date,
    DateTime,
    Email,
    FieldType,
    Integer,
    LongText,
    Option,
    Phone,
    Text as TextType,
    Url,
)
from core.i18n import Text

Options = Mapping[str, Any]


def _choice(options: Options) -> Choice:
    codes = ((str(value["code"]), value.get("labels", {})) for value in options.get("values", ()))
    return Choice([Option(code, Labels.of(code, labels)) for code, labels in codes])


KINDS: dict[str, Callable[[Options], FieldType[Any]]] = {
    "text": lambda options: TextType(int(options.get("length", 255))),
    "longtext": lambda options: LongText(),
    "integer": lambda options: Integer(
        **{limit: int(options[limit]) for limit in ("minimum", "maximum") if limit in options}
    ),
    "boolean": lambda options: Boolean(),
    "date": lambda options: Date(),
    "datetime": lambda options: DateTime(),
    "email": lambda options: Email(),
    "phone": lambda options: Phone(),
    "url": lambda options: Url(),
    "country": lambda options: Country(),
    "choice": _choice,
}
"""Kind -> field type made from the stored options."""


@dataclass(frozen=True, slots=True)
class CustomDefinition:
    """A field an administrator made: its type already built, its value kept in `extra` under `code`."""

    entity: str
    code: str
    label: Text
    type: FieldType[Any]
    name: str = ""
    """What it is called in addresses; without it `x.` and the code, since an administrator chose that."""


def read_custom_fields(session: Session) -> list[CustomDefinition]:
    """The fields administrators made, in a stable order; one of a kind this version does not know is left out."""
    found = []
    for row in session.scalars(select(CustomField).order_by(CustomField.entity, CustomField.id)):
        if row.kind in KINDS:
            label, kind = Labels.of(row.code, row.labels), KINDS[row.kind](row.options)
            found.append(CustomDefinition(row.entity, row.code, label, kind))
    return found
