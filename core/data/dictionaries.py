"""Lists of values kept by administrators (PR-1), read when a generation is built."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contract.contributions import Dictionary
from core.data.tables import DictionaryEntry
from core.fields import Option
from core.i18n import LANGUAGES, Message, current_locale


@dataclass(frozen=True, slots=True)
class Labels(Message):
    """A label an administrator may change, kept per language; English when a language is missing."""

    by_language: tuple[tuple[str, str], ...] = ()

    def translated(self, language: str) -> str:
        """The label in `language`."""
        labels = dict(self.by_language)
        return labels.get(language) or labels.get("en") or self.singular

    def __str__(self) -> str:
        return self.translated(current_locale().language)


def read_dictionaries(session: Session) -> dict[str, tuple[Option, ...]]:
    """All lists: name -> options in their order."""
    found: dict[str, list[Option]] = {}
    statement = select(DictionaryEntry).order_by(
        DictionaryEntry.dictionary, DictionaryEntry.position, DictionaryEntry.id
    )
    for entry in session.scalars(statement):
        label = Labels(entry.code, by_language=tuple(sorted(entry.labels.items())))
        found.setdefault(entry.dictionary, []).append(Option(entry.code, label, entry.tone))
    return {name: tuple(options) for name, options in found.items()}


def seed_dictionary(session: Session, dictionary: Dictionary) -> None:
    """Write the shipped values that are missing; what administrators changed stays."""
    statement = select(DictionaryEntry.code).where(DictionaryEntry.dictionary == dictionary.name)
    known = set(session.scalars(statement))
    for position, option in enumerate(dictionary.options):
        if option.code not in known:
            label = option.label
            labels = {code: label.translated(code) if isinstance(label, Message) else str(label) for code in LANGUAGES}
            session.add(
                DictionaryEntry(
                    dictionary=dictionary.name, code=option.code, labels=labels, tone=option.tone, position=position
                )
            )
