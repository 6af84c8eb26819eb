"""Fictitious leads, half companies and half consumers."""

from __future__ import annotations

import random

from core.api import Unit
from plugins.leads.models import Lead
from plugins.thirdparty.api import demo_companies

SEED = 20260102
NUMBER = 50
FIRST = ("Adèle", "Bruno", "Chloé", "Dmitri", "Eleni", "Farid", "Gwen", "Hana", "Ismaël", "Jude", "Kenza", "Liam")
LAST = (
    "Arvelle",
    "Bonnefoy",
    "Castellin",
    "Dewhurst",
    "Estrade",
    "Faverolle",
    "Grimsby",
    "Hautecour",
    "Ilvane",
    "Jourdain",
)
STATUSES = ("new", "new", "new", "tocall", "progress", "qualified", "lost")
REASONS = ("Not interested", "Chose another supplier", "No budget this year")


def fill(unit: Unit) -> None:
    """Add the demo leads."""
    generator = random.Random(SEED)
    names = [(name, "company") for name, _country, _town in demo_companies(generator, NUMBER // 2)]
    while len(names) < NUMBER:
        person = (f"{generator.choice(FIRST)} {generator.choice(LAST)}", "consumer")
        if person not in names:
            names.append(person)
    for index, (name, kind) in enumerate(names, start=1):
        status = generator.choice(STATUSES)
        reason = generator.choice(REASONS) if status == "lost" else None
        unit.add(Lead(name=name, kind=kind, status=status, lost_reason=reason, email=f"lead{index:02}@post.example"))
