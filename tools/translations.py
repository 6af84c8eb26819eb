"""Collect the words of Comptoir into its catalogues, put French spacing right, and say what is still to translate.

The words of the core go to ``core/translations/fr/LC_MESSAGES/messages.po``, those of a plugin that the core does not
have to ``plugins/<name>/translations/fr/LC_MESSAGES/messages.po``. What is translated stays; a message whose English
changed a little keeps its French, marked fuzzy, until somebody has looked at it and removed the mark. With ``--check``
nothing is written: a catalogue that would change counts as a problem (US-6, UX 3.5).
"""

from __future__ import annotations

import argparse
import difflib
import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGE = "fr"
PLURAL_FORMS = "nplurals=2; plural=(n > 1);"
FORMS = 2
KEYWORDS = {
    "_": None,
    "lazy": None,
    "gettext": None,
    "ngettext": (1, 2),
    "lazy_plural": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_context": ((1, "c"), 2),
}
"""What marks words in code, as in `core.i18n`: `(1, "c")` is a context."""
PLACES = re.compile(r"%\((\w+)\)[a-z]|\{[^{}\s]*\}")
ALIKE = 0.8
"""How alike two English texts are for one to lend the other its French (0 to 1)."""

Key = tuple[str | None, str, str | None]
"""Context, singular, plural."""
Forms = tuple[str, ...]

NARROW, WIDE = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
BLANK = f"[ {NARROW}{WIDE}]"
SPACING = (
    (re.compile(r"(?<=\w)'"), "’"),
    (re.compile(r"(?<!\{)\.\.\."), "…"),
    (re.compile(rf"(?<=[^\s«:;!?]){BLANK}*:(?=\s|$)"), f"{WIDE}:"),
    (re.compile(rf"(?<=[^\s«:;!?]){BLANK}*([;!?])(?=\s|$|{BLANK}*»)"), rf"{NARROW}\1"),
    (re.compile(rf"«{BLANK}*"), f"«{WIDE}"),
    (re.compile(rf"{BLANK}*»"), f"{WIDE}»"),
)


@dataclass
class Words:
    """The messages of the core or of one plugin: key -> files, and key -> French."""

    folder: Path
    files: dict[Key, set[str]] = field(default_factory=dict)
    french: dict[Key, Forms] = field(default_factory=dict)
    fuzzy: set[Key] = field(default_factory=set)

    @property
    def catalogue(self) -> Path:
        return self.folder / "translations" / LANGUAGE / "LC_MESSAGES" / "messages.po"


def typographic(text: str) -> str:
    """French text with its no-break spaces and apostrophes."""
    for pattern, right in SPACING:
        text = pattern.sub(right, text)
    return text


def name_of(path: Path) -> str:
    """A path as the catalogues and messages write it: from the root, with slashes."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()


def extract(folder: Path) -> dict[Key, set[str]]:
    """Every marked message of a folder, with the files it is in."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found: dict[Key, set[str]] = {}
    for name, _line, words, _comments, context in extract_from_dir(folder, methods, options, KEYWORDS):
        singular, plural = (words[0], words[1]) if isinstance(words, tuple | list) else (words, None)
        if singular:
            found.setdefault((context, singular, plural), set()).add(name_of(folder / name))
    return found


def key_of(message: Message) -> Key:
    """The key of a message of a catalogue."""
    if isinstance(message.id, tuple | list):
        return (message.context, message.id[0], message.id[1])
    return (message.context, message.id, None)


def read(words: Words) -> None:
    """Read the French there is."""
    if not words.catalogue.exists():
        return
    with words.catalogue.open("rb") as file:
        catalog = read_po(file, locale=LANGUAGE, abort_invalid=True)
    for message in catalog:
        if message.id:
            forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
            words.french[key_of(message)] = tuple(form or "" for form in forms)
            if message.fuzzy:
                words.fuzzy.add(key_of(message))


def places_to_translate(root: Path = ROOT) -> Iterator[Words]:
    """The core, then each plugin, in the order of their names."""
    yield Words(root / "core")
    for folder in sorted((root / "plugins").iterdir()):
        if (folder / "__init__.py").exists():
            yield Words(folder)


