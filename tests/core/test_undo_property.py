"""Whatever is done: taken back in any order, everything is as it was (US-4)."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from core.data.records import Record
from core.data.tables import CustomField, bump
from core.data.unit import Unit
from core.errors import NotFound, Refused
from core.features.bin import delete_record, restore_record
from core.features.undo import undo
from core.testing.prepared import Prepared
from core.testing.site import Site
from plugins.leads.models import Lead, Origin
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import fetch, work
from tests.probe.models import Box, Label, Mark

pytest_plugins = ["tests.probe.fixtures"]

RECORDS: tuple[type[Record], ...] = (ThirdParty, Lead, Box, Label)
FACETS = (Mark, Origin)
VALUES: dict[type[Record], dict[str, list[Any]]] = {
    ThirdParty: {
        "name": ["Zinc", "Tin", "Iron"],
        "town": [None, "Lyon", "Nantes"],
        "email": [None, "a@example.com", "b@example.com"],
        "role": ["prospect", "customer", "both"],
        "contact_status": ["never", "tocall", "contacted"],
        "x.size": [None, 1, 2],
        "probe.points": [None, 5, 6],
        "probe.remark": [None, "one", "two"],
        "leads.source": [None, "fair", "web"],
    },
    Lead: {
        "name": ["Ann", "Bob"],
        "status": ["new", "tocall", "qualified"],
        "email": [None, "c@example.com"],
        "lost_reason": [None, "No budget"],
    },
    Box: {
        "name": ["one", "two"],
        "serial": [None, "A1", "A2"],
        "number": [None, 1, 2],
        "sealed": [True, False],
        "owner": [None, "d@example.com"],
        "state": ["open", "packed"],
    },
    Label: {"person": ["Ann", "Bob"]},
}
LINKS = {Box: {"keeper": ThirdParty, "hint": ThirdParty, "home": ThirdParty, "inside": Box}, Label: {"box": Box}}

Step = Callable[[Site, random.Random], int | None]


# -- one step: a kind, drawn by hypothesis, on records chosen by its seed ------------------------------------------
def ids(site: Site, model: type[Record], *, live: bool = True) -> list[int]:
    gone = "IS NULL" if live else "IS NOT NULL"
    return [row.id for row in fetch(site, f"SELECT id FROM {model.__tablename__} WHERE deleted_at {gone} ORDER BY id")]  # noqa: S608


def chosen(site: Site, dice: random.Random, model: type[Record], number: int = 1, *, live: bool = True) -> list[int]:
    """Some of the newest records, so that steps meet each other."""
    newest = ids(site, model, live=live)[-4:]
    return dice.sample(newest, min(number, len(newest)))


def values_for(site: Site, dice: random.Random, model: type[Record], number: int) -> dict[str, Any]:
    values = {
        name: dice.choice(VALUES[model][name])
        for name in dice.sample(list(VALUES[model]), min(number, len(VALUES[model])))
    }
    for name, target in LINKS.get(model, {}).items():
        if dice.random() < 0.4:
            values[name] = dice.choice([None, *chosen(site, dice, target)])
    return values


def write(unit: Unit, record: Record, values: dict[str, Any]) -> None:
    fields = unit.context.registry.entity(record.entity.name).fields
    for name, value in values.items():
        unit.write(record, fields[name], value)


def create(site: Site, dice: random.Random, unit: Unit) -> None:
    for _ in range(dice.randint(1, 3)):
        model = dice.choice(RECORDS)
        values = {
            name: choices[0] for name, choices in VALUES[model].items() if choices[0] is not None and "." not in name
        }
        if model is Label:
            values["box"] = dice.choice(chosen(site, dice, Box) or [0])
        record = unit.add(model(**values))
        write(
            unit, record, {name: value for name, value in values_for(site, dice, model, 3).items() if value is not None}
        )


def edit(site: Site, dice: random.Random, unit: Unit) -> None:
    model = dice.choice(RECORDS)
    for record_id in chosen(site, dice, model, dice.choice([1, 1, 3])):
        values = values_for(site, dice, model, 3)
        if values.get("box", 0) is None:
            values.pop("box")
        write(unit, unit.get(model, record_id), values)


def status(site: Site, dice: random.Random, unit: Unit) -> None:
    model, name = dice.choice([(ThirdParty, "contact_status"), (Lead, "status"), (Box, "state")])
    value = dice.choice(VALUES[model][name])
    for record_id in chosen(site, dice, model, dice.choice([1, 3])):
        write(unit, unit.get(model, record_id), {name: value})


def delete(site: Site, dice: random.Random, unit: Unit) -> None:
    for record_id in chosen(site, dice, model := dice.choice(RECORDS), dice.choice([1, 1, 2])):
        record = unit.session.get(model, record_id)
        if record is not None and record.deleted_at is None:
            delete_record(unit, record)


def restore(site: Site, dice: random.Random, unit: Unit) -> None:
    for record_id in chosen(site, dice, model := dice.choice(RECORDS), live=False):
        restore_record(unit, unit.get(model, record_id, deleted=True))


def mixed(site: Site, dice: random.Random, unit: Unit) -> None:
    for step in dice.sample([create, edit, status, delete], 2):
        step(site, dice, unit)


STEPS = {"create": create, "edit": edit, "status": status, "delete": delete, "restore": restore, "mixed": mixed}


# -- the whole state -----------------------------------------------------------------------------------------------
def state(site: Site) -> dict[str, dict[int, dict[str, Any]]]:
    """Everything but ids, versions, stamps and empty facets; the bin as yes or no."""
    whole: dict[str, dict[int, dict[str, Any]]] = {}
    for model in (*RECORDS, *FACETS):
        rows = {}
        for row in fetch(site, model.__table__.select()):
            values = dict(row._mapping)
            key = values.pop("id", None) or values.pop("record_id")
            if "version" in values:
                values["deleted_at"] = values["deleted_at"] is not None
                for name in ("version", "created_at", "updated_at"):
                    del values[name]
            elif all(value is None for value in values.values()):
                continue
            rows[key] = values
        whole[model.__tablename__] = rows
    return whole


def compare(before: dict[str, dict[int, dict[str, Any]]], after: dict[str, dict[int, dict[str, Any]]]) -> None:
    """The same, except that what was created in between is in the bin with its facets."""
    for model in RECORDS:
        name = model.__tablename__
        for record_id, values in after[name].items():
            if record_id in before[name]:
                assert values == before[name][record_id], (name, record_id)
            else:
                assert values["deleted_at"], (name, record_id)
        assert before[name].keys() <= after[name].keys()
    for facet in FACETS:
        name, owner = facet.__tablename__, facet.of.__tablename__
        old = {key: values for key, values in after[name].items() if key in before[owner]}
        assert old == before[name], name


def base(site: Site) -> None:
    """A few records to begin with, one of them in the bin, and a field an administrator made."""
    with work(site) as unit:
        unit.session.add(
            CustomField(entity="thirdparty", code="size", kind="integer", labels={"en": "Size"}, options={})
        )
        bump(unit.session.connection())
    with work(site) as unit:
        for number in range(2):
            company = unit.add(ThirdParty(name=f"Zinc {number}"))
            unit.add(Lead(name=f"Ann {number}"))
            unit.session.flush()
            unit.facet(Mark, company.id).points = number
            box = unit.add(Box(name=f"box {number}", home=company.id if number else None, hint=company.id))
            unit.session.flush()
            label = unit.add(Label(person=f"Bob {number}", box=box.id))
    with work(site) as unit:
        delete_record(unit, unit.get(Label, label.id))


def run(site: Site, kinds: list[str], seed: int) -> list[int]:
    """The operations of these steps; a refused step is none."""
    dice = random.Random(seed)
    done: list[int] = []
    for kind in kinds:
        try:
            with work(site, kind) as unit:
                STEPS[kind](site, dice, unit)
        except (Refused, NotFound):  # a step chooses from what was there before its unit
            continue
        if unit.operation is not None:
            done.append(unit.operation)
    dice.shuffle(done)
    return done


def take_all_back(site: Site, operations: list[int]) -> None:
    """Undo in the order given, again and again as long as something moves."""
    context = site.context()
    moving = True
    while moving:
        moving = False
        for operation in operations:
            try:
                undo(operation, context=context)
            except Refused:
                continue
            moving = True


EXAMPLES = int(os.environ.get("COMPTOIR_TEST_EXAMPLES", "40"))
MODULES = ("thirdparty", "leads", "probe", "echo")


@pytest.mark.covers("US-4b")
@pytest.mark.timeout(300)
def test_taken_back_in_any_order_everything_is_as_it_was(
    probing: None, engine_name: str, prepared: Prepared, tmp_path: Path
) -> None:
    number = itertools.count()

    @settings(
        max_examples=EXAMPLES if engine_name == "sqlite" else EXAMPLES // 3, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=12), st.integers(0, 2**32))
    def examples(kinds: list[str], seed: int) -> None:
        with prepared.site(engine_name, MODULES, tmp_path / f"site{next(number)}") as site:
            base(site)
            before = state(site)
            take_all_back(site, run(site, kinds, seed))
            compare(before, state(site))

    examples()
