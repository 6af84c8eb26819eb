"""`comptoir load ENTITY FILE.csv --map field=Column,...`: real rows, through the unit of work."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.errors import ComptoirError


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("load", help="load rows of a CSV file", allow_abbrev=False)
    parser.add_argument("entity", help="what the rows are, such as thirdparty")
    parser.add_argument("file", type=Path, help="a CSV file with a header line")
    parser.add_argument("--map", required=True, metavar="FIELD=COLUMN,...", help="which column fills which field")
    parser.add_argument("--key", default="", metavar="FIELD,...", help="fields that recognise a row loaded before")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a value every row gets")
    parser.epilog = "Any other option is a field with a value for every row: --role prospect"
    parser.set_defaults(run=run, takes_more=True)


def run(arguments: argparse.Namespace) -> int:
    """Load the file; 0 when every row was taken or known, 1 when some were refused, 2 when nothing could be done."""
    from core.commands.common import started_runtime
    from core.commands.progress import Bar
    from core.exchange.load import Plan, load_file

    try:
        constants = {**_pairs(arguments.set), **_options(getattr(arguments, "more", []))}
        columns = _pairs(arguments.map.split(","))
        with started_runtime() as runtime:
            generation = runtime.generation
            plan = Plan(
                generation.registry.entity(arguments.entity),
                columns,
                constants,
                [name for name in arguments.key.split(",") if name],
            )
            bar = Bar(_lines(arguments.file))
            outcome = load_file(runtime.context(generation), plan, arguments.file, bar.move)
            bar.end()
    except ComptoirError as error:
        print(f"comptoir load: {error}", file=sys.stderr)
        return 2
    for rejected in outcome.rejected:
        where = f"line {rejected.line}" + (f", column {rejected.column}" if rejected.column else "")
        print(f"{where}: {rejected.reason}", file=sys.stderr)
    if outcome.encoding == "cp1252":
        print("the file is not UTF-8 and was read as Windows-1252: look at a name with accents", file=sys.stderr)
    print(
        f"{outcome.created} created, {outcome.known} known already, {len(outcome.rejected)} refused in {bar.seconds:.1f} s"
    )
    return 1 if outcome.rejected else 0


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ComptoirError(f"write FIELD=VALUE instead of {text!r}")
        pairs[name.strip()] = value
    return pairs


def _options(more: list[str]) -> dict[str, str]:
    """`--role prospect --country=FR` as pairs."""
    pairs: dict[str, str] = {}
    words = iter(more)
    for word in words:
        if not word.startswith("--"):
            raise ComptoirError(f"{word!r} is not understood; a value for every row is --FIELD VALUE")
        name, equals, value = word[2:].partition("=")
        pairs[name] = value if equals else next(words, "")
    return pairs


def _lines(file: Path) -> int:
    if not file.is_file():
        return 0
    with file.open("rb") as handle:
        return max(0, sum(1 for _line in handle) - 1)
