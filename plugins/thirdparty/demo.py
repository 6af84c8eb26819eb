"""Fictitious companies from small word lists of ours, with a fixed seed: the same demo each time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from core.api import Unit
from plugins.thirdparty.models import ThirdParty

SEED = 20260101
NUMBER = 200
TRADES = (
    ("Boulangerie", "FR"), ("Librairie", "FR"), ("Garage", "FR"), ("Menuiserie", "FR"), ("Imprimerie", "FR"),
    ("Bakery", "GB"), ("Bookshop", "GB"), ("Joinery", "GB"), ("Printers", "GB"), ("Cycles", "GB"),
    ("Brauerei", "DE"), ("Panaderia", "ES"), ("Falegnameria", "IT"), ("Bakkerij", "NL"), ("Chocolaterie", "BE"),
)  # fmt: skip
PLACES = {
    "FR": ("Lyon", "Nantes", "Lille", "Nîmes", "Besançon", "Béziers", "Saint-Étienne"),
    "GB": ("Leeds", "Bristol", "Norwich", "Cardiff", "Dundee"),
    "DE": ("Köln", "Leipzig", "Nürnberg"),
    "ES": ("Cádiz", "León"),
    "IT": ("Torino", "Forlì"),
    "NL": ("Utrecht", "Delft"),
    "BE": ("Namur", "Liège"),
    "GR": ("Αθήνα", "Πάτρα"),
    "JP": ("京都", "札幌"),
    "CN": ("成都", "杭州"),
    "MA": ("الرباط", "فاس"),
}
NAMES = (
    "Alcyon", "Ambrelune", "Arvel", "Belombre", "Brisevent", "Calderan", "Cendrelle", "Clairmarais", "Corvaline", "Doucelin",
    "Ébrasse", "Fauvelin", "Galdric", "Harpille", "Isaune", "Jolivert", "Kerboul", "Lunoir", "Mirandole", "Noirmont",
    "Orvane", "Pélerine", "Quatrevents", "Rocheclaire", "Sauldre", "Tournesac", "Ustaret", "Valdrome", "Wimberly", "Zéphirin",
)  # fmt: skip
FAR_NAMES = (
    ("Αρτοποιείο Λυχνία", "GR"), ("Βιβλιοπωλείο Κύμα", "GR"), ("月明堂書店", "JP"), ("山吹製菓", "JP"), ("青松印刷", "CN"),
    ("杭州云桥贸易", "CN"), ("مخبز النجمة", "MA"), ("مكتبة الأفق", "MA"),
)  # fmt: skip
STATUSES = ("never", "never", "never", "tocall", "tocall", "progress", "contacted", "contacted", "refused")
POTENTIALS = ("none", "low", "medium", "high", None)
ROLES = ("prospect", "prospect", "prospect", "customer", "both")


def companies(generator: random.Random, number: int) -> Iterator[tuple[str, str, str]]:
    """`number` different (name, country, town)."""
    made: set[str] = set()
    for name, country in FAR_NAMES:
        made.add(name)
        yield name, country, generator.choice(PLACES[country])
    while len(made) < number:
        trade, country = generator.choice(TRADES)
        name = f"{trade} {generator.choice(NAMES)}"
        if name not in made:
            made.add(name)
            yield name, country, generator.choice(PLACES[country])


def fill(unit: Unit) -> None:
    """Add the demo third parties."""
    generator = random.Random(SEED)
    for index, (name, country, town) in enumerate(companies(generator, NUMBER), start=1):
        site = f"company{index:03}.example"
        unit.add(
            ThirdParty(
                name=name, role=generator.choice(ROLES), contact_status=generator.choice(STATUSES),
                potential=generator.choice(POTENTIALS), country=country, town=town,
                email=f"contact@{site}" if generator.random() < 0.8 else None,
                phone=_phone(generator, country), website=f"https://{site}" if generator.random() < 0.6 else None,
            )
        )  # fmt: skip


def _phone(generator: random.Random, country: str) -> str | None:
    """A number from the ranges set apart for fiction (France 01 99 00, United Kingdom 020 7946)."""
    if country == "FR":
        return f"+33199{generator.randrange(1000):06}"
    if country == "GB":
        return f"+442079460{generator.randrange(1000):03}"
    return None
