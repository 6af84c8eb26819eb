"""What the session and the database refuse: bulk statements, sockets, reading what is deleted, writing where one reads."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, exists, func, insert, select, text, union_all, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased, joinedload, selectinload

from core.contract.changes import Change
from core.data.records import Record
from core.data.session import INCLUDE_DELETED, WITHOUT_EVENTS, GuardedSession
from core.data.tables import SettingValue
from core.data.unit import Unit
from core.errors import ContractError, NotFound, PluginError
from core.testing.servers import free_port
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.probe import script
from tests.probe.helpers import add, edit, number_of, row_of, work
from tests.probe.models import Box, Label, Mark, Tally

pytest_plugins = ["tests.probe.fixtures"]

TABLE = Box.__table__
BULK: dict[str, Callable[[GuardedSession], Any]] = {
    "orm update": lambda session: session.execute(update(Box).values(number=1)),
    "orm delete": lambda session: session.execute(delete(Box)),
    "orm insert": lambda session: session.execute(insert(Box), [{"name": "two"}]),
    "orm insert returning": lambda session: session.scalars(insert(Box).returning(Box), [{"name": "two"}]),
    "orm update by key": lambda session: session.execute(update(Box), [{"id": 1, "number": 1}]),
    "core update": lambda session: session.execute(TABLE.update().values(number=1)),
    "core delete": lambda session: session.execute(TABLE.delete()),
    "core insert": lambda session: session.execute(TABLE.insert().values(name="two")),
    "scalar": lambda session: session.scalar(update(Box).values(number=1).returning(Box.id)),
    "query update": lambda session: session.query(Box).update({"number": 1}),
    "query delete": lambda session: session.query(Box).delete(),
    "text": lambda session: session.execute(text("UPDATE probe_box SET number = 1")),
    "a plain row": lambda session: session.execute(update(Tally).values(number=1)),
    "bulk_save_objects": lambda session: session.bulk_save_objects([Box(name="two")]),
    "bulk_insert_mappings": lambda session: session.bulk_insert_mappings(Box, [{"name": "two"}]),
    "bulk_update_mappings": lambda session: session.bulk_update_mappings(Box, [{"id": 1, "number": 1}]),
}


class TestBulkStatements:
    def test_refused_in_a_unit(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        for statement in BULK.values():

            def service(unit: Unit, statement: Callable[[GuardedSession], Any] = statement) -> None:
                statement(unit.session)

            with pytest.raises(ContractError, match="skips history and lifecycle hooks"), work(shop) as unit:
                service(unit)
        assert row_of(shop, Box, box)["number"] is None
        assert number_of(shop, "probe_box") == 1

    def test_refused_on_reading_and_small_writing_sessions(self, shop: Site) -> None:
        add(shop, Box(name="one"))
        for opened in (shop.runtime.database.reading, shop.runtime.database.writing):
            for statement in BULK.values():
                with pytest.raises(ContractError, match="skips history"), opened() as session:
                    statement(session)

    def test_a_plugin_s_bulk_statement_names_the_plugin(self, shop: Site) -> None:
        script.echo.changed = lambda told, unit: unit.session.execute(update(Box).values(number=1))
        with pytest.raises(PluginError, match="Module echo broke a rule"):
            add(shop, Box(name="one"))
        assert number_of(shop, "probe_box") == 0

    def test_marked_statements_pass(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        with work(shop) as unit:
            unit.session.execute(update(Box).values(number=5), execution_options=WITHOUT_EVENTS)
            unit.session.execute(text("UPDATE probe_box SET notes = 'x'").execution_options(**WITHOUT_EVENTS))
        stored = row_of(shop, Box, box)
        assert (stored["number"], stored["notes"]) == (5, "x")

    def test_records_are_not_deleted_from_their_table(self, shop: Site) -> None:
        def service(unit: Unit, model: Any, row_id: int) -> None:
            unit.session.delete(unit.session.get(model, row_id))

        (box, company) = add(shop, Box(name="one"), ThirdParty(name="Zinc"))
        with work(shop) as unit:
            unit.facet(Mark, company).points = 1
        for model, row_id in ((Box, box), (Mark, company)):
            with pytest.raises(ContractError, match="delete_record"), work(shop) as unit:
                service(unit, model, row_id)
        with work(shop) as unit:  # plain rows are nobody's history
            unit.session.add(Tally(id=1, number=1))
            unit.session.flush()
            service(unit, Tally, 1)
        assert number_of(shop, "probe_tally") == 0


# -- the bin ----------------------------------------------------------------------------------------------------
class TestDeletedRecords:
    @pytest.fixture
    def boxes(self, shop: Site) -> tuple[int, int]:
        """A live box with a live and a deleted label, and a deleted box."""
        live, gone = add(shop, Box(name="live", number=1), Box(name="gone", number=1))
        _kept, dropped = add(shop, Label(person="kept", box=live), Label(person="dropped", box=live))
        with work(shop) as unit:
            unit.get(Box, gone).deleted_at = unit.moment
            unit.get(Label, dropped).deleted_at = unit.moment
        return live, gone

    def test_no_orm_select_sees_them(self, shop: Site, boxes: tuple[int, int]) -> None:
        other = aliased(Box)
        sub = select(Box.id).scalar_subquery()
        cte = select(Box.name).cte()
        names: list[tuple[Any, Any]] = [
            (select(Box.name), ["live"]),
            (select(Box), ["live"]),
            (select(other.name), ["live"]),
            (select(func.count()).select_from(Box), [1]),
            (select(func.count(Box.id)), [1]),
            (select(func.max(Box.name)).group_by(Box.number), ["live"]),
            (select(Box.name).where(Box.number == 1).order_by(Box.id.desc()).limit(5), ["live"]),
            (select(other.name).where(other.id.in_(select(Box.id))), ["live"]),
            (select(ThirdParty.id).where(exists().where(Box.name == "gone")), []),
            (select(other.id).where(other.id == sub), [boxes[0]]),
            (select(cte.c.name), ["live"]),
            (union_all(select(Box.name), select(Box.name)), ["live", "live"]),
            (select(Label.person).join(Box, Box.id == Label.box), ["kept"]),
            (select(Label), ["kept"]),
        ]
        for opened in (lambda: work(shop), shop.runtime.database.reading):
            with opened() as scope:
                session = scope.session if isinstance(scope, Unit) else scope
                for statement, expected in names:
                    found = [
                        value.title if isinstance(value, Record) else value for value in session.scalars(statement)
                    ]
                    assert found == expected, str(statement)
                assert session.get(Box, boxes[1]) is None
                assert session.query(Box).count() == 1

    def test_relationships_do_not_lead_to_them(self, shop: Site, boxes: tuple[int, int]) -> None:
        ways = {
            "lazy": select(Box),
            "selectin": select(Box).options(selectinload(Box.labels)),
            "joined": select(Box).options(joinedload(Box.labels)),
        }
        for name, statement in ways.items():
            with shop.runtime.database.reading() as session:
                box = session.scalars(statement).unique().one()
                assert [label.person for label in box.labels] == ["kept"], name
        with work(shop) as unit:  # by a parent that came from nowhere, or from the bin
            fresh = unit.add(Box(name="fresh"))
            unit.session.flush()
            unit.add(Label(person="new", box=fresh.id))
            unit.add(Label(person="binned", box=fresh.id)).deleted_at = unit.moment
            unit.session.flush()
            assert [label.person for label in fresh.labels] == ["new"]
        with shop.runtime.database.reading() as session:
            box = session.get(Box, boxes[0], execution_options=INCLUDE_DELETED)
            assert box is not None
            assert [label.person for label in box.labels] == ["kept"]

    def test_they_are_seen_when_asked_for(self, shop: Site, boxes: tuple[int, int]) -> None:
        with shop.runtime.database.reading() as session:
            assert session.scalars(select(Box.name).order_by(Box.id), execution_options=INCLUDE_DELETED).all() == [
                "live", "gone",
            ]  # fmt: skip
        with work(shop) as unit:
            assert unit.get(Box, boxes[1], deleted=True).title == "gone"

    def test_a_unit_does_not_hand_them_out(self, shop: Site, boxes: tuple[int, int]) -> None:
        for record_id in (boxes[1], 987654, 2**62):
            with pytest.raises(NotFound), work(shop) as unit:
                unit.get(Box, record_id)
        with work(shop) as unit:
            unit.session.get(Box, boxes[1], execution_options=INCLUDE_DELETED)  # in the identity map now
            with pytest.raises(NotFound):
                unit.get(Box, boxes[1])

    def test_one_being_deleted_is_gone_within_the_same_unit(self, shop: Site, boxes: tuple[int, int]) -> None:
        with work(shop) as unit:
            unit.get(Box, boxes[0]).deleted_at = unit.moment
            assert unit.session.scalars(select(Box)).all() == []


# -- reading sessions -------------------------------------------------------------------------------------------
class TestReadingSessions:
    """GET and HEAD work on one of these: the database itself says no (SECURITY 7.3)."""

    @pytest.mark.parametrize("way", ["session", "connection", "plain row", "ddl", "counter"])
    def test_the_database_refuses_writes(self, shop: Site, way: str) -> None:
        (box,) = add(shop, Box(name="one"))

        def write(session: GuardedSession) -> None:
            connection = session.connection()
            if way == "session":
                session.execute(update(Box).values(number=1), execution_options=WITHOUT_EVENTS)
            elif way == "connection":
                connection.execute(TABLE.update().values(number=1))
            elif way == "plain row":
                session.add(SettingValue(name="x", value="y"))
                session.flush()
            elif way == "ddl":
                connection.exec_driver_sql("CREATE TABLE probe_new (id INTEGER)")
            else:
                connection.exec_driver_sql("UPDATE core_state SET version = version + 1")

        with shop.runtime.database.reading() as session, pytest.raises(DBAPIError, match=r"readonly|read-only"):
            write(session)
        assert row_of(shop, Box, box)["number"] is None
        edit(shop, Box, box, number=2)  # the same pooled connection writes again, in a unit

    def test_records_are_refused_before_that(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))

        def change(session: GuardedSession) -> None:
            found = session.get(Box, box)
            assert found is not None
            found.number = 1
            session.flush()

        with shop.runtime.database.reading() as session, pytest.raises(ContractError, match="inside transaction"):
            change(session)
        with shop.runtime.database.writing() as session, pytest.raises(ContractError, match="inside transaction"):
            change(session)

    def test_pages_are_read_only(self, shop: Site) -> None:
        """A panel that writes is refused and the page stays; see tests/web for the other pages."""
        browser = shop.browser()
        before = number_of(shop, "core_operation")
        (company,) = add(shop, ThirdParty(name="Zinc"))
        assert browser.get(f"/thirdparties/{company}").status_code == 200
        assert number_of(shop, "core_operation") == before + 1


# -- sockets ----------------------------------------------------------------------------------------------------
class TestSockets:
    def ways(self) -> dict[str, Callable[[], Any]]:
        port = free_port()
        return {
            "connect": lambda: socket.create_connection(("127.0.0.1", port), timeout=0.1),
            "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
            "lookup": lambda: socket.getaddrinfo("localhost", port),
            "old lookup": lambda: socket.gethostbyname("localhost"),
            "reverse lookup": lambda: socket.gethostbyaddr("127.0.0.1"),
            "name info": lambda: socket.getnameinfo(("127.0.0.1", port), 0),
            "url": lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=0.1),
        }

    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    def test_refused_inside_a_unit(self, shop: Site) -> None:
        for name, way in self.ways().items():
            with work(shop), pytest.raises((ContractError, OSError)) as caught:
                way()
            assert "must not talk to the network" in f"{caught.value} {caught.value.__context__}", name

    def test_a_plugin_that_talks_is_named(self, shop: Site) -> None:
        def call_home(told: list[Change], unit: Unit) -> None:
            socket.create_connection(("127.0.0.1", 9), timeout=0.1)

        script.probe.changed = call_home
        with pytest.raises(PluginError, match="Module probe broke a rule"):
            add(shop, Box(name="one"))
        assert number_of(shop, "probe_box") == 0

    def test_allowed_again_afterwards_and_in_other_threads(self, shop: Site) -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            with work(shop):
                pass
            socket.create_connection(server.getsockname(), timeout=1).close()

    def test_the_database_may_connect(self, shop: Site) -> None:
        """A pool that is empty connects inside a unit."""
        shop.runtime.database.engine.dispose()
        add(shop, Box(name="one"))
        assert number_of(shop, "probe_box") == 1
