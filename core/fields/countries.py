"""Countries: stored as ISO codes, read from codes and names, shown in the reader's language."""

from __future__ import annotations

import functools
from typing import Any

from babel.core import get_global

from core.errors import Invalid
from core.fields.base import Control, Option, Samples
from core.fields.keys import fold
from core.fields.text import StoredText
from core.i18n import LANGUAGES, current_locale, lazy as _, territories

_ALSO = {
    "AE": "uae, emirates, eau",
    "AT": "osterreich",
    "BA": "bosnia, bosnie",
    "BE": "belgie, belgien",
    "BN": "brunei darussalam",
    "BO": "plurinational state of bolivia",
    "CD": "democratic republic of the congo, dr congo, drc, republique democratique du congo, rdc",
    "CG": "congo, republic of the congo, congo republic, republique du congo",
    "CH": "schweiz, svizzera, swiss confederation, confederation suisse",
    "CI": "ivory coast, cote divoire",
    "CN": "people s republic of china, prc, mainland china, republique populaire de chine",
    "CW": "netherlands antilles, antilles neerlandaises",
    "CZ": "czech republic, republique tcheque",
    "DE": "deutschland",
    "DK": "danmark",
    "DO": "dominican rep",
    "ES": "espana",
    "FI": "suomi",
    "FK": "falkland islands malvinas, malvinas",
    "FM": "federated states of micronesia",
    "GB": "great britain, britain, england, scotland, wales, northern ireland, united kingdom of great britain and "
    "northern ireland, grande bretagne, angleterre, ecosse, pays de galles, irlande du nord",
    "GR": "hellas",
    "HK": "hong kong, hong kong sar, hongkong",
    "HR": "hrvatska",
    "IE": "republic of ireland, eire, republique d irlande",
    "IR": "islamic republic of iran",
    "IT": "italia",
    "KG": "kirghizie",
    "KP": "democratic people s republic of korea, dprk",
    "KR": "korea, republic of korea, korea republic of, coree, republique de coree",
    "LA": "lao people s democratic republic, lao pdr",
    "LU": "letzebuerg",
    "MD": "republic of moldova",
    "MK": "macedonia, republic of macedonia, fyrom, macedoine",
    "MM": "burma, birmanie",
    "MO": "macau, macao, macau sar, macao sar",
    "MX": "mejico",
    "NL": "holland, nederland, hollande",
    "NO": "norge",
    "PL": "polska",
    "PS": "palestine, state of palestine, etat de palestine",
    "RU": "russian federation, federation de russie",
    "SE": "sverige",
    "SK": "slovak republic, republique slovaque",
    "ST": "sao tome",
    "SY": "syrian arab republic",
    "SZ": "swaziland",
    "TL": "east timor",
    "TR": "turkey",
    "TW": "chinese taipei, republic of china",
    "TZ": "united republic of tanzania",
    "US": "u s a, us of a, united states of america, america, etats unis d amerique, eua",
    "VA": "vatican, holy see, saint siege",
    "VE": "bolivarian republic of venezuela",
    "VI": "us virgin islands, iles vierges americaines",
}
"""Code -> folded names people write beside those of Unicode's tables: older, longer and native ones."""


def _spellings(name: str) -> set[str]:
    """A name as it may be typed: `St. Lucia` and `Saint Lucia`, `Bosnia & Herzegovina` also with `and`."""
    spelled = {fold(name.replace("&", sign)) or "" for sign in ("&", "and", "et")}
    return spelled | {f"saint {text.removeprefix('st ')}" for text in spelled if text.startswith("st ")}


@functools.cache
def _codes_by_name() -> dict[str, str]:
    """Folded name, in the product's languages, or three-letter code -> ISO code."""
    known = territories("en")
    found: dict[str, str] = {}
    for old, new in get_global("territory_aliases").items():
        if len(old) == 3 and old.isalpha() and len(new) == 1 and new[0] in known:
            found[old.lower()] = new[0]
    for code, names in _ALSO.items():
        found.update(dict.fromkeys(names.split(", "), code))
    for language in LANGUAGES:
        for code, name in territories(language).items():
            found.update(dict.fromkeys(_spellings(name), code))
    return found | {"uk": "GB"}


@functools.lru_cache(maxsize=8)
def country_options(language: str) -> tuple[Option, ...]:
    """Every country by its name in `language`, in that language's order."""
    names = sorted(territories(language).items(), key=lambda item: fold(item[1]) or "")
    return tuple(Option(code, name) for code, name in names)


class Country(StoredText):
    """A country: its code `FR`, typed as code or name in any of the product's languages."""

    name = "country"
    maximum = 2

    def check(self, value: str) -> str:
        if value in territories("en"):
            return value
        code = None
        if len(value) <= 100:
            upper = value.upper()
            name = (fold(value) or "").removeprefix("the ")
            code = upper if upper in territories("en") else _codes_by_name().get(name)
        if code is None:
            raise Invalid(_("Enter a country like France, or its code like FR"))
        return code

    def text(self, value: str) -> str:
        return territories(current_locale().language).get(value, value)

    def control(self) -> Control:
        return Control("select", options=country_options(current_locale().language))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": sorted(territories("en"))}

    def samples(self) -> Samples:
        good = {
            "FR": "FR", " fr ": "FR", "France": "FR", "Pays-Bas": "NL", "the netherlands": "NL", "USA": "US",
            "états-unis": "US", "U.S.A.": "US", "Corée du Sud": "KR", "Czech Republic": "CZ", "Türkiye": "TR",
            "TURKEY": "TR", "Hong Kong": "HK", "UK": "GB", "DEU": "DE", "Côte d'Ivoire": "CI", "Saint Lucia": "LC",
        }  # fmt: skip
        bad = ["Atlantis", "ZZ", "F", "EU", "12", "<b>FR</b>", "F\x00R", "\x00", "NaN", "FR\u202e!!?", "F" * 1_000_000]
        return Samples(good, bad)
