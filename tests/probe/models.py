"""Boxes with labels, a facet of third parties, and a plain row."""

from __future__ import annotations

import datetime
import decimal

from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.api import (
    Amount,
    Boolean,
    Date,
    DateTime,
    Decimal,
    Email,
    Entity,
    Facet,
    Identifier,
    Integer,
    Link,
    LongText,
    Option,
    Record,
    Row,
    Status,
    Text,
    field,
)
from plugins.thirdparty.api import ThirdParty

STATES = (Option("open", "Open"), Option("packed", "Packed"), Option("sent", "Sent"))
MOVES = {"open": ("packed",), "packed": ("open", "sent"), "sent": ()}


class Box(Record):
    __tablename__ = "probe_box"
    entity = Entity("box", "Box", "Boxes", slug="boxes", title="name", new_label="New box")

    name: Mapped[str] = field(Text(40), "Name", listed=True)
    serial: Mapped[str | None] = field(Text(20), "Serial number", unique=True)
    number: Mapped[int | None] = field(Integer(minimum=0), "Number")
    price: Mapped[decimal.Decimal | None] = field(Amount(), "Price")
    weight: Mapped[decimal.Decimal | None] = field(Decimal(3), "Weight")
    day: Mapped[datetime.date | None] = field(Date(), "Day")
    at: Mapped[datetime.datetime | None] = field(DateTime(), "At")
    sealed: Mapped[bool] = field(Boolean(), "Sealed", default=lambda: False)
    state: Mapped[str] = field(Status(STATES, moves=MOVES), "State", quick=True, default=lambda: "open")
    notes: Mapped[str | None] = field(LongText(), "Notes")
    owner: Mapped[str | None] = field(Email(), "Owner", personal=True)
    keeper: Mapped[int | None] = field(Link("thirdparty_thirdparty", on_merge="move", on_delete="refuse"), "Keeper")
    hint: Mapped[int | None] = field(Link("thirdparty_thirdparty", on_merge="move", on_delete="unlink"), "Hint")
    home: Mapped[int | None] = field(Link("thirdparty_thirdparty", on_merge="move", on_delete="bin"), "Home")
    inside: Mapped[int | None] = field(Link("probe_box", on_merge="move", on_delete="bin"), "Inside")

    labels: Mapped[list[Label]] = relationship("Label", viewonly=True)


class Label(Record):
    """Named by a person's name."""

    __tablename__ = "probe_label"
    entity = Entity("label", "Label", "Labels", slug="labels", title="person", new_label="New label")

    person: Mapped[str] = field(Text(80), "Person", listed=True, personal=True)
    box: Mapped[int] = field(Link("probe_box", on_merge="move", on_delete="bin"), "Box")


class Mark(Facet, of=ThirdParty):
    __tablename__ = "probe_mark"
    points: Mapped[int | None] = field(Integer(), "Points")
    remark: Mapped[str | None] = field(Text(80), "Remark", search=True, personal=True)


class Tally(Row):
    __tablename__ = "probe_tally"
    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(default=0)
