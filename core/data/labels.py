"""Labels that administrators write, one per language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.i18n import Message


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
