"""One value of a few: choices, statuses with declared moves, yes or no."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from markupsafe import escape
from sqlalchemy import Boolean as SqlBoolean, ColumnElement, true
from sqlalchemy.types import TypeEngine

from core.errors import ContractError, Invalid
from core.fields.base import IS, Control, FieldType, Option, Samples
from core.fields.keys import excerpt, fold
from core.fields.text import StoredText
from core.i18n import LANGUAGES, Message, Text, lazy as _, lazy_context

CODE_LENGTH = 64
RADIO_LIMIT = 3
"""Up to so many options are shown at once, more in a list."""

SHAPES = {"neutral": "○", "info": "◔", "progress": "◑", "success": "✓", "warning": "▲", "danger": "✕"}
"""Tone -> shape, so that a status never rests on colour alone (UX 3.3)."""


ICONS = {
    "ring": "○", "quarter": "◔", "half": "◑", "tick": "✓", "triangle": "▲", "cross": "✕", "star": "★", "flag": "⚑",
}  # fmt: skip
"""Shapes an administrator may give a value in place of its tone's (PR-1)."""


def badge(label: Text, tone: str, icon: str = "") -> str:
    """A status as HTML: shape and word in the tone's colour; an unknown tone is neutral, an unknown icon the tone's."""
    tone = tone if tone in SHAPES else "neutral"
    own = f" k-{icon}" if icon in ICONS else ""
    shape = f'<span aria-hidden="true" class="shape">{ICONS.get(icon, SHAPES[tone])}</span>'
    return f'<span class="status status-{tone}{own}">{shape} {escape(str(label))}</span>'


def wordings(label: Text) -> set[str]:
    """A label in every language of the product."""
    return {label.translated(language) for language in LANGUAGES} if isinstance(label, Message) else {label}


class Listed:
    """What types share whose values are rows of a list: their own, or a named one that the registry binds."""

    options: Mapping[str, Text] | Sequence[Option]
    dictionary: str | None

    def bound(self, options: Sequence[Option]) -> Self:
        """This type with the rows of its list."""
        bound: Self = replace(self, options=options)  # type: ignore[type-var]  # the types are dataclasses
        return bound

    @functools.cached_property
    def by_code(self) -> dict[str, Option]:
        """The rows by their codes; none while the list is not bound."""
        if isinstance(self.options, Mapping):
            return {code: Option(code, label) for code, label in self.options.items()}
        return {option.code: option for option in self.options}

    @property
    def allowed(self) -> tuple[Option, ...]:
        """The rows there are."""
        return tuple(option for option in self.by_code.values() if not option.gone)

    @property
    def offered(self) -> tuple[Option, ...]:
        """Those that can be chosen anew."""
        return tuple(option for option in self.by_code.values() if option.open)

    @functools.cached_property
    def codes_by_word(self) -> dict[str, str]:
        """Folded word for a row -> its code; a word two rows share means neither, unless only one can be chosen anew."""
        found: dict[str, list[Option]] = {}
        for option in self.allowed:
            for word in {fold(word) or word for word in self.words(option)}:
                found.setdefault(word, []).append(option)
        meant = {word: [one for one in rows if one.open] or rows for word, rows in found.items()}
        return {word: rows[0].code for word, rows in meant.items() if len(rows) == 1}

    def words(self, option: Option) -> set[str]:
        """What people may type for a row beside its very code: its label in any language."""
        return wordings(option.label)

    def find(self, text: str) -> str:
        """The code a person typed, or that of the label; of a removed one that which took its place. Raises `Invalid`."""
        code = text if text in self.by_code else self.known(self.codes_by_word.get(fold(text) or text, text))
        for _removal in self.by_code:  # the other may have been removed since, too
            if not self.by_code[code].gone or self.by_code[code].instead not in self.by_code:
                break
            code = self.by_code[code].instead
        return code

    def known(self, code: str) -> str:
        """`code`; raises `Invalid` when it is not in the list."""
        if code not in self.by_code:
            raise Invalid(_("%(text)s is not in the list. Choose one of its values.", text=excerpt(code)))
        return code

    def label_of(self, code: str, otherwise: str) -> str:
        """What people call a row; `otherwise` when it is gone."""
        return str(self.by_code[code].label) if code in self.by_code else otherwise


def occurring(kind: FieldType[Any]) -> Sequence[Option]:
    """What values of a type may be found in records: those that can be chosen, and those that could be once."""
    return kind.allowed if isinstance(kind, Listed) else kind.control().options


