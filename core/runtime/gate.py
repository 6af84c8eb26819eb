"""The WSGI callable in front of everything: follows the enabled set, serves static files, answers when nothing runs.

Each request reads the version of the enabled set; a request that starts after an administrator's click returned is
never served by the old set, in any worker. Requests under way finish on the generation they began with (DESIGN 5).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Request, Response
from whitenoise import WhiteNoise

from core import logs
from core.access.hosts import TrustedHost
from core.errors import Busy
from core.i18n import DEFAULT_REGION, LANGUAGES, Locale, gettext as _, use_locale

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from core.runtime.runtime import Runtime

log = logging.getLogger("comptoir.gate")
requests = logging.getLogger("comptoir.request")

CORE_STATIC = Path(__file__).parent.parent / "static"
PREFIX = "/static/"
STATIC_ROUTE = "/static/<path>"
SERVER_ERROR = 500
HOUR = 3600
IMMUTABLE = "public, max-age=31536000, immutable"
RETRY_AFTER_SECONDS = 5
NOSNIFF = {"X-Content-Type-Options": "nosniff"}


FRAME = ("PRAGMA", "BEGIN", "COMMIT", "ROLLBACK", "SET ", "SHOW ", "SAVEPOINT", "RELEASE")
"""What a statement begins with that belongs to its transaction or connection: it is not counted."""


def count_statement(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
    """Count what is sent to the database for the request being answered (PERFORMANCE D)."""
    facts = logs.current_facts()
    if facts is not None and not statement.startswith(FRAME):
        facts.statements += 1


class Gate:
    """The application the server calls. One per process, on top of its runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._core_files = static_files(CORE_STATIC, PREFIX)
        self._plugin_files: dict[Path, WSGIApplication] = {}
        self._host = TrustedHost(runtime.config.public_url)
        proxies = runtime.config.proxies
        event.listen(runtime.database.engine, "before_cursor_execute", count_statement)
        self._answer = ProxyFix(self._logged, x_for=proxies, x_proto=proxies, x_host=0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._host.admits(environ):
            log.warning(
                "refused: the Host of the request is not that of the public address (COMPTOIR_PUBLIC_URL)",
                extra={"event": "host.refused", "host": environ.get("HTTP_HOST", "")[:200]},
            )
            return wrong_host(environ, start_response)
        return self._answer(environ, start_response)

    def _logged(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, count the request, and write its line into the log; its times are those until the answer begins."""
        began, worked, status = time.perf_counter(), time.thread_time(), SERVER_ERROR

        def start(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, headers, *rest)

        with logs.use_facts(logs.Facts.of(environ)) as facts:
            try:
                return self._serve(environ, start, facts)
            finally:
                seconds = time.perf_counter() - began
                self._runtime.metrics.answered(facts.method, facts.route, status, seconds)
                figures = {
                    "ms": round(seconds * 1000, 1),
                    "cpu_ms": round((time.thread_time() - worked) * 1000, 1),
                    "statements": facts.statements,
                }
                requests.info("answered", extra={"status": status, **figures})

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse, facts: logs.Facts) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        try:
            if path.startswith(PREFIX):
                facts.route = STATIC_ROUTE
                return self._static(path, environ, start_response)
            app = self._runtime.application()
        except (Busy, DBAPIError, PoolTimeout):
            log.exception("the database cannot be reached")
            return unreachable(environ)(environ, start_response)
        try:
            return app(environ, start_response)
        finally:
            self._runtime.flush_incidents()

    def _static(self, path: str, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start = immutable(start_response) if "v=" in environ.get("QUERY_STRING", "") else start_response
        owner = path[len(PREFIX) :].partition("/")[0]
        found = self._runtime.discovery.found.get(owner)
        if found is None:
            return self._core_files(environ, start)
        folder = found.subfolder("static")
        if folder is None or owner not in self._runtime.follow().enabled:
            return not_found(environ, start_response)
        if folder not in self._plugin_files:
            self._plugin_files[folder] = static_files(folder, f"{PREFIX}{owner}/")
        return self._plugin_files[folder](environ, start)


def static_files(folder: Path, prefix: str) -> WSGIApplication:
    """Serves the files that are in `folder` now; others are 404."""
    if not folder.is_dir():
        return not_found
    served: WSGIApplication = WhiteNoise(
        not_found, root=folder, prefix=prefix, max_age=HOUR, add_headers_function=_file_headers, allow_all_origins=False
    )
    return served


def _file_headers(headers: Any, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


def immutable(start_response: StartResponse) -> StartResponse:
    """Lets a browser keep a file for good: its address holds its version."""

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
        if status[:3] in ("200", "206", "304"):
            headers = [pair for pair in headers if pair[0].lower() != "cache-control"] + [("Cache-Control", IMMUTABLE)]
        return start_response(status, headers, *rest)

    return start


not_found: WSGIApplication = Response("There is no such file.\n", 404, NOSNIFF)
"""For static files; nobody reads it, so it is plain text."""
wrong_host: WSGIApplication = Response(
    "Comptoir is not at this address. Open it at its public address (COMPTOIR_PUBLIC_URL).\n",
    400,
    {**NOSNIFF, "Cache-Control": "no-store"},
)
"""For a request that calls this server by another name than its public address (T54)."""


def unreachable(environ: WSGIEnvironment) -> Response:
    """503 in plain words: without a database there is no account and no page to put it in (F33, F35)."""
    language = Request(environ).accept_languages.best_match(LANGUAGES, "en")
    with use_locale(Locale(language, DEFAULT_REGION[language])):
        title = _("Comptoir cannot reach its database")
        advice = _("Nothing was lost and nothing half-saved. Wait a moment, then try again.")
    body = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p>{advice}</p></html>"
    )
    headers = {
        **NOSNIFF,
        "Content-Security-Policy": "default-src 'none'",
        "Cache-Control": "no-store",
        "Retry-After": str(RETRY_AFTER_SECONDS),
    }
    return Response(body, 503, headers, mimetype="text/html")
