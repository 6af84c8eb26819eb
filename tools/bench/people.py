"""Made-up third parties: names, places, and how often each value occurs (PERFORMANCE 1: few values have most rows)."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.fields.keys import fold

SEED = 20260101
TAGS, PEOPLE = 60, 200
"""Tags to choose from, and people who own records."""
TAGS_EACH = 3
COUNTRIES = {"FR": 450, "DE": 180, "GB": 120, "ES": 90, "IT": 80, "NL": 40, "BE": 30, "PL": 5, "PT": 5}
TOWNS = {
    "FR": ("Lyon", "Nantes", "Lille", "Nîmes", "Besançon", "Béziers", "Saint-Étienne", "Vannes"),
    "DE": ("Köln", "Leipzig", "Nürnberg", "Kiel"), "GB": ("Leeds", "Bristol", "Norwich", "Dundee"),
    "ES": ("Cádiz", "León", "Bilbao"), "IT": ("Torino", "Forlì"), "NL": ("Utrecht", "Delft"), "BE": ("Namur", "Liège"),
    "PL": ("Łódź", "Gdynia"), "PT": ("Braga", "Évora"),
}  # fmt: skip
DIALLING = {"FR": "33", "DE": "49", "GB": "44", "ES": "34", "IT": "39", "NL": "31", "BE": "32", "PL": "48", "PT": "351"}
TRADES = {
    "Garage": 10, "Boulangerie": 12, "Menuiserie": 10, "Imprimerie": 8, "Librairie": 8, "Atelier": 14, "Transports": 14,
    "Électricité": 12, "Conseil": 20, "Bakery": 10, "Joinery": 8, "Brauerei": 6, "Falegnameria": 4, "Panadería": 6,
}  # fmt: skip
STATUSES = {"never": 40, "tocall": 25, "progress": 12, "contacted": 18, "refused": 5}
ROLES = {"prospect": 60, "customer": 30, "both": 10}
POTENTIALS = {"none": 15, "low": 25, "medium": 25, "high": 15, None: 20}
FORMS = ("SARL", "SA", "GmbH", "Ltd", "")
BEGIN = (
    "Bel",
    "Cor",
    "Dal",
    "Fau",
    "Gar",
    "Jol",
    "Ker",
    "Lun",
    "Mir",
    "Nor",
    "Or",
    "Pel",
    "Ro",
    "Sau",
    "Tour",
    "Val",
    "Zé",
)
MIDDLE = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ra", "se", "ti", "va", "zo")
END = ("bert", "card", "din", "fort", "gnan", "lier", "mont", "nac", "pont", "quet", "rieux", "son", "ville")


@dataclass(frozen=True, slots=True)
class Company:
    """A third party to be: the values of its fields by name, and the tags it gets later, as places among all tags."""

    values: dict[str, Any]
    tags: tuple[int, ...]
    status: str
    """What its contact status is set to after a while."""


def few(number: int) -> Sequence[float]:
    """Weights after Zipf: the second is chosen half as often as the first, the third a third as often."""
    return list(itertools.accumulate(1 / place for place in range(1, number + 1)))


def companies(number: int, people: Sequence[int], file: Path | None = None) -> Iterator[Company]:
    """`number` third parties; with `file` the rows of a company list, again with another name when it has fewer.

    `people`: the ids of the accounts that own them.
    """
    generator = random.Random(SEED)
    listed = _listed(file) if file is not None else None
    owners, tags = few(len(people)), few(TAGS)
    drawn = {
        name: itertools.accumulate(table.values())
        for name, table in (("country", COUNTRIES), ("status", STATUSES), ("role", ROLES), ("potential", POTENTIALS))
    }
    weights = {name: list(found) for name, found in drawn.items()}
    for place in range(number):
        values: dict[str, Any] = {}
        values["country"] = _one(generator, COUNTRIES, weights["country"])
        values["town"] = generator.choice(TOWNS[values["country"]])
        values["name"] = _name(generator)
        values["role"] = _one(generator, ROLES, weights["role"])
        values["potential"] = _one(generator, POTENTIALS, weights["potential"])
        if listed is not None:
            found = listed[place % len(listed)]
            values |= {name: value for name, value in found.items() if value}
            if place >= len(listed):
                values["name"] = f"{values['name']} {place // len(listed) + 1}"
        word = "".join(letter for letter in fold(values["name"]) or "x" if letter.isascii() and letter.isalnum())[:40]
        values["email"] = f"contact@{word}{place}.example" if generator.random() < 0.7 else None
        values["website"] = values.get("website") or (f"https://{word}.example" if generator.random() < 0.4 else None)
        dialling = DIALLING.get(values["country"], "33")
        values["phone"] = f"+{dialling}{generator.randrange(100_000_000, 999_999_999)}"
        values["mobile"] = (
            f"+{dialling}{generator.randrange(600_000_000, 799_999_999)}" if generator.random() < 0.3 else None
        )
        values["alias"] = values["name"].split()[1] if generator.random() < 0.05 and " " in values["name"] else None
        values["postal_code"] = f"{generator.randrange(1_000, 99_999):05}"
        values["owner_id"] = generator.choices(people, cum_weights=owners)[0]
        others = {generator.choices(people, cum_weights=owners)[0] for _one_of in range(generator.choice((1, 1, 2)))}
        values["representatives"] = tuple(sorted(others))
        chosen = generator.choices(range(TAGS), cum_weights=tags, k=TAGS_EACH)
        yield Company(values, tuple(sorted(set(chosen))), _one(generator, STATUSES, weights["status"]))


def _one(generator: random.Random, table: dict[Any, int], weights: Sequence[int]) -> Any:
    return generator.choices(list(table), cum_weights=weights)[0]


def _name(generator: random.Random) -> str:
    trade = generator.choices(list(TRADES), weights=list(TRADES.values()))[0]
    family = generator.choice(BEGIN) + "".join(generator.choices(MIDDLE, k=generator.choice((1, 1, 2))))
    return f"{trade} {family}{generator.choice(END)} {generator.choice(FORMS)}".rstrip()


def _listed(file: Path) -> list[dict[str, str]]:
    """Names, towns and sites of a company list with the columns Company, City and Website; its countries are words."""
    with file.open(encoding="utf-8-sig", newline="") as handle:
        rows = csv.DictReader(handle)
        found = [
            {"name": row["Company"][:128], "town": row.get("City", "")[:80], "website": _site(row.get("Website", ""))}
            for row in rows
            if row["Company"].strip()
        ]
    if not found:
        raise SystemExit(f"{file} has no column Company with names in it")
    return found


def _site(text: str) -> str:
    address = text.strip().lower()
    return address if address.startswith(("http://", "https://")) and address.isascii() and " " not in address else ""
