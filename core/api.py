"""The names plugins may use (DESIGN 2): everything else in the core may change without notice.

`docs/plugin-authors.md` documents each; a test compares the two. Changes are listed in CHANGELOG for plugin authors.
"""

from core.contract.changes import Actor, Change
from core.contract.contributions import (
    Action,
    Check,
    CheckResult,
    Dictionary,
    Entity,
    MenuItem,
    Numbering,
    Panel,
    Permission,
    Section,
    View,
)
from core.contract.hookspecs import hookimpl, hookspec
from core.contract.plugin import Plugin, Setting
from core.data.numbering import default_series
from core.data.records import Facet, Identifier, Record, Row
from core.data.unit import Unit, transaction
from core.errors import Invalid, Refused, Veto
from core.exchange.load import work_under_way
from core.features.bin import delete_record, restore_record
from core.fields import (
    Amount,
    AnyLink,
    Boolean,
    Choice,
    Country,
    Date,
    DateTime,
    Decimal,
    Email,
    FieldType,
    Integer,
    Link,
    LongText,
    Option,
    Phone,
    RichText,
    Status,
    Text,
    Url,
    computed,
    field,
)
from core.i18n import lazy, lazy_context, lazy_plural
from core.web.policy import policy
from core.web.responses import attachment, record_or_404

__all__ = [
    "Action",
    "Actor",
    "Amount",
    "AnyLink",
    "Boolean",
    "Change",
    "Check",
    "CheckResult",
    "Choice",
    "Country",
    "Date",
    "DateTime",
    "Decimal",
    "Dictionary",
    "Email",
    "Entity",
    "Facet",
    "FieldType",
    "Identifier",
    "Integer",
    "Invalid",
    "Link",
    "LongText",
    "MenuItem",
    "Numbering",
    "Option",
    "Panel",
    "Permission",
    "Phone",
    "Plugin",
    "Record",
    "Refused",
    "RichText",
    "Row",
    "Section",
    "Setting",
    "Status",
    "Text",
    "Unit",
    "Url",
    "Veto",
    "View",
    "attachment",
    "computed",
    "default_series",
    "delete_record",
    "field",
    "hookimpl",
    "hookspec",
    "lazy",
    "lazy_context",
    "lazy_plural",
    "policy",
    "record_or_404",
    "restore_record",
    "transaction",
    "work_under_way",
]
