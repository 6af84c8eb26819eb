"""Figures of this process: requests, how long they took, seconds in plugins; in Prometheus' own format (OPS-4).

A server has several processes, and each answers with its own figures: they carry a `process` label, to be summed up by
who reads them. What is the same whoever answers comes from the database (`core.web.observing`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from core.contract.hooks import spent

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""For methods nobody has heard of, and addresses that are no page: labels must stay few, whatever is sent."""
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._process = str(os.getpid())
        labels = ("process", "method", "route")
        self._requests = Counter(
            "comptoir_requests", "Requests answered by this process.", (*labels, "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "comptoir_request_seconds", "How long answers took.", labels, buckets=BUCKETS, registry=self._registry
        )
        self._registry.register(_Hooks(self._process))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. `route`: the rule, empty when none matched; `status`: 200 counts as `2xx`."""
        labels = (self._process, method if method in METHODS else OTHER, route or OTHER)
        self._requests.labels(*labels, f"{status // 100}xx").inc()
        self._seconds.labels(*labels).observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _Hooks(Collector):
    """Seconds spent in hooks, by plugin."""

    def __init__(self, process: str) -> None:
        self._process = process

    def collect(self) -> Iterator[Metric]:
        """What `core.contract.hooks` measured."""
        family = CounterMetricFamily(
            "comptoir_hook_seconds", "Seconds in code of a plugin.", labels=("process", "plugin")
        )
        for plugin, seconds in sorted(spent.items()):
            family.add_metric((self._process, plugin), seconds)
        yield family
