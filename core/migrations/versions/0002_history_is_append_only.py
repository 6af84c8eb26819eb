"""History is append-only: the database itself refuses what no code of ours does (SECURITY 7.35).

Values of personal fields stand in core_change_value, which erasure may blank by UPDATE but nobody may delete from.
"""

from alembic import op

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None

REFUSED = {
    "core_operation": ("UPDATE", "DELETE"),
    "core_change": ("UPDATE", "DELETE"),
    "core_change_value": ("DELETE",),
}


def upgrade() -> None:
    """Add one trigger per table and verb."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(
            "CREATE FUNCTION core_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$"
        )
    for table, verbs in REFUSED.items():
        for verb in verbs:
            name = f"{table}_no_{verb.lower()}"
            if sqlite:
                op.execute(
                    f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
                )
            else:
                op.execute(
                    f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION core_append_only()"
                )
        if not sqlite:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION core_append_only()"
            )
