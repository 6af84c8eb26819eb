"""VAT numbers and registration numbers of companies, checked and brought into form by python-stdnum (TP-3).

A country the library does not know is not refused: its numbers are kept as typed, without blanks and points.
"""

from __future__ import annotations

import importlib
import re
from types import ModuleType

from stdnum import get_cc_module
from stdnum.exceptions import ValidationError

from core.api import Invalid, KeyedText, Samples, lazy as _

MAXIMUM_NUMBER = 32
_SEPARATORS = re.compile(r"[\s./\-\u00a0\u202f\u2010-\u2015]+")
_NUMBER = re.compile(r"[A-Z0-9+*]{2,32}")
_VAT_PREFIXES = {"EL": "gr", "XI": "gb"}
"""Prefixes that are no country code of ISO 3166."""
_EUROPEAN = frozenset(
    "AT BE BG CY CZ DE DK EE EL ES FI FR GB GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI".split()
)
"""What a VAT number of these begins with says whose it is, so a wrong one can be refused."""

REGISTRATIONS: dict[str, str] = {
    "AT": "at.businessid", "AU": "au.abn", "BE": "be.vat", "BR": "br.cnpj", "CA": "ca.bn", "CH": "ch.uid",
    "DK": "dk.cvr", "EE": "ee.registrikood", "ES": "es.nif", "FI": "fi.ytunnus", "FR": "fr.siren", "HR": "hr.oib",
    "IT": "it.iva", "MA": "ma.ice", "MX": "mx.rfc", "NO": "no.orgnr", "PL": "pl.regon", "PT": "pt.nif",
    "RO": "ro.cui", "SE": "se.orgnr", "SI": "si.maticna", "TN": "tn.mf", "US": "us.ein",
}  # fmt: skip
"""Country -> the number under which a company is registered there, as the library calls it."""
ESTABLISHMENTS: dict[str, str] = {"FR": "fr.siret"}
"""Country -> the number of one of its establishments."""


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"stdnum.{name}")


def compact(text: str) -> str:
    """Capital letters and digits without what people put between them."""
    return _SEPARATORS.sub("", text).upper()


def vat_number(text: str, country: str | None = None) -> str:
    """A VAT number in canonical form, with its prefix as far as that is known. Raises `Invalid` when it cannot be one.

    `country`: whose it is when the number itself does not say so.
    """
    number = compact(text)
    if not _NUMBER.fullmatch(number):
        raise _wrong_vat()
    prefix = number[:2]
    if prefix in _EUROPEAN:
        return _european(prefix, number[2:])
    if country in _EUROPEAN and not prefix.isalpha():
        return _european(country, number)
    return number


def _european(prefix: str, body: str) -> str:
    module = get_cc_module(_VAT_PREFIXES.get(prefix, prefix).lower(), "vat")
    try:
        if module is None:
            raise _wrong_vat()
        return f"{'EL' if prefix == 'GR' else prefix}{str(module.validate(body)).upper()}"
    except ValidationError:
        raise _wrong_vat() from None


def _wrong_vat() -> Invalid:
    return Invalid(_("Enter a VAT number like FR 40 303 265 045; a digit or letter of this one is wrong"))


def registration_number(text: str, country: str | None) -> str:
    """The number under which a company is registered in `country`. Raises `Invalid`."""
    return _national(text, REGISTRATIONS.get(country or ""), _("registration number"))


def establishment_number(text: str, country: str | None) -> str:
    """The number of one of its establishments. Raises `Invalid`."""
    return _national(text, ESTABLISHMENTS.get(country or ""), _("establishment number"))


def _national(text: str, name: str | None, what: object) -> str:
    if name is None:
        return text
    try:
        return str(_module(name).validate(compact(text)))
    except ValidationError as error:
        raise Invalid(
            _("This is no %(what)s of that country: a digit is missing or wrong. Check the country, too.", what=what)
        ) from error


class VatNumber(KeyedText):
    """A VAT number; one of a European country is checked, others are kept without blanks."""

    name = "vat_number"
    maximum = MAXIMUM_NUMBER
    json = {"type": "string", "pattern": "^[A-Z0-9+*]{2,32}$"}

    def key(self, value: str) -> str | None:
        return compact(value) or None

    def read(self, text: str) -> str:
        return vat_number(text)

    def check(self, value: str) -> str:
        return vat_number(value)

    def samples(self) -> Samples:
        good = {"FR 40 303 265 045": "FR40303265045", "de136695976": "DE136695976", "EL 094259216": "EL094259216"}
        good |= {"CHE-107.787.577 TVA": "CHE107787577TVA"}
        bad = ["FR 41 303 265 045", "DE13669597", "x", "<b>FR</b>", "FR40303265045\x00", "'; DROP", "1" * 1_000_000]
        return Samples(good, bad)
