"""Figures for who watches the installation (OPS-4). Asks the database and this process, never a plugin."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.access.audit import WRONG_SIGN_IN, Audit
from core.data.clock import database_clock
from core.data.tables import JobRow
from core.errors import NotFound
from core.exchange.mail.models import MailRecipient
from core.i18n import lazy as _
from core.jobs.queue import FINISHED, READY, UNFINISHED
from core.web.current import here
from core.web.policy import PUBLIC, policy

blueprint = Blueprint("observing", __name__)
BEARER = "Bearer "


@blueprint.get("/metrics")
@policy(PUBLIC)
def metrics() -> Response:
    """Prometheus' text, for who has the token of COMPTOIR_METRICS_TOKEN; for everybody else there is no such page."""
    surroundings = here()
    expected = surroundings.runtime.config.metrics_token
    given = request.headers.get("Authorization", "")
    if not expected or not secrets.compare_digest(given.encode(), f"{BEARER}{expected}".encode()):
        raise NotFound(_("There is no such page. It may have been deleted, or belong to a module that is off."))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Stored(surroundings.session, surroundings.generation.version))
    return Response(generate_latest(registry) + surroundings.runtime.metrics.text(), content_type=CONTENT_TYPE_LATEST)


class _Stored(Collector):
    """What the database says; the same whichever process answers."""

    def __init__(self, session: Session, version: int) -> None:
        self._session = session
        self._version = version

    def describe(self) -> Sequence[Metric]:
        """Nothing in advance: the database is asked once."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures of now."""
        session = self._session
        yield _by_state("comptoir_jobs", "Jobs by state.", _count(session, JobRow.state), (*UNFINISHED, *FINISHED))
        moment = database_clock(session)
        due = select(func.min(JobRow.run_at)).where(JobRow.state == READY, JobRow.run_at <= moment)
        oldest = session.scalar(due)
        age = 0.0 if oldest is None else max(0.0, moment - oldest)
        yield GaugeMetricFamily("comptoir_oldest_job_seconds", "How long the oldest due job has waited.", value=age)
        yield _by_state("comptoir_mails", "Recipients in the outbox by state.", _count(session, MailRecipient.state))
        wrong = session.scalar(select(func.count()).select_from(Audit).where(Audit.kind == WRONG_SIGN_IN))
        yield CounterMetricFamily("comptoir_sign_in_failures", "Wrong sign-ins ever noted.", value=wrong or 0)
        yield GaugeMetricFamily("comptoir_generation_version", "Version of the enabled set.", value=self._version)


def _count(session: Session, column: InstrumentedAttribute[str]) -> dict[str, int]:
    return {state: number for state, number in session.execute(select(column, func.count()).group_by(column))}


def _by_state(name: str, text: str, counts: dict[str, int], states: Sequence[str] = ()) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("state",))
    for state, number in sorted({**dict.fromkeys(states, 0), **counts}.items()):
        family.add_metric((state,), number)
    return family


def reported(body: str) -> dict[str, str]:
    """What of a browser's report on the content security policy is worth a line: addresses in it may name people."""
    try:
        found = json.loads(body)
        report = found["csp-report"]
        directive, blocked = str(report["violated-directive"]), str(report["blocked-uri"])
        parts = urlsplit(blocked)
    except (ValueError, KeyError, TypeError):
        return {"directive": "unreadable"}
    return {
        "directive": directive[:100],
        "blocked": (f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.path)[:200],
    }
