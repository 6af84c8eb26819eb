"""Fields: the types of values, and `field()` which declares one on a record (DESIGN 4)."""

from core.fields.base import (
    MAXIMUM_FILTER_VALUES,
    Control,
    Declaration,
    Field,
    FieldType,
    LinkLike,
    Operator,
    Option,
    Samples,
    computed,
    field,
)
from core.fields.choices import Boolean, Choice, Status, badge
from core.fields.contacts import Email, Phone
from core.fields.countries import Country
from core.fields.dates import Date, DateTime, UtcDateTime
from core.fields.keys import KEY_LENGTH, binary_string, digits, fold, key_column_type
from core.fields.links import AnyLink, Link, id_column_type
from core.fields.lists import COMPANIES, LINKS, PEOPLE, TEAMS, Listed, Numbers, OneOf, SeveralOf, holds
from core.fields.numbers import Amount, Decimal, Integer, ScaledDecimal
from core.fields.rich_text import RichText
from core.fields.text import KeyedText, LongText, Text
from core.fields.urls import Url

__all__ = [
    "COMPANIES",
    "KEY_LENGTH",
    "LINKS",
    "MAXIMUM_FILTER_VALUES",
    "PEOPLE",
    "TEAMS",
    "Amount",
    "AnyLink",
    "Boolean",
    "Choice",
    "Control",
    "Country",
    "Date",
    "DateTime",
    "Decimal",
    "Declaration",
    "Email",
    "Field",
    "FieldType",
    "Integer",
    "KeyedText",
    "Link",
    "LinkLike",
    "Listed",
    "LongText",
    "Numbers",
    "OneOf",
    "Operator",
    "Option",
    "Phone",
    "RichText",
    "Samples",
    "ScaledDecimal",
    "SeveralOf",
    "Status",
    "Text",
    "Url",
    "UtcDateTime",
    "badge",
    "binary_string",
    "computed",
    "digits",
    "field",
    "fold",
    "holds",
    "id_column_type",
    "key_column_type",
]
