"""Words in the user's language and figures in the user's region (US-6).

`lazy` (written `_` by convention) marks a message and translates it when it is shown, so that manifests and errors can
be made before anybody's language is known. Language and region come from the context, never from a global setting.
"""

from __future__ import annotations

import datetime
import decimal
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale as BabelLocale, dates, numbers, support

LANGUAGES = {"en": "English", "fr": "Français"}
DEFAULT_REGION = {"en": "GB", "fr": "FR"}
CORE_CATALOGUES = Path(__file__).parent / "translations"


class Locale(NamedTuple):
    """How one person reads: language of words, region of figures, time zone of instants."""

    language: str = "en"
    region: str = "GB"
    timezone: str = "UTC"


_current: ContextVar[Locale] = ContextVar("comptoir_locale", default=Locale())  # noqa: B039 - an immutable tuple
_folders: list[Path] = [CORE_CATALOGUES]


def current_locale() -> Locale:
    """The locale of the person this code is working for."""
    return _current.get()


def set_locale(locale: Locale) -> None:
    """Set the locale for the rest of this context (a request, a job)."""
    _current.set(locale)


@contextmanager
def use_locale(locale: Locale) -> Iterator[None]:
    """Work in `locale` inside the block."""
    token = _current.set(locale)
    try:
        yield
    finally:
        _current.reset(token)


def add_catalogues(folder: Path) -> None:
    """Add a plugin's `translations` folder; the core's words win over a plugin's (first folder first)."""
    if folder not in _folders:
        _folders.append(folder)
        _catalogue.cache_clear()


@functools.lru_cache(maxsize=8)
def _catalogue(language: str) -> support.NullTranslations:
    merged = support.Translations()
    for folder in reversed(_folders):
        found = support.Translations.load(folder, [language])
        if isinstance(found, support.Translations):
            merged.merge(found)
            merged.plural = found.plural  # merge() leaves it: without, French would say "0 pistes"
    return merged


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is translated when it is turned into text."""

    singular: str
    plural: str | None = None
    number: int = 1
    values: tuple[tuple[str, object], ...] = ()
    context: str | None = None

    def __str__(self) -> str:
        return self.translated(_current.get().language)

    def __html__(self) -> str:
        from markupsafe import escape

        return str(escape(str(self)))

    def translated(self, language: str) -> str:
        """The text in `language`; the English original when the catalogue has none."""
        catalogue = _catalogue(language)
        if self.plural is not None:
            text = str(catalogue.ungettext(self.singular, self.plural, self.number))
        elif self.context is not None:
            text = str(catalogue.upgettext(self.context, self.singular))
        else:
            text = str(catalogue.ugettext(self.singular))
        return text % dict(self.values) if self.values else text


Text = str | Message


def lazy(message: str, /, **values: object) -> Message:
    """A message with `%(name)s` places, translated when shown."""
    return Message(message, values=tuple(values.items()))


def lazy_plural(singular: str, plural: str, number: int, /, **values: object) -> Message:
    """As `lazy`, choosing singular or plural by `number` (French: 0 and 1 are singular)."""
    return Message(singular, plural, number, (("number", number), *values.items()))


def lazy_context(context: str, message: str, /, **values: object) -> Message:
    """As `lazy`, for a word whose translation depends on where it stands."""
    return Message(message, values=tuple(values.items()), context=context)


def gettext(message: str, /, **values: object) -> str:
    """The message in the current language, now."""
    return str(lazy(message, **values))


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """The singular or plural message in the current language, now."""
    return str(lazy_plural(singular, plural, number, **values))


def pgettext(context: str, message: str, /, **values: object) -> str:
    """The message with its context in the current language, now."""
    return str(lazy_context(context, message, **values))


@functools.lru_cache(maxsize=64)
def babel_locale(locale: Locale) -> BabelLocale:
    """Babel's locale for a language and region; falls back to the language when Babel does not know the pair."""
    try:
        return BabelLocale(locale.language, locale.region)
    except Exception:  # babel raises UnknownLocaleError, a plain Exception
        return BabelLocale(locale.language)


def format_integer(value: int) -> str:
    """1234567 -> `1,234,567` or `1 234 567`, with a true minus sign (UX 3.4)."""
    return numbers.format_decimal(value, locale=babel_locale(_current.get())).replace("-", "\N{MINUS SIGN}")


def format_decimal(value: decimal.Decimal, places: int) -> str:
    """A number with a fixed number of decimals."""
    pattern = "#,##0" + ("." + "0" * places if places else "")
    text = numbers.format_decimal(
        value, format=pattern, locale=babel_locale(_current.get()), decimal_quantization=False
    )
    return text.replace("-", "\N{MINUS SIGN}")


def format_amount(value: decimal.Decimal, currency: str) -> str:
    """Money always with its currency: `12 450,00 €` (UX 3.4)."""
    return numbers.format_currency(value, currency, locale=babel_locale(_current.get())).replace("-", "\N{MINUS SIGN}")


def format_size(size: int) -> Message:
    """A number of bytes as people say it: `312 kB`, `1.4 MB`; in French `312 ko`, `1,4 Mo`."""
    thousand = 1024
    if size < thousand:
        return lazy("%(number)s bytes", number=size)
    if size < thousand**2:
        return lazy("%(number)s kB", number=round(size / thousand))
    tenths = decimal.Decimal(size * 10 // thousand**2) / 10
    return lazy("%(number)s MB", number=format_decimal(tenths, 0 if tenths == int(tenths) else 1))


def format_date(value: datetime.date) -> str:
    """`12/01/2026` in French, `12 Jan 2026` in English (UX 3.4)."""
    locale = _current.get()
    pattern = "dd/MM/yyyy" if locale.language == "fr" else "d MMM yyyy"
    return str(dates.format_date(value, format=pattern, locale=babel_locale(locale)))


def format_datetime(value: datetime.datetime) -> str:
    """An aware instant in the person's time zone, to the minute."""
    locale = _current.get()
    local = value.astimezone(ZoneInfo(locale.timezone))
    return f"{format_date(local.date())} {local:%H:%M}"


def decimal_mark() -> str:
    """The character between units and decimals in the current region."""
    return numbers.get_decimal_symbol(babel_locale(_current.get()))


@functools.lru_cache(maxsize=8)
def territories(language: str) -> dict[str, str]:
    """ISO 3166 code -> name in `language`, countries only."""
    names = BabelLocale(language).territories
    return {code: name for code, name in names.items() if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY}


_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"})
