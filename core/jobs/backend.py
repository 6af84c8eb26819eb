"""Who hands the rows to workers (OPS-2): our own claim, or an existing distributed queue behind the same protocol.

The row in `core_job` is the truth with either: it is written in the transaction that causes the work, and claimed by
one conditional statement. A distributed queue says sooner and to more machines that there is something to claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from core.errors import ContractError

if TYPE_CHECKING:
    from core.config import Config
    from core.jobs.worker import Worker

EMBEDDED = "embedded"
PROCRASTINATE = "procrastinate"
BACKENDS = (EMBEDDED, PROCRASTINATE)


class JobBackend(Protocol):
    """Brings rows to a worker until it is told to stop."""

    def run_worker(self, worker: Worker) -> None:
        """Let `worker` do the jobs there are and those that come; returns once it was told to stop."""


class Embedded:
    """The worker looks by itself. Both databases, any number of workers."""

    def run_worker(self, worker: Worker) -> None:
        """Look, work, wait a moment, and again."""
        worker.run()


def backend_of(config: Config) -> JobBackend:
    """The backend COMPTOIR_JOBS names. Raises `ContractError` when it cannot be had."""
    if config.jobs == EMBEDDED:
        return Embedded()
    if not config.database_url.startswith("postgresql"):
        raise ContractError("COMPTOIR_JOBS=procrastinate needs PostgreSQL: set COMPTOIR_DATABASE_URL, or leave it out")
    try:
        from core.jobs.procrastinate_backend import Procrastinate
    except ModuleNotFoundError as error:
        raise ContractError("COMPTOIR_JOBS=procrastinate needs its package: pip install comptoir[jobs]") from error
    return Procrastinate(config.database_url)
