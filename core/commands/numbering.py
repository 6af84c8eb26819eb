"""`comptoir numbering check`: try a numbering mask on a few dates, without a database (TP-2).

Imports stay light so that the command answers at once and works before anything is installed or configured.
"""

from __future__ import annotations

import argparse
import datetime
import sys

from core.i18n import gettext as _
from core.masks import MaskError, check_sequence

REFUSED = 2
"""Exit code of a refusal; argparse uses the same one for arguments it cannot read."""
MAX_DIGITS = 18


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `numbering` and its sub-command `check` to the command line."""
    numbering = subparsers.add_parser("numbering", help=_("try numbering masks"), allow_abbrev=False)
    actions = numbering.add_subparsers(metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help=_("print the codes a mask gives on some dates"),
        description=_("Print the codes a numbering mask gives on some dates, one a line. Nothing is stored."),
        allow_abbrev=False,
    )
    check.add_argument("mask", metavar="MASK", help=_("the mask, for example 'CU{yy}{mm}-{0000}'"))
    check.add_argument("--dates", metavar="D1,D2", type=_dates, required=True, help=_("dates written YYYY-MM-DD"))
    check.add_argument("--last", metavar="N", type=_number, default=0, help=_("last number used before the first date"))
    check.add_argument(
        "--fiscal-month", metavar="M", type=_number, default=1, help=_("month the fiscal year starts in")
    )
    check.add_argument("--customer-code", metavar="C", help=_("customer code for {ccc}"))
    check.add_argument("--type", metavar="T", help=_("third-party type for {ttt}"))
    check.add_argument("--user-name", metavar="N", help=_("user name for {uuu}"))
    check.add_argument("--short-counters", action="store_true", help=_("allow counters of one or two digits"))
    check.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace) -> int:
    """Print the codes and return 0, or print why the mask is refused to standard error and return 2."""
    try:
        codes = check_sequence(
            arguments.mask,
            arguments.dates,
            arguments.last,
            fiscal_month=arguments.fiscal_month,
            short_counters=arguments.short_counters,
            customer_code=arguments.customer_code,
            type_code=arguments.type,
            user_name=arguments.user_name,
        )
    except MaskError as error:
        print(error, file=sys.stderr)
        return REFUSED
    print("\n".join(codes))
    return 0


def _dates(text: str) -> list[datetime.date]:
    """Dates separated by commas; argparse turns the error into a sentence and exit code 2."""
    return [_date(item.strip()) for item in text.split(",")]


def _date(text: str) -> datetime.date:
    # fromisoformat also takes 20260131 and 2026-W05-6: a mistyped date should be refused, not read as another one.
    try:
        date = datetime.date.fromisoformat(text)
    except ValueError:
        date = None
    if date is None or date.isoformat() != text:
        message = _("%(text)s is not a date: write dates as YYYY-MM-DD, separated by commas.", text=repr(text))
        raise argparse.ArgumentTypeError(message)
    return date


def _number(text: str) -> int:
    """A whole number that fits a counter; int() alone would also take 1_000 and digits of other scripts."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        message = _(
            "%(text)s is not a number: write digits only, at most %(limit)s.", text=repr(text), limit=MAX_DIGITS
        )
        raise argparse.ArgumentTypeError(message)
    return int(text)
