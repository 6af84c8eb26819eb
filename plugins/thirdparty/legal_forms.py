"""Legal forms of companies as people type them (TP-3); which there are, the manifest and administrators say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from functools import cached_property

from core.api import Choice, Invalid, Samples

_SIGNS = re.compile(r"[\W_]+")
LONGEST = 60
SAMPLED = 6


class LegalForm(Choice):
    """One of the legal forms; typed with or without points: `S.A.R.L.` is SARL."""

    name = "legal_form"
    maximum = LONGEST

    @cached_property
    def _by_letters(self) -> Mapping[str, str]:
        found: dict[str, set[str]] = {}
        for option in self.offered:
            found.setdefault(_letters(option.code), set()).add(option.code)
        return {letters: codes.pop() for letters, codes in found.items() if len(codes) == 1}

    def find(self, text: str) -> str:
        try:
            return super().find(text)
        except Invalid:
            if (code := self._by_letters.get(_letters(text))) is None:
                raise
            return code

    def samples(self) -> Samples:
        found = super().samples()
        return Samples(dict(itertools.islice(found.good.items(), SAMPLED)), found.bad)


def _letters(text: str) -> str:
    return _SIGNS.sub("", text[:LONGEST].casefold())
