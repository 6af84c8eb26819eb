"""Fields: the types of values, and `field()` which declares one on a record (DESIGN 4).

What is imported here is what other rooms use.
"""
# mypy: implicit-reexport
# ruff: noqa: F401

from core.fields.base import Declaration, Field, FieldType, Option, Samples, computed, field
from core.fields.choices import Boolean, Choice, Listed, Status, occurring
from core.fields.codes import Currency, Language
from core.fields.contacts import Email, Phone
from core.fields.countries import Country
from core.fields.dates import Date, DateTime
from core.fields.keys import KEY_LENGTH, digits, fold, key_column_type
from core.fields.links import COMPANIES, PEOPLE, TEAMS, AnyLink, Link, OneOf, SeveralOf, holds
from core.fields.numbers import Amount, Decimal, Integer
from core.fields.rich_text import RichText
from core.fields.text import KeyedText, LongText, Text
from core.fields.urls import Url
