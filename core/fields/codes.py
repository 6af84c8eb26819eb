"""Currencies and languages: stored as ISO codes, read from codes and names, shown in the reader's language (TP-3)."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from babel import Locale as BabelLocale
from babel.core import get_global
from babel.languages import get_official_languages

from core.errors import Invalid
from core.fields.base import Control, Option, Samples
from core.fields.keys import fold
from core.fields.text import StoredText
from core.i18n import LANGUAGES, Text, current_locale, lazy as _

LONGEST_NAME = 100


class Coded(StoredText):
    """A code of a standard list whose names the Unicode repository knows in every language."""

    @staticmethod
    @abstractmethod
    def names(language: str) -> Mapping[str, str]:
        """Code -> its name in `language`."""

    @property
    @abstractmethod
    def hint(self) -> Text:
        """What to type instead of a text that is no code."""

    def check(self, value: str) -> str:
        known = self.names("en")
        if value in known:
            return value
        found = None
        if len(value) <= LONGEST_NAME:
            found = next((code for code in (value.upper(), value.lower()) if code in known), None)
            found = found or _by_name(type(self)).get(fold(value) or "")
        if found is None:
            raise Invalid(self.hint)
        return found

    def text(self, value: str) -> str:
        return self.names(current_locale().language).get(value, value)

    def control(self) -> Control:
        return Control("select", options=_options(type(self), current_locale().language))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": sorted(self.names("en"))}


@functools.cache
def _by_name(kind: type[Coded]) -> dict[str, str]:
    """Folded name, in the product's languages -> code; a name two codes share means neither."""
    found: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for code, name in kind.names(language).items():
            found.setdefault(fold(name) or "", set()).add(code)
    return {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}


@functools.lru_cache(maxsize=8)
def _options(kind: type[Coded], language: str) -> tuple[Option, ...]:
    names = sorted(kind.names(language).items(), key=lambda item: fold(item[1]) or "")
    return tuple(Option(code, name) for code, name in names)


class Currency(Coded):
    """A currency that is money somewhere today: its code `EUR`."""

    name = "currency"
    maximum = 3

    @staticmethod
    @functools.cache
    def names(language: str) -> Mapping[str, str]:
        tenders = (one for used in get_global("territory_currencies").values() for one in used)
        codes = sorted({code for code, _since, until, tender in tenders if until is None and tender})
        known = BabelLocale.parse(language).currencies
        return {code: f"{known[code]} ({code})" for code in codes if code in known}

    @property
    def hint(self) -> Text:
        return _("Enter the code of a currency like EUR")

    def samples(self) -> Samples:
        good = {"EUR": "EUR", " usd ": "USD", "Euro (EUR)": "EUR", "franc suisse (CHF)": "CHF"}
        return Samples(good, ["FRF", "XXX", "E", "€€", "12", "<b>EUR</b>", "EU\x00R", "\x00", "NaN", "E" * 1_000_000])


class Language(Coded):
    """A language that is official somewhere, to write to people in: its code `fr`."""

    name = "language"
    maximum = 3

    @staticmethod
    @functools.cache
    def names(language: str) -> Mapping[str, str]:
        places = get_global("territory_languages")
        official = {code.partition("_")[0] for place in places for code in get_official_languages(place, de_facto=True)}
        known = BabelLocale.parse(language).languages
        return {code: known[code] for code in sorted(official) if len(code) <= Language.maximum and code in known}

    @property
    def hint(self) -> Text:
        return _("Enter a language like French, or its code like fr")

    def samples(self) -> Samples:
        good = {"fr": "fr", " EN ": "en", "French": "fr", "allemand": "de", "espagnol": "es"}
        return Samples(good, ["Klingon", "xx", "f", "12", "<b>fr</b>", "f\x00r", "\x00", "f" * 1_000_000])