def collect(everything: list[Words]) -> None:
    """Extract, drop what the core has from the plugins, and carry the French over."""
    core = everything[0]
    known: dict[Key, Forms] = {}
    for words in everything:
        read(words)
        for key, forms in words.french.items():
            if key not in words.fuzzy and all(forms):
                known.setdefault(key, forms)
    for words in everything:
        had, fuzzy = words.french, words.fuzzy
        words.files = {
            key: files for key, files in extract(words.folder).items() if words is core or key not in core.files
        }
        gone = {key[1]: key for key in had if key not in words.files and all(had[key])}
        words.french, words.fuzzy = {}, set()
        for key in words.files:
            count = FORMS if key[2] is not None else 1
            forms = had.get(key) or known.get(key) or ("",) * count
            if not all(forms) and (alike := difflib.get_close_matches(key[1], gone, 1, ALIKE)):
                forms = (had[gone[alike[0]]] * count)[:count]
                words.fuzzy.add(key)
            elif key in fuzzy:
                words.fuzzy.add(key)
            words.french[key] = tuple(typographic(form) for form in forms)


def wording(words: Words) -> str:
    """The catalogue as a file: sorted, without dates or line numbers, so that it changes only when words do."""
    catalog = Catalog(locale=LANGUAGE, fuzzy=False)
    for key in sorted(words.files, key=lambda key: (key[1], key[0] or "")):
        context, singular, plural = key
        forms = words.french[key]
        catalog.add(
            singular if plural is None else (singular, plural),
            forms[0] if plural is None else forms,
            [(name, 0) for name in sorted(words.files[key])],
            flags={"fuzzy"} if key in words.fuzzy else set(),
            context=context,
        )
    file = io.BytesIO()
    write_po(file, catalog, width=0, omit_header=True, sort_output=True, include_lineno=False)
    header = (
        "# The words of Comptoir in French; `make translations` keeps the list up to date.\n"
        'msgid ""\n'
        'msgstr ""\n'
        f'"Language: {LANGUAGE}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {PLURAL_FORMS}\\n"\n\n'
    )
    return header + file.getvalue().decode("utf-8").strip("\n") + "\n"


def places(text: str | None) -> frozenset[str]:
    """The places of a text that are filled in: `%(name)s` and `{name}`."""
    return frozenset(match.group() for match in PLACES.finditer(text or ""))


def problems(everything: Iterable[Words]) -> Iterator[str]:
    """What is missing, unchecked or wrong, one line each."""
    said: dict[tuple[str | None, str], tuple[Forms, str]] = {}
    for words in everything:
        where = name_of(words.catalogue)
        for key in sorted(words.files, key=lambda key: (key[1], key[0] or "")):
            context, singular, plural = key
            forms = words.french[key]
            label = f"{where}: {f'[{context}] ' if context else ''}{singular!r}"
            if not all(forms):
                yield f"{label} has no French"
            elif key in words.fuzzy:
                yield f"{label} has the French of a similar text: check it and remove the word fuzzy"
            elif plural is None:
                if places(forms[0]) != places(singular):
                    yield f"{label}: {sorted(places(forms[0]) ^ places(singular))} is in one of the two languages only"
            elif places(forms[0]) not in (places(singular), places(plural)) or places(forms[1]) != places(plural):
                yield f"{label}: the forms do not have the same places in both languages"
            other = said.setdefault((context, singular), (forms, where))
            if all(forms) and other[0] != forms and len(other[0]) == len(forms):
                yield f"{label} is said otherwise in {other[1]}: give one of them a context"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a catalogue would change")
    check = parser.parse_args(arguments).check
    everything = list(places_to_translate())
    collect(everything)
    wrong = list(problems(everything))
    for words in everything:
        path = words.catalogue
        new, old = wording(words) if words.files else "", path.read_text("utf-8") if path.exists() else ""
        if new == old:
            continue
        if check:
            wrong.append(f"{name_of(path)} is out of date: run make translations")
        elif new:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new, "utf-8")
        else:
            path.unlink()
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"translations: {sum(len(words.files) for words in everything)} messages are in French")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
