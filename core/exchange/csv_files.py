"""CSV files that leave the house: a text in them is never a formula, and comes back as it was (SECURITY A08, T68)."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

QUOTE = "'"
_FORMULA = re.compile(r"'*(?:[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
"""What a spreadsheet may take for a formula, also behind blanks, or behind quotes that this module put there."""
NUMBER = re.compile(r"[-+]?\d[\d.,]*")
SEPARATORS = {"semicolon": ";", "comma": ",", "tab": "\t"}
CSV = "text/csv"


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a file is written: the separator, one of `SEPARATORS`, and whether it begins with the mark of UTF-8."""

    separator: str = "comma"
    mark: bool = True


def defuse(text: str) -> str:
    """`text` with a quote before it if a spreadsheet could run it; `restore` takes that away again."""
    return QUOTE + text if _FORMULA.match(text) else text


def restore(text: str) -> str:
    """The text that `defuse` was given."""
    return text[1:] if text.startswith(QUOTE) and _FORMULA.match(text[1:]) else text


class CsvWriter:
    """Writes rows of texts into an open file, each as soon as it is given: nothing is kept."""

    def __init__(self, handle: BinaryIO, form: CsvForm) -> None:
        self._text = io.TextIOWrapper(handle, encoding="utf-8", newline="", write_through=True)
        if form.mark:
            handle.write(codecs.BOM_UTF8)
        self._writer = csv.writer(self._text, delimiter=SEPARATORS[form.separator])

    def row(self, cells: Sequence[str]) -> None:
        """Write one line."""
        self._writer.writerow(cells)

    def end(self) -> None:
        """Hand the file back, which stays open."""
        self._text.detach()
