"""The names plugins may use (DESIGN 2): everything else in the core may change without notice.

`docs/plugin-authors.md` documents each; a test compares the two. Changes are listed in CHANGELOG for plugin authors.
"""

from core.contract.changes import Actor, Change
from core.contract.contributions import (
    Action,
    Check,
    CheckResult,
    Command,
    Dictionary,
    Entity,
    Job,
    MenuItem,
    NotificationKind,
    Numbering,
    Ownership,
    Panel,
    Permission,
    Section,
    Tab,
    View,
    Widget,
)
from core.contract.hookspecs import hookimpl, hookspec
from core.contract.plugin import Plugin, Setting
from core.data.context import ask
from core.data.numbering import default_series
from core.data.records import Facet, Identifier, Likeness, Owned, Record, Row
from core.data.scopes import unscoped
from core.data.unit import Unit, transaction
from core.errors import Invalid, Refused, Veto
from core.exchange.csv_files import CsvForm
from core.exchange.list_files import ListRows, rows_of_job, write_in_job
from core.exchange.load import work_under_way
from core.features.bin import delete_record, restore_record
from core.features.notifications import notify
from core.features.parts import OF_ITS_RECORD, Part
from core.features.tags import Tag, give_new_tags
from core.fields import (
    COMPANIES,
    PEOPLE,
    TEAMS,
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
    KeyedText,
    Language,
    Link,
    LongText,
    OneOf,
    Option,
    Phone,
    RichText,
    Samples,
    SeveralOf,
    Status,
    Text,
    Url,
    computed,
    field,
)
from core.i18n import Message, lazy, lazy_context, lazy_plural
from core.jobs.enqueue import enqueue
from core.jobs.run import JobRun, Step
from core.registry import RegisteredEntity
from core.settings import read_setting
from core.web.asked_rows import rows_asked_for
from core.web.plugin_page import show_page
from core.web.policy import policy
from core.web.responses import attachment, reading_session, record_or_404, see

__all__ = [
    "COMPANIES",
    "OF_ITS_RECORD",
    "PEOPLE",
    "TEAMS",
    "Action",
    "Actor",
    "Amount",
    "AnyLink",
    "Boolean",
    "Change",
    "Check",
    "CheckResult",
    "Choice",
    "Command",
    "Country",
    "CsvForm",
    "Currency",
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
    "Job",
    "JobRun",
    "KeyedText",
    "Language",
    "Likeness",
    "Link",
    "ListRows",
    "LongText",
    "MenuItem",
    "Message",
    "NotificationKind",
    "Numbering",
    "OneOf",
    "Option",
    "Owned",
    "Ownership",
    "Panel",
    "Part",
    "Permission",
    "Phone",
    "Plugin",
    "Record",
    "Refused",
    "RegisteredEntity",
    "RichText",
    "Row",
    "Samples",
    "Section",
    "Setting",
    "SeveralOf",
    "Status",
    "Step",
    "Tab",
    "Tag",
    "Text",
    "Unit",
    "Url",
    "Veto",
    "View",
    "Widget",
    "ask",
    "attachment",
    "computed",
    "default_series",
    "delete_record",
    "enqueue",
    "field",
    "give_new_tags",
    "hookimpl",
    "hookspec",
    "lazy",
    "lazy_context",
    "lazy_plural",
    "notify",
    "policy",
    "read_setting",
    "reading_session",
    "record_or_404",
    "restore_record",
    "rows_asked_for",
    "rows_of_job",
    "see",
    "show_page",
    "transaction",
    "unscoped",
    "work_under_way",
    "write_in_job",
]
