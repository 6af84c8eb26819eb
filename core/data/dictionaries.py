"""Lists of values kept by administrators (PR-1), read when a generation is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contract.contributions import Dictionary
from core.data.tables import DictionaryEntry
from core.fields import Option
from core.i18n import LANGUAGES, Message


@dataclass(frozen=True, slots=True)
class Labels(Message):
    """A label an administrator may change, kept per language; English when a language is missing."""

    by_language: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, code: str, labels: Mapping[str, str]) -> Labels:
        """The labels stored for a code, by language."""
        return cls(code, by_language=tuple(sorted(labels.items())))

    def translated(self, language: str) -> str:
        """The label in `language`."""
        labels = dict(self.by_language)
        return labels.get(language) or labels.get("en") or self.singular


def read_dictionaries(session: Session) -> dict[str, tuple[Option, ...]]:
    """All lists: name -> options in their order."""
    found: dict[str, list[Option]] = {}
    for entry in session.scalars(select(DictionaryEntry).order_by(DictionaryEntry.position, DictionaryEntry.id)):
        option = Option(entry.code, Labels.of(entry.code, entry.labels), entry.tone)
        found.setdefault(entry.dictionary, []).append(option)
    return {name: tuple(options) for name, options in found.items()}


def seed_dictionary(session: Session, dictionary: Dictionary) -> None:
    """Write the shipped values that are missing; what administrators changed stays."""
    known = set(session.scalars(select(DictionaryEntry.code).filter_by(dictionary=dictionary.name)))
    for position, option in enumerate(dictionary.options):
        if option.code not in known:
            label = option.label
            labels = {code: label.translated(code) if isinstance(label, Message) else str(label) for code in LANGUAGES}
            shipped = {"code": option.code, "labels": labels, "tone": option.tone, "position": position}
            session.add(DictionaryEntry(dictionary=dictionary.name, **shipped))
