"""The lead, and what leads add to third parties (LE-1, LE-2 as far as they are built)."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from core.api import (
    Choice,
    Email,
    Entity,
    Facet,
    Identifier,
    Owned,
    Ownership,
    Row,
    Section,
    Status,
    Text,
    field,
    lazy as _,
)
from plugins.thirdparty.api import ThirdParty


class Lead(Owned):
    """A company or consumer not yet targeted."""

    __tablename__ = "leads_lead"
    __table_args__ = (Index("ix_leads_lead_updated_at", "updated_at", "id"),)
    entity = Entity(
        "lead", _("Lead"), _("Leads"), slug="leads", title="name", new_label=_("New lead"), group="sales",
        icon="address-book", order=10, key="l", ownership=Ownership(),
        sections=(Section("main", _("Lead")), Section("owner", _("Responsible"))),
    )  # fmt: skip

    name: Mapped[str] = field(Text(128), _("Name"), listed=True, search=True)
    kind: Mapped[str] = field(
        Choice({"company": _("Company"), "consumer": _("Consumer")}), _("Kind"), listed=True, indexed=True,
        default=lambda: "company",
    )  # fmt: skip
    status: Mapped[str] = field(
        Status(dictionary="lead_status"), _("Status"), listed=True, quick=True, indexed=True, default=lambda: "new"
    )
    lost_reason: Mapped[str | None] = field(Text(200), _("Reason for loss"))
    email: Mapped[str | None] = field(Email(), _("Email"), listed=True, search=True, personal=True)


class Origin(Facet, of=ThirdParty):
    """Where a third party was first heard of; stays with it when it is no longer a lead."""

    __tablename__ = "leads_origin"
    source: Mapped[str | None] = field(
        Choice(
            {
                "web": _("Web site"),
                "fair": _("Trade fair"),
                "referral": _("Recommendation"),
                "campaign": _("Campaign"),
                "other": _("Other"),
            }
        ),
        _("Source"),
        indexed=True,
    )


class OpenLeads(Row):
    """How many leads wait for an answer; one row, kept by the worker so that the menu need not count."""

    __tablename__ = "leads_open"
    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column()
