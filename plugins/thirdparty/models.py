"""The third party (TP-1, TP-3 as far as it is built)."""

import datetime

from sqlalchemy.orm import Mapped

from core.api import (
    PEOPLE,
    Choice,
    Country,
    Date,
    Email,
    Entity,
    Numbering,
    Owned,
    Ownership,
    Phone,
    Section,
    SeveralOf,
    Text,
    Url,
    View,
    field,
    lazy as _,
)
from plugins.thirdparty import ROLES


class ThirdParty(Owned):
    """A company or a person we trade with: prospect, customer, or both."""

    __tablename__ = "thirdparty_thirdparty"
    entity = Entity(
        "thirdparty",
        _("Third party"),
        _("Third parties"),
        slug="thirdparties",
        title="name",
        new_label=_("New third party"),
        icon="building",
        order=10,
        sections=(
            Section("main", _("Identity")),
            Section("contact", _("Contact")),
            Section("address", _("Address")),
            Section("owner", _("Responsible")),
        ),
        views=(
            View(
                "prospects",
                _("Prospects"),
                _("Prospect"),
                ("role:in:prospect,both",),
                _("New prospect"),
                {"role": "prospect"},
                key="p",
            ),
            View(
                "customers",
                _("Customers"),
                _("Customer"),
                ("role:in:customer,both",),
                _("New customer"),
                {"role": "customer"},
            ),
        ),
        numbering=Numbering("code", "CU{yy}{mm}-{00000}", _("Third parties"), type_code="role"),
        ownership=Ownership(representatives="representatives"),
    )

    name: Mapped[str] = field(Text(128), _("Name"), listed=True, search=True)
    role: Mapped[str] = field(Choice(ROLES), _("Type"), listed=True, default=lambda: "prospect")
    code: Mapped[str] = field(
        Text(32),
        _("Code"),
        required=False,
        unique=True,
        listed=True,
        search=True,
        help=_("Left empty, the next number is given"),
    )
    contact_status: Mapped[str] = field(
        Choice(dictionary="contact_status"),
        _("Contact status"),
        listed=True,
        quick=True,
        indexed=True,
        default=lambda: "never",
        no_mail=("refused",),
    )
    potential: Mapped[str | None] = field(Choice(dictionary="potential"), _("Potential"), listed=True)
    customer_since: Mapped[datetime.date | None] = field(Date(), _("Customer since"), readonly=True)
    email: Mapped[str | None] = field(Email(), _("Email"), search=True, personal=True, section="contact")
    phone: Mapped[str | None] = field(Phone(), _("Phone"), search=True, personal=True, section="contact")
    website: Mapped[str | None] = field(Url(), _("Website"), section="contact")
    town: Mapped[str | None] = field(Text(80), _("Town"), listed=True, search=True, section="address")
    country: Mapped[str | None] = field(Country(), _("Country"), listed=True, indexed=True, section="address")
    representatives: Mapped[tuple[int, ...] | None] = field(
        SeveralOf(PEOPLE), _("Sales representatives"), section="owner"
    )
