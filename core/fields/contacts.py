"""How to reach people and companies: e-mail and telephone."""

from __future__ import annotations

import functools
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import escape

from core.errors import Invalid
from core.fields.base import CONTAINS, EMPTY, FILLED, IS, IS_NOT, Samples
from core.fields.keys import KEY_LENGTH, digits, narrow
from core.fields.text import KeyedText
from core.i18n import current_locale, lazy as _

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

MAXIMUM_EMAIL = 254

_PLAIN_EMAIL = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9]|-(?!-)){0,60}[a-z0-9]\.)+([a-z]{2,10})", re.ASCII
)


@functools.cache
def _reserved_endings() -> frozenset[str]:
    """Last labels of domains that no mail can reach, by the library's own list."""
    from email_validator import SPECIAL_USE_DOMAIN_NAMES

    return frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)


def read_email(text: str) -> str:
    """An address in canonical form: the part before @ as typed, the domain in lower case. Raises `Invalid`."""
    plain = _PLAIN_EMAIL.fullmatch(text) if len(text) < 64 else None
    if plain and plain[1] not in _reserved_endings():
        return text  # what nearly every address looks like, decided twenty times faster
    if len(text) <= MAXIMUM_EMAIL and "=?" not in text:  # which mail programs would decode (T71)
        from email_validator import EmailNotValidError, validate_email

        with suppress(EmailNotValidError, UnicodeError):
            address = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True).normalized
            if len(address) <= MAXIMUM_EMAIL:
                return address
    raise Invalid(_("Enter an email address like name@example.com"))


class Email(KeyedText):
    """An e-mail address."""

    name = "email"
    maximum = MAXIMUM_EMAIL
    attributes = {"type": "email", "autocomplete": "off"}
    json = {"type": "string", "format": "email"}

    def key(self, value: str) -> str | None:
        return value.lower()

    def read(self, text: str) -> str:
        return read_email(text[7:] if text[:7].lower() == "mailto:" else text)

    def check(self, value: str) -> str:
        return read_email(value)

    def html(self, value: str) -> str:
        return f'<a href="mailto:{escape(quote(value, safe="@"))}">{escape(value)}</a>'

    def samples(self) -> Samples:
        good = {text: text for text in ("name@example.com", "o'neil@example.org", "info@münchen.example.de")}
        good[" Jean.Martin+crm@EXAMPLE.Com "] = "Jean.Martin+crm@example.com"
        good["mailto:a@b.example.com"] = "a@b.example.com"
        bad = ["martin", "@example.com", "a@b", "a b@example.com", "a@example..com", "a@-example.com", "a@example.com\nBcc: b@example.com", "a@[127.0.0.1]", "<b>@example.com", "\"x y\"@example.com", "josé@example.com", "=?utf-8?q?a=0D=0A?=@example.com", "a@example.com,b@example.com", "\x00@example.com", "a@localhost", "x" * 65 + "@example.com", "a@" + "x" * 250 + ".com", "a" * 1_000_000 + "@example.com"]  # fmt: skip
        return Samples(good, bad)


_STORED_PHONE = re.compile(r"\+[1-9][0-9]{5,14}(?:;ext=[0-9]{1,7})?")
_TYPED_PHONE = re.compile(
    r"(?:tel:)?(\+?[0-9 ().\-/]{3,30}?)(?:[ ,;]*(?:ext|extension|poste|x|#)[.:=]? ?([0-9]{1,7}))?", re.IGNORECASE
)
_SEARCHED_PHONE = re.compile(r"\+?(?:[0-9][ ().\-/]*){3,20}")
FEWEST_DIGITS = 3
"""From so many on, what was typed into a search is looked for in telephone numbers."""
_PHONE_GLYPHS = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212·•", "------..")


def _understood(text: str, region: str) -> PhoneNumber | None:
    """The valid number `text` is when dialled in `region`."""
    import phonenumbers

    with suppress(phonenumbers.NumberParseException):
        number = phonenumbers.parse(text, region)
        return number if phonenumbers.is_valid_number(number) else None
    return None


@functools.lru_cache(maxsize=4096)
def _shown_phone(value: str, region: str) -> str:
    """A stored number as people in `region` write it: nationally when it is one of theirs."""
    import phonenumbers

    number = _understood(value, region)
    if number is None:
        return value
    home = phonenumbers.region_code_for_number(number) == region
    formats = phonenumbers.PhoneNumberFormat
    return str(phonenumbers.format_number(number, formats.NATIONAL if home else formats.INTERNATIONAL))


class Phone(KeyedText):
    """A telephone number, kept as `+33478000000` and, with an extension, `+33478000000;ext=12`."""

    name = "phone"
    operators = (CONTAINS, IS, IS_NOT, EMPTY, FILLED)
    maximum = 32
    attributes = {"type": "tel", "maxlength": "50", "autocomplete": "off"}
    json = {"type": "string", "pattern": f"^{_STORED_PHONE.pattern}$"}

    def key(self, value: str) -> str | None:
        return digits(value)

    def fragment(self, raw: str) -> str:
        """Digits without the zeros dialled at home or before a country code, which are not kept.

        Where too little would be left they are the digits of the end of a number: `0042` is not `42`.
        """
        found = digits(raw[:KEY_LENGTH].replace("(0)", ""))
        if not found:
            raise Invalid(_("Enter at least one digit to search for"))
        dialled = found.lstrip("0")
        return dialled if len(dialled) >= FEWEST_DIGITS else found

    def search_term(self, text: str) -> str | None:
        """Only what looks like a number: "Martin 75" is no telephone."""
        number = _SEARCHED_PHONE.fullmatch(text.strip())
        return self.part(text) if number else None

    def read(self, text: str) -> str:
        typed = _TYPED_PHONE.fullmatch(narrow(text).translate(_PHONE_GLYPHS)) if len(text) <= 50 else None
        if typed:
            import phonenumbers

            dialled = typed[1].strip()
            dialled = "+" + dialled[2:] if dialled.startswith("00") else dialled
            number = _understood(dialled, current_locale().region)
            if number:
                stored = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
                return f"{stored};ext={typed[2]}" if typed[2] else stored
        raise Invalid(_("Enter a phone number like 04 78 00 00 00 or +33 4 78 00 00 00"))

    def check(self, value: str) -> str:
        return value if _STORED_PHONE.fullmatch(value) else self.read(value)

    def text(self, value: str) -> str:
        return _shown_phone(value, current_locale().region)

    def html(self, value: str) -> str:
        return f'<a href="tel:{escape(value)}">{escape(self.text(value))}</a>'

    def edit_text(self, value: str) -> str:
        """As it is shown, where that reads back to the same."""
        shown = self.text(value)
        with suppress(Invalid):
            return shown if self.read(shown) == value else value
        return value

    def samples(self) -> Samples:
        good = {"+44 20 7946 0958": "+442079460958", "+1 (415) 555-0100 ext. 12": "+14155550100;ext=12"}
        for typed in ("+33 4 78 00 00 00", "+33 (0)4 78 00 00 00", "0033478000000", "+33\u00a04.78-00/00 00", "tel:+33478000000", "＋３３４７８００００００"):  # fmt: skip
            good[typed] = "+33478000000"
        bad = ["call me", "12", "+33 4 78", "+999 123456", "1-800-FLOWERS", "+33478000000\x00", "<b>+33478000000</b>", "+33478000000 or +33478000001", "NaN", "٠٤٧٨٠٠٠٠٠٠", "4" * 30, "4" * 1_000_000]  # fmt: skip
        return Samples(good, bad)
