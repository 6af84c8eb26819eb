"""The third party and its addresses (TP-1, TP-3, TP-4, PR-1)."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping, Sequence
from typing import ClassVar

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.api import (
    OF_ITS_RECORD,
    PEOPLE,
    Amount,
    Boolean,
    Change,
    Choice,
    Country,
    Currency,
    Date,
    Email,
    Entity,
    Integer,
    Invalid,
    Language,
    Likeness,
    Link,
    LongText,
    Numbering,
    Owned,
    Ownership,
    Part,
    Phone,
    Refused,
    Section,
    SeveralOf,
    Text,
    Unit,
    Url,
    View,
    field,
    lazy as _,
)
from plugins.thirdparty import ROLES, addresses
from plugins.thirdparty.addresses import ADDRESS_FIELDS
from plugins.thirdparty.legal_forms import LegalForm
from plugins.thirdparty.likeness import SIMILAR_BY, email_domain, find_similar, website_domain
from plugins.thirdparty.numbers import VatNumber, establishment_number, registration_number, vat_number
from plugins.thirdparty.parents import refuse_loop
from plugins.thirdparty.profiles import Profiles

PERSON = "person"
"""The type of a third party that is a private person."""


class ThirdParty(Owned):
    """A company or a person we trade with: prospect, customer, or both."""

    __tablename__ = "thirdparty_thirdparty"
    __table_args__ = (
        Index("ix_thirdparty_thirdparty_email_domain", "email_domain", "id"),
        Index("ix_thirdparty_thirdparty_website_domain", "website_domain", "id"),
        Index("ix_thirdparty_thirdparty_updated_at", "updated_at", "id"),
    )
    similar_by = SIMILAR_BY
    entity = Entity(
        "thirdparty", _("Third party"), _("Third parties"), slug="thirdparties", title="name",
        new_label=_("New third party"), icon="building", order=10,
        sections=(
            Section("main", _("Identity")), Section("contact", _("Contact")), Section("address", _("Address")),
            Section("legal", _("Legal")), Section("commercial", _("Commercial")), Section("owner", _("Internal")),
        ),
        views=(
            View(
                "prospects", _("Prospects"), _("Prospect"), ("role:in:prospect,both",), _("New prospect"), {"role": "prospect"},
                key="p",
            ),
            View(
                "customers", _("Customers"), _("Customer"), ("role:in:customer,both",), _("New customer"), {"role": "customer"}
            ),
        ),
        numbering=Numbering("code", "CU{yy}{mm}-{00000}", _("Third parties"), type_code="role"),
        ownership=Ownership(representatives="representatives"),
        choosers=("potential",),
        facts=("role", "phone", "email", "website", "town", "country", "representatives"),
    )  # fmt: skip

    name: Mapped[str] = field(
        Text(128), _("Name"), listed=True, search=True, derived=("first_name", "last_name"),
        help=_("For a private person, first and last name give it"),
    )  # fmt: skip
    role: Mapped[str] = field(Choice(ROLES), _("Type"), listed=True, indexed=True, default=lambda: "prospect")
    code: Mapped[str] = field(
        Text(32), _("Code"), required=False, unique=True, listed=True, search=True,
        help=_("Left empty, the next number is given"),
    )  # fmt: skip
    kind: Mapped[str | None] = field(Choice(dictionary="company_type"), _("Third-party type"))
    first_name: Mapped[str | None] = field(Text(63), _("First name"), personal=True)
    last_name: Mapped[str | None] = field(Text(64), _("Last name"), personal=True)
    parent_id: Mapped[int | None] = field(
        Link("thirdparty_thirdparty", on_merge="move", on_delete="unlink"), _("Parent third party")
    )
    contact_status: Mapped[str] = field(
        Choice(dictionary="contact_status"), _("Contact status"), listed=True, quick=True, indexed=True,
        default=lambda: "never", no_mail=("refused",),
    )  # fmt: skip
    potential: Mapped[str | None] = field(Choice(dictionary="potential"), _("Potential"), listed=True, indexed=True)
    customer_since: Mapped[datetime.date | None] = field(Date(), _("Customer since"), readonly=True)
    email: Mapped[str | None] = field(Email(), _("Email"), search=True, personal=True, section="contact")
    email_domain: Mapped[str | None] = mapped_column(String(255), info={"key_of": "email", "key_by": email_domain})
    phone: Mapped[str | None] = field(Phone(), _("Phone"), search=True, personal=True, section="contact")
    mobile: Mapped[str | None] = field(Phone(), _("Mobile phone"), search=True, personal=True, section="contact")
    fax: Mapped[str | None] = field(Phone(), _("Fax"), section="contact")
    website: Mapped[str | None] = field(Url(), _("Website"), section="contact")
    website_domain: Mapped[str | None] = mapped_column(
        String(255), info={"key_of": "website", "key_by": website_domain}
    )
    profiles: Mapped[str | None] = field(
        Profiles(), _("Social profiles"), personal=True, section="contact", help=_("Web addresses, one a line")
    )
    do_not_call: Mapped[bool] = field(Boolean(), _("Do not call"), section="contact", default=lambda: False)
    do_not_mail: Mapped[bool] = field(
        Boolean(), _("Do not send e-mails"), section="contact", default=lambda: False, no_mail=(True,)
    )
    street: Mapped[str | None] = field(
        Text(255, multiline=True), _("Street and number"), personal=True, section="address"
    )
    postal_code: Mapped[str | None] = field(Text(25), _("Postal code"), indexed=True, section="address")
    town: Mapped[str | None] = field(Text(80), _("Town"), listed=True, search=True, section="address")
    region: Mapped[str | None] = field(Text(80), _("Region"), section="address")
    country: Mapped[str | None] = field(Country(), _("Country"), listed=True, indexed=True, section="address")
    alias: Mapped[str | None] = field(Text(128), _("Alias"), search=True)
    registration: Mapped[str | None] = field(
        Text(32),
        _("Registration number"),
        section="legal",
        help=_("Checked by the rules of the country: SIREN, CIF, CVR…"),
    )
    establishment: Mapped[str | None] = field(
        Text(32), _("Establishment number"), section="legal", help=_("In France: SIRET")
    )
    activity_code: Mapped[str | None] = field(
        Text(16), _("Activity code"), section="legal", help=_("In Europe: NACE; in France: NAF")
    )
    vat_number: Mapped[str | None] = field(VatNumber(), _("VAT number"), search=True, section="legal")
    legal_form: Mapped[str | None] = field(LegalForm(dictionary="legal_form"), _("Legal form"), section="legal")
    capital: Mapped[decimal.Decimal | None] = field(Amount(), _("Capital"), section="legal")
    workforce: Mapped[int | None] = field(Integer(minimum=0), _("Workforce"), section="legal")
    language: Mapped[str | None] = field(Language(), _("Language"), section="commercial")
    currency: Mapped[str | None] = field(Currency(), _("Currency"), section="commercial")
    payment_terms: Mapped[str | None] = field(
        Choice(dictionary="payment_terms"), _("Payment terms"), section="commercial"
    )
    active: Mapped[bool] = field(Boolean(), _("Active"), section="owner", default=lambda: True)
    representatives: Mapped[tuple[int, ...] | None] = field(
        SeveralOf(PEOPLE), _("Sales representatives"), section="owner"
    )

    def prepare(self) -> None:
        """The name of a person from first and last name; numbers by the rules of the country (TP-3)."""
        if self.kind == PERSON and (self.first_name or self.last_name):
            self.name = " ".join(filter(None, (self.first_name, self.last_name)))
        if self.vat_number or self.registration or self.establishment:
            self._check_numbers()

    def _check_numbers(self) -> None:
        checks = (
            ("vat_number", vat_number), ("registration", registration_number), ("establishment", establishment_number),
        )  # fmt: skip
        for name, check in checks:
            typed = getattr(self, name)
            try:
                canonical = check(typed, self.country) if typed else None
            except Invalid as error:
                raise Refused(error.message, field=name) from error
            if typed and canonical != typed:
                setattr(self, name, canonical)

    @classmethod
    def similar(cls, session: Session, values: Mapping[str, str], *, but: int | None = None) -> Sequence[Likeness]:
        """Those with the same numbers and addresses, or a name that begins so (TP-9)."""
        return find_similar(session, cls, values, but=but)

    def settle(self, unit: Unit, change: Change) -> None:
        """No loops among parents (TP-3); the default address says the same as the fields (TP-4)."""
        if change.new.get("parent_id") is not None or (self.parent_id is not None and change.kind == "restored"):
            refuse_loop(unit, self)
        if change.kind != "created" and any(name in change.new for name in ADDRESS_FIELDS):
            addresses.follow_third_party(unit, self, Address)
        if change.kind == "merged":
            addresses.unite(unit, self, Address)


class Address(Part):
    """One of the addresses of a third party; how its default one and the fields agree, `addresses` says."""

    __tablename__ = "thirdparty_address"
    __table_args__ = (Index("ix_thirdparty_address_owner", "owner_entity", "owner_id", "id"),)
    of: ClassVar[str] = "thirdparty"
    typed: ClassVar[bool] = True
    entity = Entity(
        "address", _("Address"), _("Addresses"), slug="addresses", title="label", pages=False, ownership=OF_ITS_RECORD,
        new_label=_("New address"),
        sentences={
            "created": _("Address added: %(title)s."), "updated": _("Address changed: %(title)s."),
            "deleted": _("Address moved to the trash: %(title)s."), "restored": _("Address restored: %(title)s."),
        },
    )  # fmt: skip

    label: Mapped[str | None] = field(Text(80), _("Name of the address"), help=_("Such as Head office or Warehouse"))
    street: Mapped[str | None] = field(Text(255, multiline=True), _("Street and number"), personal=True)
    postal_code: Mapped[str | None] = field(Text(25), _("Postal code"))
    town: Mapped[str | None] = field(Text(80), _("Town"))
    region: Mapped[str | None] = field(Text(80), _("Region"))
    country: Mapped[str | None] = field(Country(), _("Country"))
    phone: Mapped[str | None] = field(Phone(), _("Phone"), personal=True)
    note: Mapped[str | None] = field(LongText(), _("Delivery notes"))
    billing: Mapped[bool] = field(Boolean(), _("Billing"), default=lambda: False)
    delivery: Mapped[bool] = field(Boolean(), _("Delivery"), default=lambda: False)
    default: Mapped[bool] = field(Boolean(), _("Default"), default=lambda: False)

    @property
    def title(self) -> str:
        """Its name, or where it is."""
        return self.label or ", ".join(filter(None, (self.postal_code, self.town, self.country))) or f"#{self.id}"

    def settle(self, unit: Unit, change: Change) -> None:
        """At most one default per kind, and the default one says the same as the third party (TP-4)."""
        addresses.follow_address(unit, self, change, ThirdParty)
