"""Rows through procrastinate, a distributed queue on PostgreSQL (DEPENDENCIES 5, OPS-2).

The rows are the outbox. A publisher in every worker hands due ones over after their commit: first to the queue, then it
notes so in the row. Killed in between it hands over twice, and the second finds nothing to claim. The queue keeps its
tables in a schema of its own, and nothing in it is the truth: what it loses is handed over again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Any

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from psycopg import sql
from sqlalchemy import and_, make_url, or_, select, update

from core.data.clock import database_clock
from core.data.tables import JobRow
from core.errors import ContractError
from core.jobs.queue import READY, RUNNING, UNFINISHED, claimable
from core.jobs.rounds import RETRY_SECONDS, WAKE_SECONDS
from core.jobs.worker import Worker
from core.registry import CORE

log = logging.getLogger("comptoir.worker")

SCHEMA = "comptoir_queue"
OURS = "comptoir: "
"""How the comment of the schema begins; one without it belongs to somebody else, and is left alone."""
QUEUE = "comptoir"
TASK = "comptoir.perform"
SCHEMA_LOCK = 7_203_001
"""An advisory lock: one worker makes the tables."""
AT_ONCE = 500
AGAIN_SECONDS = 60.0
"""A row handed over so long ago and still not claimed is handed over again."""
CLAIM_TRIES, CLAIM_PAUSE = 100, 0.05
"""A claim steps over a row that somebody writes to at that moment, as a publisher does: then it is tried again."""
STALLED_EVERY_SECONDS = 10.0
HEARTBEAT_SECONDS = 5.0
STALLED_SECONDS = 20.0
"""A worker that gave no heartbeat for so long is gone: its tasks are given to another."""


class Procrastinate:
    """Workers on any number of machines, told by the queue."""

    def __init__(self, database_url: str) -> None:
        """`database_url`: as SQLAlchemy reads it; the queue lives in the same database."""
        self._conninfo = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._options = f"-c search_path={SCHEMA}"
        self._stalled_looked = 0.0

    def run_worker(self, worker: Worker) -> None:
        """Publish, work and mend until told to stop."""
        while not worker.stopping:
            try:
                self.make_schema()
                asyncio.run(self._work(worker))
            except Exception:  # a worker that ends would be started again into the same error
                log.exception("the queue cannot be reached")
                worker.wait(RETRY_SECONDS)

    def make_schema(self) -> None:
        """Make the queue's tables, anew for another version of it: no task in them is the only word on a job.

        Raises `ContractError` while workers of another version are at work in it, as in a rolling upgrade, and when
        the schema is somebody else's.
        """
        version = f"{OURS}procrastinate {procrastinate.__version__}"
        with psycopg.connect(self._conninfo, options=self._options) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
            found = connection.execute(
                "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", [SCHEMA]
            ).fetchone()
            schema = sql.Identifier(SCHEMA)
            if found is not None:
                if found[0] == version:
                    return
                _check_free(connection, found[0] or "")
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            connection.execute(self._app().schema_manager.get_schema().encode())
            connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(version)))

    def _app(self) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(conninfo=self._conninfo, kwargs={"options": self._options})
        return procrastinate.App(connector=connector)

    async def _work(self, worker: Worker) -> None:
        app = self._app()

        @app.task(name=TASK, queue=QUEUE)
        async def perform(job_id: int) -> None:
            for _try in range(CLAIM_TRIES):
                if await asyncio.to_thread(worker.run_one, job_id) or not await asyncio.to_thread(free, worker, job_id):
                    return
                await asyncio.sleep(CLAIM_PAUSE)

        async with app.open_async():
            serving = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE], concurrency=1, install_signal_handlers=False, delete_jobs="always",
                    fetch_job_polling_interval=1.0, update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=STALLED_SECONDS,
                )
            )  # fmt: skip
            try:
                while not worker.stopping and not serving.done():
                    await asyncio.to_thread(worker.look_around)
                    await self._publish(app, worker)
                    await self._mend(app)
                    await asyncio.sleep(WAKE_SECONDS)
            finally:
                serving.cancel()  # it waits for the job under way, which hands itself back
                with contextlib.suppress(asyncio.CancelledError):
                    await serving

    async def _publish(self, app: procrastinate.App, worker: Worker) -> None:
        waiting = await asyncio.to_thread(waiting_rows, worker)
        for job_id in waiting:
            with contextlib.suppress(AlreadyEnqueued):
                lock = f"job-{job_id}"
                await app.configure_task(TASK, queue=QUEUE, queueing_lock=lock).defer_async(job_id=job_id)
        if waiting:
            await asyncio.to_thread(note_handed, worker, waiting)

    async def _mend(self, app: procrastinate.App) -> None:
        """Give the tasks of workers that are gone to others; the rows themselves wait for their leases."""
        if time.monotonic() - self._stalled_looked < STALLED_EVERY_SECONDS:
            return
        self._stalled_looked = time.monotonic()
        manager = app.job_manager
        for stalled in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS):
            try:
                await manager.retry_job(stalled)
            except ConnectorException:  # it was handed over again in the meantime: one task is enough
                assert stalled.id is not None
                await manager.finish_job_by_id_async(
                    job_id=stalled.id, status=procrastinate.jobs.Status.FAILED, delete_job=True
                )


def _check_free(connection: psycopg.Connection[tuple[Any, ...]], comment: str) -> None:
    """Raise `ContractError` unless the schema with this comment is ours, and no worker of its version lives."""
    if not comment.startswith(OURS):
        raise ContractError(
            f"the schema {SCHEMA} of this database is not of Comptoir: rename it, or use another database"
        )
    alive = sql.SQL("SELECT 1 FROM {} WHERE last_heartbeat > now() - make_interval(secs => %s) LIMIT 1").format(
        sql.Identifier(SCHEMA, "procrastinate_workers")
    )
    if connection.execute(alive, [STALLED_SECONDS]).fetchone() is not None:
        raise ContractError(
            f"workers with {comment.removeprefix(OURS)} are still at work: the queue is theirs until they end"
        )


def waiting_rows(worker: Worker) -> Sequence[int]:
    """Rows that may be claimed and that the queue does not know of, or has known of for too long; the oldest first."""
    registry = worker.runtime.follow().registry
    with worker.runtime.database.reading() as session:
        moment = database_clock(session)
        unknown = or_(
            JobRow.handed_at.is_(None),
            JobRow.handed_at < moment - AGAIN_SECONDS,
            and_(JobRow.state == RUNNING, JobRow.handed_at < JobRow.lease_until),
        )
        waiting = claimable(registry.jobs, (CORE, *registry.plugins), moment)
        oldest = select(JobRow.id).where(waiting, unknown).order_by(JobRow.run_at, JobRow.id).limit(AT_ONCE)
        return session.scalars(oldest).all()


def free(worker: Worker, job_id: int) -> bool:
    """Whether the row may be claimed now."""
    registry = worker.runtime.follow().registry
    with worker.runtime.database.reading() as session:
        waiting = claimable(registry.jobs, (CORE, *registry.plugins), database_clock(session))
        return session.scalars(select(JobRow.id).where(waiting, JobRow.id == job_id)).first() is not None


def note_handed(worker: Worker, job_ids: Sequence[int]) -> None:
    """Note that the queue has them; one that was claimed and put back in between is handed over once more, later."""
    with worker.runtime.database.connection() as connection:
        moment = database_clock(connection)
        known = update(JobRow).where(JobRow.id.in_(job_ids), JobRow.state.in_(UNFINISHED))
        connection.execute(
            known.where(or_(JobRow.state == READY, JobRow.lease_until < moment)).values(handed_at=moment)
        )
