"""The command `comptoir`. Modules of commands are imported only when needed, so that light commands answer at once."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

COMMANDS = (
    "serve", "worker", "sender", "job", "restart", "plugin", "user", "load", "numbering", "migration", "check",
)  # fmt: skip
"""Each is a module of `core.commands` with `register(subparsers)`; what it adds sets `run(arguments) -> exit code`.

One that sets `takes_more` finds options unknown to the parser in `arguments.more`.
"""
REFUSED = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 refused with a sentence."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    speak()
    parser = build_parser(given)
    parsed, more = parser.parse_known_args(given)
    if more and not getattr(parsed, "takes_more", False):
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    parsed.more = more
    return guarded(lambda: parsed.run(parsed))


def guarded(work: Callable[[], int | None]) -> int:
    """The exit code of `work`; what it refuses is said in a sentence, without a trace."""
    from core.errors import ComptoirError, ContractError

    try:
        return work() or 0
    except (ComptoirError, ContractError) as error:
        print(f"comptoir: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def build_parser(given: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser with the command that is asked for, or with all of them."""
    from core import __version__

    parser = argparse.ArgumentParser(prog="comptoir", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"Comptoir {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    wanted = [name for name in COMMANDS if given and name == given[0]] or COMMANDS
    for name in wanted:
        importlib.import_module(f"core.commands.{name}").register(subparsers)
    return parser


def speak() -> None:
    """Answer in the language of the terminal."""
    from core.i18n import DEFAULT_REGION, LANGUAGES, Locale, set_locale

    spoken = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    language = spoken[:2] if spoken[:2] in LANGUAGES else "en"
    set_locale(Locale(language, DEFAULT_REGION[language]))


if __name__ == "__main__":
    sys.exit(main())
