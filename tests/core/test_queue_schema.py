"""The tables of the distributed queue: ours alone, and not taken from workers that use them (OPS-2)."""

from __future__ import annotations

import procrastinate
import psycopg
import pytest
from sqlalchemy import make_url

from core.errors import ContractError
from core.jobs.procrastinate_backend import OURS, SCHEMA, Procrastinate

pytestmark = pytest.mark.only_on("postgresql")


@pytest.fixture
def url(engine_name: str, database_url: str) -> str:
    return database_url


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def tables(url: str, schema: str) -> int:
    return len(run(url, f"SELECT 1 FROM information_schema.tables WHERE table_schema = '{schema}'"))  # noqa: S608


def test_another_applications_queue_is_left_alone(url: str) -> None:
    run(url, "CREATE SCHEMA procrastinate; CREATE TABLE procrastinate.procrastinate_jobs (id int)")
    Procrastinate(url).make_schema()
    assert tables(url, "procrastinate") == 1
    assert tables(url, SCHEMA) > 1


def test_a_schema_of_our_name_that_is_not_ours_is_refused(url: str) -> None:
    run(url, f"CREATE SCHEMA {SCHEMA}; CREATE TABLE {SCHEMA}.treasure (id int)")
    with pytest.raises(ContractError, match="not of Comptoir"):
        Procrastinate(url).make_schema()
    assert tables(url, SCHEMA) == 1


def test_another_version_waits_until_the_workers_of_the_old_one_ended(url: str) -> None:
    queue = Procrastinate(url)
    queue.make_schema()
    run(url, f"COMMENT ON SCHEMA {SCHEMA} IS '{OURS}procrastinate 0.1'")
    run(url, f"INSERT INTO {SCHEMA}.procrastinate_workers DEFAULT VALUES")
    with pytest.raises(ContractError, match=r"workers with procrastinate 0\.1 are still at work"):
        queue.make_schema()
    run(url, f"UPDATE {SCHEMA}.procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")  # noqa: S608
    queue.make_schema()
    ((comment,),) = run(url, f"SELECT obj_description('{SCHEMA}'::regnamespace, 'pg_namespace')")
    assert comment == f"{OURS}procrastinate {procrastinate.__version__}"
    queue.make_schema()
