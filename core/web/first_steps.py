"""The card of first steps: what a new installation is to be told, each tied to a page and ticked by itself (UX 2.15)."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from sqlalchemy import exists, func, select

from core.access.models import User
from core.data.history import Operation, RecordChange
from core.exchange.mail.settings import mail_settings
from core.i18n import Text, lazy as _
from core.web.current import here
from core.web.shell import create_entries

SERIES, ACCOUNTS = "series", "user"
OF_NUMBERING = (f"{SERIES}.create", f"{SERIES}.edit")


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One thing to do, where, and whether it was done."""

    label: Text
    url: str
    done: bool


def first_steps() -> list[FirstStep]:
    """The steps the person may take; whether they were taken is asked with one statement."""
    surroundings = here()
    lists = [one.name for one in surroundings.registry.slugs.values() if not one.entity.administrators_only]
    of_it = RecordChange.operation_id == Operation.id
    created = exists().where(of_it, RecordChange.kind == "created", RecordChange.entity.in_(lists)).correlate(Operation)
    made = exists().where(
        Operation.actor_id == surroundings.actor.id, created
    )  # his operations are few, all changes many
    numbered = exists().where(RecordChange.entity == SERIES, of_it, Operation.action.in_(OF_NUMBERING))
    people = select(func.count()).select_from(User).scalar_subquery()
    has_made, has_numbered, number = surroundings.session.execute(select(made, numbered, people)).one()
    steps: list[FirstStep] = []
    if surroundings.may("modules.manage"):
        steps.append(
            FirstStep(
                _("Switch on the modules you need"), url_for("modules.index"), bool(surroundings.registry.plugins)
            )
        )
    entries = create_entries()
    if entries:
        steps.append(
            FirstStep(_("Create a first record: %(entity)s", entity=entries[0].label), entries[0].url, bool(has_made))
        )
    if surroundings.may(f"{SERIES}.edit"):
        url = url_for("records.index", entity=SERIES)
        steps.append(FirstStep(_("Decide how records are numbered"), url, bool(has_numbered)))
    if surroundings.may(f"{ACCOUNTS}.create"):
        steps.append(FirstStep(_("Invite a colleague"), url_for("editing.new", entity=ACCOUNTS), number > 1))
    if surroundings.may("settings.manage"):
        host = mail_settings(surroundings.session).host
        steps.append(FirstStep(_("Name the server that sends mail"), url_for("mail_settings.index"), bool(host)))
    return steps
