"""One value of a few: choices, statuses with declared moves, yes or no."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import InitVar, dataclass, field as attribute, replace
from typing import Any, Self

from markupsafe import escape
from sqlalchemy import Boolean as SqlBoolean, ColumnElement, true
from sqlalchemy.types import TypeEngine

from core.errors import ContractError, Invalid
from core.fields.base import IS, Control, FieldType, Option, Samples
from core.fields.keys import binary_string, excerpt, fold
from core.i18n import LANGUAGES, Message, Text, lazy as _, lazy_context

CODE_LENGTH = 64
RADIO_LIMIT = 3
"""Up to so many options are shown at once, more in a list."""

SHAPES = {"neutral": "○", "info": "◔", "progress": "◑", "success": "✓", "warning": "▲", "danger": "✕"}
"""Tone -> shape, so that a status never rests on colour alone (UX 3.3)."""


def badge(label: Text, tone: str) -> str:
    """A status as HTML: shape and word in the tone's colour; an unknown tone is neutral."""
    tone = tone if tone in SHAPES else "neutral"
    shape = f'<span aria-hidden="true" class="shape">{SHAPES[tone]}</span>'
    return f'<span class="status status-{tone}">{shape} {escape(str(label))}</span>'


def wordings(label: Text) -> set[str]:
    """A label in every language of the product."""
    return {label.translated(language) for language in LANGUAGES} if isinstance(label, Message) else {label}


@dataclass(frozen=True, eq=False)
class Choice(FieldType[str]):
    """One of the given options, or of an administrator's dictionary that the registry binds when it is built."""

    name = "choice"

    options: InitVar[Mapping[str, Text] | Sequence[Option] | None] = None
    dictionary: str | None = None
    allowed: tuple[Option, ...] = attribute(init=False)
    """The options there are; none while the dictionary is not bound."""

    def __post_init__(self, options: Mapping[str, Text] | Sequence[Option] | None) -> None:
        if isinstance(options, Mapping):
            options = [Option(code, label) for code, label in options.items()]
        if not options and self.dictionary is None:
            raise ContractError("A choice needs options or a dictionary")
        object.__setattr__(self, "allowed", tuple(options or ()))
        codes = [option.code for option in self.allowed]
        if len(set(codes)) < len(codes) or any(
            not 1 <= len(code) <= CODE_LENGTH or fold(code) is None for code in codes
        ):
            raise ContractError(f"The codes of a choice must differ and have 1 to {CODE_LENGTH} characters: {codes}")

    def bound(self, options: Sequence[Option]) -> Self:
        """This choice with the options of its dictionary."""
        return replace(self, options=options)

    @functools.cached_property
    def by_code(self) -> dict[str, Option]:
        """The options by their codes."""
        return {option.code: option for option in self.allowed}

    @functools.cached_property
    def toned(self) -> bool:
        """Whether the options tell good from bad: only then they are shown as statuses."""
        return any(option.tone != "neutral" for option in self.allowed)

    @functools.cached_property
    def codes_by_word(self) -> dict[str, str]:
        """Folded label in any language -> code; a word two options share means neither."""
        found: dict[str, set[str]] = {}
        for option in self.allowed:
            for word in {option.code, *wordings(option.label)}:
                found.setdefault(fold(word) or word, set()).add(option.code)
        return {word: codes.pop() for word, codes in found.items() if len(codes) == 1}

    def column_type(self) -> TypeEngine[Any]:
        return binary_string(CODE_LENGTH)

    def read(self, text: str) -> str:
        if text in self.by_code:
            return text
        code = self.codes_by_word.get(fold(text, CODE_LENGTH * 4) or text[:CODE_LENGTH])
        if code is None:
            raise self._unknown(text)
        return code

    def check(self, value: str) -> str:
        if value not in self.by_code:
            raise self._unknown(value)
        return value

    def _unknown(self, text: str) -> Invalid:
        return Invalid(_("%(text)s is not in the list. Choose one of its values.", text=excerpt(text)))

    def load(self, text: str) -> str:
        return text

    def text(self, value: str) -> str:
        option = self.by_code.get(value)
        return value if option is None else str(option.label)

    def html(self, value: str) -> str:
        option = self.by_code.get(value)
        if option is None:
            return badge(value, "neutral")
        return badge(option.label, option.tone) if self.toned else str(escape(str(option.label)))

    def edit_text(self, value: str) -> str:
        return value

    def control(self) -> Control:
        return Control("radio" if len(self.allowed) <= RADIO_LIMIT else "select", options=self.allowed)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [option.code for option in self.allowed]}

    def samples(self) -> Samples:
        good = {option.code: option.code for option in self.allowed}
        labels = {word: code for word, code in self.codes_by_word.items() if word not in good}
        bad = ["no such choice", "<b>", "\x00", "!!!", "x" * 1_000_000]
        return Samples(good | labels, bad)


@dataclass(frozen=True, eq=False)
class Status(Choice):
    """A choice that changes only along its declared moves; the core checks them in every unit of work."""

    name = "status"

    moves: Mapping[str, Collection[str]] | None = None
    """Code -> codes it may become; None allows every move."""

    def __post_init__(self, options: Mapping[str, Text] | Sequence[Option] | None) -> None:
        super().__post_init__(options)
        known = {option.code for option in self.allowed}
        named = {code for old, news in (self.moves or {}).items() for code in (old, *news)}
        if known and not named <= known:
            raise ContractError(f"The moves name statuses that do not exist: {sorted(named - known)}")

    def allows(self, old: str | None, new: str | None) -> bool:
        """Along a declared move; staying is allowed, a first status, and leaving a code no longer known."""
        return self.moves is None or old == new or old not in self.by_code or new in self.moves.get(old, ())


YES, NO = lazy_context("answer", "Yes"), lazy_context("answer", "No")
_ANSWERS = dict.fromkeys(("on", "yes", "y", "oui", "o", "true", "vrai", "1", "x"), True) | dict.fromkeys(
    ("off", "no", "n", "non", "false", "faux", "0", ""), False
)


@dataclass(frozen=True, eq=False)
class Boolean(FieldType[bool]):
    """Yes or no. A form says nothing for an empty box, so nothing means no; so does NULL when comparing."""

    name = "boolean"
    operators = (IS,)

    def column_type(self) -> TypeEngine[Any]:
        return SqlBoolean()

    def parse(self, raw: str) -> bool:
        return self.read(raw.strip())

    def read(self, text: str) -> bool:
        answer = _ANSWERS.get(text.lower()) if len(text) < 10 else None
        if answer is None:
            raise Invalid(_("Enter yes or no"))
        return answer

    def dump(self, value: bool) -> str:
        return "true" if value else "false"

    def load(self, text: str) -> bool:
        return text == "true"

    def seat(self, extra: Any, key: str) -> ColumnElement[Any]:
        return super().seat(extra, key) == "true"

    def text(self, value: bool) -> str:
        return str(YES if value else NO)

    def edit_text(self, value: bool) -> str:
        return "on" if value else ""

    def control(self) -> Control:
        return Control("checkbox")

    def criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        if operator != IS.name:
            return super().criterion(column, operator, values)
        yes: ColumnElement[bool] = column == true()
        return yes if self.parse(values[0]) else column.is_distinct_from(true())

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def samples(self) -> Samples:
        good = {word: answer for word, answer in _ANSWERS.items() if word} | {" Oui ": True, "FALSE": False}
        return Samples(good, ["perhaps", "2", "-1", "null", "<b>1</b>", "\x001", "１", "1" * 1_000_000])
