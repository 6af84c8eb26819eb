"""Choosing a linked record by its name (UX 7.4): a combobox with script, a step that lists the matches without.

Three values stand for a link in a form: `<name>` holds the number of the record, `<name>.text` the name that is shown
or typed, and `<name>.for` the name the number stands for. As long as the last two are equal the number counts; else
somebody typed another name, and it is looked for here. Forms, filters and bulk actions read it the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, Response, g, request, url_for
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from core.data.query import Filter, ListQuery, SortKey
from core.features.list_rows import FIRST_COLUMN, first_rows
from core.fields import Field, Link, Option
from core.fields.base import CONTAINS, STARTS
from core.fields.keys import fold
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.form_contexts import Combobox, PickStep
from core.web.policy import policy
from core.web.responses import page

blueprint = Blueprint("picking", __name__)

SELECT_UP_TO = 30
"""Records a select offers; more are searched for (UX 0.3)."""
SHOWN = 20
LONGEST_SEARCH = 200
TEXT, FOR = ".text", ".for"
FIND = "find"
"""What the button beside the field sends as `then`: only look for the name, save nothing."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A name that was typed for a link, and the records it may mean; none, several, or one to be confirmed."""

    text: str
    matches: Sequence[Option]

    @property
    def error(self) -> Text:
        """What to do now."""
        if not self.matches:
            return _("Nothing is called “%(text)s”. Try another word.", text=self.text[:60])
        return _("Choose one of the matches for “%(text)s”", text=self.text[:60])


def target_of(found: Field) -> RegisteredEntity | None:
    """The list a link field points at, None when it is no link, or the person may not look into that list."""
    if not isinstance(found.type, Link):
        return None
    target = here().registry.by_table(found.type.to)
    return target if target is not None and here().may(target.permission("view")) else None


def find_records(target: RegisteredEntity, text: str, limit: int) -> list[Option]:
    """Living records the person may know of whose name holds `text`; those that begin with it first."""
    session, title = here().session, target.title_field
    wanted = text.strip()[:LONGEST_SEARCH]
    if wanted:
        term = title.type.search_term(wanted)
        if term is None or "\0" in term:
            return []
        found = first_rows(session, _named(target, STARTS.name, wanted), [title], limit)
        if len(found) < limit:
            known = {row[0] for row in found}
            others = first_rows(session, _named(target, CONTAINS.name, wanted), [title], limit + len(known))
            found += [row for row in others if row[0] not in known][: limit - len(found)]
    else:
        found = first_rows(session, _named(target), [title], limit)
    return [Option(str(row[0]), str(row[FIRST_COLUMN])) for row in found]


def _named(target: RegisteredEntity, operator: str = "", text: str = "") -> ListQuery:
    """The records of a list whose name compares so, by name."""
    title = target.title_field
    return ListQuery(
        entity=target,
        filters=(Filter(title, operator, (text,)),) if operator else (),
        left_out=(),
        search="",
        sort=(SortKey(title),),
        view="",
        columns=(),
        place=None,
        notices=(),
        visible=frozenset({title.name}),
        scope=here().scope,
    )


def title_of(target: RegisteredEntity, number: str) -> str:
    """The name of a record, `#12` when there is none the person may know of."""
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return number
    table = target.model.__table__
    statement = select(target.title_field.column).where(table.c.id == int(number))
    known = here().scope.criterion(target)
    if known is not None:
        statement = statement.where(known)
    title = here().session.connection().execute(statement).scalar()
    return f"#{number}" if title is None else str(title)


# -- reading ----------------------------------------------------------------------------------------------------
def read_link(target: RegisteredEntity, values: MultiDict[str, str], name: str, *, find: bool = False) -> str | Sought:
    """The number a form holds for a link, empty for none; `Sought` when the typed name has to be chosen from.

    `find`: the person asked for the matches, so not even a single one is taken without being looked at.
    """
    text = values.get(name + TEXT)
    number = next((value for value in reversed(values.getlist(name)) if value), "")
    stands = text == values.get(name + FOR, "") and bool(number or not text)
    if text is None or (stands and not find):
        return number
    text = text.strip()
    if not text:
        return ""
    matches = find_records(target, text, SELECT_UP_TO)
    exact = [option for option in matches if _same(str(option.label), text)]
    if not find and len(exact or matches) == 1:
        return (exact or matches)[0].code
    return Sought(text[:LONGEST_SEARCH], matches)


def _same(title: str, text: str) -> bool:
    return title == text or (fold(title) is not None and fold(title) == fold(text))


def read_links(fields: Iterable[Field], values: MultiDict[str, str]) -> dict[str, Text]:
    """Put the numbers of the links a form holds into `values`; sentences, by field, for names that are still unclear."""
    find = values.get("then") == FIND
    unclear: dict[str, Sought] = {}
    for found in fields:
        target = target_of(found)
        if target is None or found.name + TEXT not in values:
            continue
        read = read_link(target, values, found.name, find=find)
        if isinstance(read, Sought):
            unclear[found.name] = read
            read = ""
        values.setlist(found.name, [read])
    g.unclear_links = unclear
    return {name: sought.error for name, sought in unclear.items() if not (find and sought.matches)}


def combobox(found: Field, target: RegisteredEntity, number: str) -> Combobox | None:
    """The control of a link, None while its target has few records: then a select is best.

    The list that a record is in itself is as long as lists are: that is not asked first.
    """
    among_its_own = isinstance(found.type, Link) and found.owner.__tablename__ == found.type.to
    if not among_its_own and len(find_records(target, "", SELECT_UP_TO + 1)) <= SELECT_UP_TO:
        return None
    unclear = cast("Sought | None", g.get("unclear_links", {}).get(found.name))
    text = unclear.text if unclear else (title_of(target, number) if number else "")
    return Combobox(url_for("picking.pick", entity=target), number, text, unclear.matches if unclear else ())


def few_or_search(found: Field, target: RegisteredEntity) -> tuple[Sequence[Option], Combobox | None]:
    """What a filter or a bulk action offers for a link: all records while they are few, else a search.

    A link into its own list is typed: every list page would bring the script of the search for it.
    """
    if found.owner.__tablename__ == target.model.__tablename__:
        return (), None
    searched = combobox(found, target, "")
    return ((), searched) if searched else (find_records(target, "", SELECT_UP_TO), None)


def make_step(
    found: Field, sought: Sought, *, url: str, method: str, hidden: Sequence[tuple[str, str]], back: str
) -> PickStep:
    """The step that lists the matches for a filter or a bulk action, and carries everything else on."""
    return PickStep(
        heading=_("Choose: %(field)s", field=found.label),
        url=url,
        method=method,
        hidden=hidden,
        label=found.label,
        text=sought.text,
        matches=sought.matches,
        error=sought.error,
        back_url=back,
    )


# -- the list of the combobox -----------------------------------------------------------------------------------
@blueprint.get("/<entity:entity>/pick")
@policy("entity.view")
def pick(entity: RegisteredEntity) -> Response:
    """The options of a combobox for what is typed, with the sentence that is announced."""
    found = find_records(entity, request.args.get("q", ""), SHOWN + 1)
    if len(found) > SHOWN:
        said: Text = _("The first %(number)s matches; type more to narrow them", number=format_integer(SHOWN))
    elif found:
        said = lazy_plural("%(number)s match", "%(number)s matches", len(found))
    else:
        said = _("No match")
    return page("core/pick_options.html", options=found[:SHOWN], said=said)