@dataclass(frozen=True, eq=False)
class Choice(Listed, StoredText):
    """One of the given options, or of an administrator's dictionary that the registry binds when it is built."""

    name = "choice"
    maximum = CODE_LENGTH

    options: Mapping[str, Text] | Sequence[Option] = ()
    dictionary: str | None = None

    def __post_init__(self) -> None:
        if not self.options and self.dictionary is None:
            raise ContractError("A choice needs options or a dictionary")
        if len(self.by_code) < len(self.options) or not all(
            len(code) <= CODE_LENGTH and fold(code) for code in self.by_code
        ):
            codes = list(self.by_code)
            raise ContractError(f"The codes of a choice must differ and have 1 to {CODE_LENGTH} characters: {codes}")

    @functools.cached_property
    def toned(self) -> bool:
        """Whether the options tell good from bad: only then they are shown as statuses."""
        return any(option.tone != "neutral" or option.icon for option in self.allowed)

    def words(self, option: Option) -> set[str]:
        return {option.code, *super().words(option)}

    def read(self, text: str) -> str:
        return self.find(text)

    def check(self, value: str) -> str:
        return self.known(value)

    def text(self, value: str) -> str:
        return self.label_of(value, value)

    def html(self, value: str) -> str:
        option = self.by_code.get(value) or Option(value, value)
        return (
            badge(option.label, option.tone, option.icon)
            if self.toned or value not in self.by_code
            else super().html(value)
        )

    def control(self) -> Control:
        return Control("radio" if len(self.offered) <= RADIO_LIMIT else "select", options=self.offered)

    def is_open(self, value: str) -> bool:
        return value not in self.by_code or self.by_code[value].open

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [option.code for option in self.allowed]}

    def samples(self) -> Samples:
        codes = {option.code: option.code for option in self.offered}
        return Samples(codes | self.codes_by_word | codes, ["no such choice", "<b>", "\x00", "!!!", "x" * 1_000_000])


@dataclass(frozen=True, eq=False)
class Status(Choice):
    """A choice that changes only along its declared moves; the core checks them in every unit of work."""

    name = "status"

    moves: Mapping[str, Collection[str]] | None = None
    """Code -> codes it may become; None allows every move."""

    def __post_init__(self) -> None:
        super().__post_init__()
        named = {code for old, news in (self.moves or {}).items() for code in (old, *news)}
        if self.by_code and not named <= self.by_code.keys():
            raise ContractError(f"The moves name statuses that do not exist: {sorted(named - self.by_code.keys())}")

    def allows(self, old: str | None, new: str | None) -> bool:
        """Along a declared move; staying is allowed, a first status, and leaving a code no longer known."""
        return self.moves is None or old == new or old not in self.by_code or new in self.moves.get(old, ())


YES, NO = lazy_context("answer", "Yes"), lazy_context("answer", "No")
_ANSWERS = dict.fromkeys(("on", "yes", "y", "oui", "o", "true", "vrai", "1", "x"), True) | dict.fromkeys(
    ("off", "no", "n", "non", "false", "faux", "0", ""), False
)


def _is_yes(column: ColumnElement[Any], yes: bool) -> ColumnElement[bool]:
    is_true: ColumnElement[bool] = column == true()
    return is_true if yes else column.is_distinct_from(true())


class Boolean(FieldType[bool]):
    """Yes or no. A form says nothing for an empty box, so nothing means no; so does NULL when comparing."""

    name = "boolean"
    operators = (IS._replace(test=_is_yes),)
    json = {"type": "boolean"}

    def column_type(self) -> TypeEngine[Any]:
        return SqlBoolean()

    def parse(self, raw: str) -> bool:
        return self.read(raw.strip())

    def read(self, text: str) -> bool:
        answer = _ANSWERS.get(text.lower()) if len(text) < 10 else None
        if answer is None:
            raise Invalid(_("Enter yes or no"))
        return answer

    def matches_nothing(self, operator: str, values: Sequence[str]) -> bool:
        return not self.parse(values[0])

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

    def samples(self) -> Samples:
        good = {word: answer for word, answer in _ANSWERS.items() if word} | {" Oui ": True, "FALSE": False}
        return Samples(good, ["perhaps", "2", "-1", "null", "<b>1</b>", "\x001", "１", "1" * 1_000_000])
