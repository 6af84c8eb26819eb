"""Processes that write, for tests that set them on each other or kill them.

`python -m tests.faults.writer PROCESSES CREATES` or `... nest`.

They work on the installation of the environment, through the runtime and the units everybody uses, and say what they
did on standard output, one JSON value a line.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

from core.config import Config
from core.contract.changes import Change
from core.data.unit import Unit, transaction
from core.errors import NotFound, Refused
from core.features.bin import delete_record
from core.features.undo import undo
from core.jobs.worker import Worker
from core.runtime.runtime import Runtime
from plugins.leads.models import Lead, Origin
from plugins.thirdparty.models import ThirdParty
from tests.probe import script
from tests.probe.models import Tally


def say(value: Any) -> None:
    """One line, at once and whole."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class Wrecked(Exception):
    """What a unit of work dies of, after its number was taken."""


def number(runtime: Runtime, seed: int, creates: int) -> None:
    """Create so many third parties, and in between fail to create others."""
    dice = random.Random(seed)
    context = runtime.context(runtime.generation)
    done = 0
    while done < creates:
        wreck = dice.random() < 0.3
        try:
            with transaction("create", context=context) as unit:
                record = unit.add(ThirdParty(name=f"{seed}/{done}"))
                unit.session.flush()
                if wreck:
                    raise Wrecked
        except Wrecked:
            continue
        say(record.code)
        done += 1


def many(processes: int, creates: int) -> int:
    """`number` in so many processes at once. They are forked before a database is touched, and wait for each other."""
    gate_out, gate_in = os.pipe()
    children = []
    for seed in range(processes):
        child = os.fork()
        if child == 0:
            os.close(gate_in)
            _in_child(lambda runtime, seed=seed: number(runtime, seed, creates), gate_out)
        children.append(child)
    os.close(gate_out)
    os.close(gate_in)  # all read end-of-file now, and begin
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


def _in_child(work: Callable[[Runtime], None], gate: int | None) -> None:
    code = 1
    try:
        runtime = started()
        if gate is not None:
            os.read(gate, 1)
        work(runtime)
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        os._exit(code)


def started() -> Runtime:
    """The installation of the environment."""
    runtime = Runtime(Config.from_environment())
    runtime.start()
    return runtime


# -- writes to be killed in -------------------------------------------------------------------------------------
def write(runtime: Runtime, seed: int, writes: int) -> None:
    """So many units of every kind, each said after its commit: ["operation", id]."""
    dice = random.Random(seed)
    context = runtime.context(runtime.generation)
    made: dict[type[Any], list[int]] = {ThirdParty: [], Lead: []}
    operations: list[int] = []
    for step in range(writes):
        kind = dice.choice(("create", "create", "edit", "edit", "delete", "undo"))
        model = dice.choice((ThirdParty, Lead, Lead))
        try:
            if kind == "undo" and operations:
                operation = undo(operations.pop(dice.randrange(len(operations))), context=context).operation
            else:
                with transaction(kind, context=context) as unit:
                    records = made[model]
                    if kind == "create" or not records:
                        first = unit.add(model(name=f"{seed}/{step}", email=f"n{step}@example.com"))
                        second = unit.add(Lead(name=f"{seed}/{step} beside"))
                        unit.session.flush()
                        if model is ThirdParty:
                            unit.facet(Origin, first.id).source = "fair"
                        records.append(first.id)
                        made[Lead].append(second.id)
                    elif kind == "delete":
                        delete_record(unit, unit.get(model, records.pop(dice.randrange(len(records)))))
                    else:
                        record = unit.get(model, dice.choice(records))
                        record.name, record.email = f"{seed}/{step} edited", None
                        if model is Lead:
                            record.status = dice.choice(("new", "tocall", "qualified"))
                operation = unit.operation
        except (Refused, NotFound):  # an undo may have put it into the bin
            continue
        if operation is not None:
            operations.append(operation)
            say(["operation", operation])


def deliver(runtime: Runtime) -> None:
    """The job worker, with a witness of each delivery in its own transaction."""

    def witness(changes: Sequence[Change], unit: Unit) -> None:
        operation = changes[0].operation
        row = unit.session.get(Tally, operation) or Tally(id=operation, number=0)
        row.number += 1
        unit.session.add(row)
        unit.session.flush()
        say(["delivered", operation])

    script.probe.committed = witness
    Worker(runtime).run()


# -- what the test says -----------------------------------------------------------------------------------------
def nest() -> int:
    """A child for each line of standard input, `write SEED WRITES` or `deliver`: says its number, then how it ended.

    What takes long is imported once, here.
    """
    for line in sys.stdin:
        what, *arguments = line.split()
        child = os.fork()
        if child == 0:
            _in_child(lambda runtime, what=what, arguments=arguments: _act(runtime, what, arguments), None)
        say(["child", child])
        say(["ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])])
    return 0


def _act(runtime: Runtime, what: str, arguments: list[str]) -> None:
    say(["ready"])
    if what == "deliver":
        deliver(runtime)
    else:
        write(runtime, *map(int, arguments))


def main(arguments: list[str]) -> int:
    """Do what is asked."""
    return nest() if arguments == ["nest"] else many(*map(int, arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
