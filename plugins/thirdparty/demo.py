"""Fictitious companies from small word lists of ours, with a fixed seed: the same demo each time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from core.api import Tag, Unit, give_new_tags, lazy as _
from plugins.thirdparty.models import PERSON, Address, ThirdParty

SEED = 20260101
NUMBER = 197
"""Companies; with the persons below they are two hundred."""
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


STREETS = {
    "FR": ("rue des Lavandières", "quai du Moulin", "avenue des Tilleuls"), "GB": ("Mill Lane", "Orchard Road"),
    "DE": ("Lindenweg", "Am Markt"), "BE": ("rue du Vieux Pont",), "ES": ("Calle Mayor",), "IT": ("Via del Mulino",),
    "NL": ("Molenstraat",),
}  # fmt: skip
CODES = {"FR": "{:05}", "DE": "{:05}", "ES": "{:05}", "IT": "{:05}", "BE": "{:04}", "NL": "{:04} AB"}
LANGUAGES = {"FR": "fr", "BE": "fr", "GB": "en", "DE": "de", "ES": "es", "IT": "it", "NL": "nl"}
CURRENCIES = {"GB": "GBP", "JP": "JPY", "CN": "CNY", "MA": "MAD"}
TYPES = ("small", "small", "medium", "large", "association", None)
TERMS = ("30days", "30days", "30eom", "receipt", None)
TAGS = {
    _("Trade"): ("#0a5fbd", (_("Food"), _("Books"), _("Crafts"), _("Vehicles"))), _("Key account"): ("#c02b2b", ()),
}  # fmt: skip
BY_TRADE = {
    "Boulangerie": 0, "Bakery": 0, "Brauerei": 0, "Panaderia": 0, "Bakkerij": 0, "Chocolaterie": 0, "Librairie": 1,
    "Imprimerie": 1, "Bookshop": 1, "Printers": 1, "Menuiserie": 2, "Joinery": 2, "Falegnameria": 2, "Garage": 3,
    "Cycles": 3,
}  # fmt: skip
"""Trade -> its place among the tags below the first one."""
PERSONS = (("Adèle", "Bonnefoy"), ("Hugh", "Dewhurst"), ("Kenza", "Estrade"))


def fill(unit: Unit) -> None:
    """Add the demo third parties, with addresses and tags."""
    made = list(_companies(unit))
    generator = random.Random(SEED)
    for first, last in PERSONS:
        unit.add(
            ThirdParty(
                kind=PERSON, first_name=first, last_name=last, role="customer", country="FR", town="Lyon", language="fr"
            )
        )
    unit.session.flush()
    for third_party in made:
        country = third_party.country
        if country not in STREETS:
            continue
        _main_address(generator, third_party, country)
        if generator.random() < 0.2:
            unit.session.flush()
            other = generator.choice(PLACES[country])
            street = f"{generator.randrange(1, 90)} {generator.choice(STREETS[country])}"
            unit.add(
                Address(
                    owner_entity="thirdparty", owner_id=third_party.id, street=street, town=other, country=country,
                    delivery=True,
                )
            )  # fmt: skip
    _subsidiaries(generator, made)
    _tags(unit, generator, made)


def _main_address(generator: random.Random, third_party: ThirdParty, country: str) -> None:
    third_party.street = f"{generator.randrange(1, 120)} {generator.choice(STREETS[country])}"
    if country in CODES:
        third_party.postal_code = CODES[country].format(generator.randrange(1000, 9999))
    third_party.language = LANGUAGES[country]
    third_party.currency = CURRENCIES.get(country, "EUR")
    third_party.kind = generator.choice(TYPES)
    third_party.payment_terms = generator.choice(TERMS)
    third_party.workforce = generator.choice((None, generator.randrange(1, 250)))


def _subsidiaries(generator: random.Random, made: Sequence[ThirdParty]) -> None:
    """Every tenth belongs to one of the first: a tree of two levels."""
    for third_party in made[20::10]:
        third_party.parent_id = generator.choice(made[:20]).id


def _tags(unit: Unit, generator: random.Random, made: Sequence[ThirdParty]) -> None:
    """A tree of tags in the language of the installation, and on most third parties the one of its trade."""
    roots = [unit.add(Tag(name=str(name), target="thirdparty", color=color)) for name, (color, _below) in TAGS.items()]
    unit.session.flush()
    below = [
        unit.add(Tag(name=str(name), target="thirdparty", parent_id=roots[0].id, color=roots[0].color))
        for name in next(iter(TAGS.values()))[1]
    ]
    unit.session.flush()
    for third_party in made:
        trade = BY_TRADE.get(third_party.name.partition(" ")[0])
        tags = [] if trade is None else [below[trade]]
        tags += [roots[1]] if generator.random() < 0.1 else []
        if tags:
            give_new_tags(unit, third_party, tags)


def _companies(unit: Unit) -> Iterator[ThirdParty]:
    generator = random.Random(SEED)
    for index, (name, country, town) in enumerate(companies(generator, NUMBER), start=1):
        site = f"company{index:03}.example"
        yield unit.add(
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
