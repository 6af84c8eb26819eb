"""The log: one line per event, as JSON or as text, with what is secret or personal masked (OPS-4, SECURITY A69, T80).

    logs.set_up("json")
    log = logging.getLogger("comptoir.mail")
    log.warning("the mail server refused %s mails", number, extra={"route": "/mail"})

A line of JSON has `time` (UTC), `level`, `logger`, `message`; while a request is answered also `request`, `user`, `method`,
`route` (the rule, never the path, which may name people) and `address`; while a job is done its number `job`, `job_name`,
and `request`, the request that caused it, so that both can be followed through all processes; then whatever `extra` gave, and `error` with the
traceback. Control characters are escaped, so that nobody forges a line.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, TextIO

Form = Literal["json", "text", ""]
FORMS: tuple[Form, ...] = ("json", "text", "")
"""What COMPTOIR_LOG may say; empty: text on a terminal, JSON elsewhere."""
MASKED = "[masked]"
LONGEST_TEXT = 8_000
"""Characters of a message or value that are kept."""
LONGEST_ERROR = 20_000
KEYS = r"pass(?:word|phrase|wd)|token|csrf|secret|authorization|cookie|api_?key|e_?mail|phone|mobile|iban|birth"
SECRET_KEY = re.compile(KEYS, re.IGNORECASE)
"""Names whose values are never written."""
VALUE = r"(\"[^\"]*\"|'[^']*'|(?:(?:bearer|basic)\s{1,3})?[^\s,;&)}\]]+)"
PAIR = re.compile(rf"([\"']?[\w.-]{{0,40}}(?:{KEYS})[\w.-]{{0,40}}[\"']?\s{{0,3}}[=:]\s{{0,3}}){VALUE}", re.IGNORECASE)
ADDRESS = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
ROW_VALUES = re.compile(r"(\)=\(|Failing row contains \()[^\n]*\)")
"""How PostgreSQL quotes a row it refused: `Key (email)=(lea@example.com) already exists`."""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
OWN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
SERVER_LOGGERS = ("_granian", "granian.access")
"""Loggers of the web server, which come with handlers of their own."""


@dataclass(slots=True)
class Facts:
    """What is known of the request being answered: for log lines and for the audit. Filled as it becomes known."""

    request_id: str
    method: str = ""
    address: str = ""
    browser: str = ""
    route: str = ""
    """The rule that matched, empty while none did."""
    user_id: int | None = None
    user_name: str = ""
    statements: int = 0
    """Sent to the database so far, without the frame of transactions."""

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> Facts:
        """The facts of a WSGI request, with a number of its own; one the client sends is not believed."""
        method = str(environ.get("REQUEST_METHOD", ""))
        address, browser = str(environ.get("REMOTE_ADDR", "")), str(environ.get("HTTP_USER_AGENT", ""))
        return cls(secrets.token_hex(8), method, address[:64], browser[:200])


_facts: ContextVar[Facts | None] = ContextVar("comptoir_facts", default=None)


def current_facts() -> Facts | None:
    """The facts of the request this code works for; None in jobs and commands."""
    return _facts.get()


@contextmanager
def use_facts(facts: Facts) -> Iterator[Facts]:
    """Work for this request inside the block."""
    token = _facts.set(facts)
    try:
        yield facts
    finally:
        _facts.reset(token)


@dataclass(frozen=True, slots=True)
class Work:
    """The job this code does, for log lines: its number, its name, and the request that caused it, if one did."""

    job_id: int
    name: str
    request_id: str | None


_work: ContextVar[Work | None] = ContextVar("comptoir_work", default=None)


@contextmanager
def use_work(work: Work) -> Iterator[None]:
    """Work for this job inside the block."""
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)


def origin() -> str | None:
    """The number of the request that causes what is done now, also when a job does it; None for commands and the clock."""
    facts, work = _facts.get(), _work.get()
    if facts is not None:
        return facts.request_id
    return work.request_id if work is not None else None


# -- masking ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Fields:
    """The names of fields that hold something personal, and how a value of one looks in a text."""

    names: frozenset[str] = frozenset()
    pair: re.Pattern[str] | None = None


_fields = _Fields()


def mask_fields(names: Iterable[str]) -> None:
    """From now on mask what is logged under these names too: the personal fields of the modules that are on (OPS-4).

    A name with dots, of a field that a module adds to another's records, also stands for its last part.
    """
    global _fields
    known = frozenset(part.casefold() for name in names for part in (name, name.rpartition(".")[2]))
    words = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    pair = (
        re.compile(rf"((?<![\w.])[\"']?(?:{words})[\"']?\s{{0,3}}[=:]\s{{0,3}}){VALUE}", re.IGNORECASE)
        if known
        else None
    )
    _fields = _Fields(known, pair)


def masked(text: str) -> str:
    """The text without values of secrets and personal fields, e-mail addresses, and rows the database quotes."""
    hidden = PAIR.sub(rf"\1{MASKED}", text)
    if _fields.pair is not None:
        hidden = _fields.pair.sub(rf"\1{MASKED}", hidden)
    return ROW_VALUES.sub(rf"\1{MASKED})", ADDRESS.sub(MASKED, hidden))


def masked_value(name: str, value: Any) -> Any:
    """A value as it may be logged under `name`; what JSON cannot hold becomes text."""
    if SECRET_KEY.search(name) or name.casefold() in _fields.names:
        return MASKED
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): masked_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [masked_value(name, inner) for inner in value]
    return masked(str(value)[:LONGEST_TEXT])


def _masked_arguments(record: logging.LogRecord) -> str:
    arguments = record.args
    if isinstance(arguments, Mapping):
        record = logging.makeLogRecord({**record.__dict__, "args": masked_value("", arguments)})
    return masked(record.getMessage()[:LONGEST_TEXT])


# -- lines ------------------------------------------------------------------------------------------------------
class Lines(logging.Formatter):
    """Makes the line of an event."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; or of text, with a traceback indented below it."""
        event = self._event(record)
        if self._json:
            return json.dumps(event, ensure_ascii=True).replace("\x7f", "\\u007f")
        head = " ".join(_plain(str(event.pop(name))) for name in ("time", "level", "logger"))
        message, error = _plain(event.pop("message")), event.pop("error", "")
        rest = "".join(f" {_plain(name)}={_plain(str(value))}" for name, value in event.items())
        below = "".join(f"\n  | {_plain(line)}" for line in str(error).splitlines())
        return f"{head}: {message}{rest}{below}"

    def _event(self, record: logging.LogRecord) -> dict[str, Any]:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        event: dict[str, Any] = {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
            "level": record.levelname, "logger": record.name, "message": _masked_arguments(record),
        }  # fmt: skip
        facts = current_facts()
        if facts is not None:
            event |= {
                "request": facts.request_id, "user": facts.user_id, "method": facts.method[:20], "route": facts.route,
                "address": facts.address,
            }  # fmt: skip
        work = _work.get()
        if work is not None:
            event |= {"job": work.job_id, "job_name": work.name}
            if facts is None:
                event["request"] = work.request_id
        for name, value in record.__dict__.items():
            if name not in OWN and not name.startswith("_"):
                event[name] = masked_value(name, value)
        if record.exc_info and record.exc_info[0] is not None:
            event["error"] = masked(self.formatException(record.exc_info)[-LONGEST_ERROR:])
        return event


def _plain(text: str) -> str:
    """Without control characters, and without those that turn the direction of writing."""
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


class Handler(logging.StreamHandler[TextIO]):
    """Writes lines; what cannot be written is said without its content, and breaks nothing."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a line was lost, and of which logger; never what it held."""
        try:
            kind = sys.exc_info()[0]
            lost = {"level": "ERROR", "logger": record.name, "message": f"a line was lost: {kind and kind.__name__}"}
            self.stream.write(json.dumps(lost) + self.terminator)
        except Exception:  # the stream itself is broken: nobody is left to tell
            return


def set_up(form: Form, stream: TextIO | None = None) -> logging.Handler:
    """Send everything that is logged in this process, by libraries too, to `stream` (standard error) in this form."""
    target = sys.stderr if stream is None else stream
    handler = Handler(target)
    handler.setFormatter(Lines(form or ("text" if target.isatty() else "json")))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for name in SERVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    return handler
