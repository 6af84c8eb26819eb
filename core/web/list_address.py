"""The address of a list, both ways (UX 0.1.2, 2.1): the question it asks, and the address that asks a question.

`view` names a built-in view, or the number of a saved one. An address with a saved view alone means what is kept in it;
with `changed` it says all by itself, and the view is only what it began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import g

from core.data.query import LinkedField, ListQuery, Place, parse
from core.features.list_views import Saved
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.desk import desk

ALL = "all"
"""The view that is none, for who has a default view."""
KEPT = ("c", "sort", "density")
"""What a view, or a person's habit, says for addresses that do not."""
Arguments = Mapping[str, Sequence[str]]


def asked(entity: RegisteredEntity, arguments: Arguments) -> ListQuery:
    """The question of an address, as the signed-in person asks it."""
    known = desk(entity.name)
    view = (arguments.get("view") or [""])[0]
    saved = known.find(int(view)) if view.isdecimal() and len(view) < 19 else None
    base = dict(arguments)
    if saved is not None:
        base["view"] = list(arguments.get("base", ()) if "changed" in arguments else saved.arguments.get("view", ()))
    elif view == ALL:
        base["view"] = []
    usual = {name: known.usual[name] for name in KEPT if name in known.usual}
    begun: Arguments = saved.arguments if saved is not None else {**usual, "view": base.get("view", ())}
    if saved is not None and "changed" not in arguments:
        for name in ("f", "any"):
            base[name] = [*saved.arguments.get(name, ()), *arguments.get(name, ())]
    for name in KEPT:
        if name not in arguments and name in begun:
            base[name] = begun[name]
    if "per" not in arguments and "per" in known.usual:
        base["per"] = known.usual["per"]
    start = _parsed(entity, begun)
    query = _parsed(entity, base)
    size = _parsed(entity, {"per": known.usual.get("per", ())}).size
    return replace(query, saved=saved.id if saved is not None else None, usual=start.state, usual_size=size)


def _parsed(entity: RegisteredEntity, arguments: Arguments) -> ListQuery:
    surroundings = here()
    fields, linked = _askable(entity)
    return parse(entity, arguments, fields, scope=surroundings.scope, linked=linked)


def _askable(entity: RegisteredEntity) -> tuple[frozenset[str], Mapping[str, LinkedField]]:
    """What the person may ask, worked out once for all with the same rights."""
    surroundings = here()
    key = ("askable", entity.name, surroundings.actor.roles)
    known: tuple[frozenset[str], Mapping[str, LinkedField]] | None = surroundings.kept.get(key)
    if known is None:
        permissions, actor = surroundings.permissions, surroundings.actor
        linked = permissions.linked_fields(actor, entity, surroundings.registry)
        known = surroundings.kept[key] = (permissions.fields(actor, entity), linked)
    return known


def plain(query: ListQuery) -> ListQuery:
    """The list as its entity declares it, in the same built-in view; each of its links asks."""
    known: dict[tuple[str, str], ListQuery] = g.setdefault("plain_lists", {})
    key = (query.entity.name, query.view)
    if key not in known:
        known[key] = _parsed(query.entity, {"view": [query.view]})
    return known[key]


def saved_view(query: ListQuery) -> Saved | None:
    """The saved view the list began with."""
    return desk(query.entity.name).find(query.saved) if query.saved is not None else None


def is_changed(query: ListQuery) -> bool:
    """Whether the list is no longer what its saved view says."""
    return query.saved is not None and query.state != query.usual


def pairs_of(query: ListQuery) -> list[tuple[str, str]]:
    """Names and values of the address that asks the question, without its place."""
    state, usual = query.state, query.usual
    if query.saved is not None and state == usual:
        pairs = [("view", str(query.saved))]
    elif query.saved is not None:
        own = [("base" if name == "view" else name, value) for name, value in state.pairs()]
        pairs = [("view", str(query.saved)), ("changed", "1"), *own]
    else:
        declared = plain(query).state
        pairs = [("view", state.base)] if state.base else []
        pairs += state.filters
        if not state.sort == usual.sort == declared.sort:
            pairs.append(("sort", state.sort))
        if not state.columns == usual.columns == declared.columns:
            pairs += [("c", name) for name in state.columns]
        if not state.density == usual.density == declared.density:
            pairs.append(("density", state.density))
        if not pairs and desk(query.entity.name).default_view is not None:
            pairs.append(("view", ALL))
    if query.search:
        pairs.append(("q", query.search))
    if query.size != query.usual_size:
        pairs.append(("per", str(query.size)))
    return pairs


def list_url(query: ListQuery, place: Place | None = None, **more: str) -> str:
    """The address of the same list; everything it is asked for is kept."""
    pairs = [*pairs_of(query), *more.items()]
    if place is not None:
        pairs.append(("at", place.wire()))
    return with_pairs(query.entity, pairs)


def with_pairs(entity: RegisteredEntity, pairs: Sequence[tuple[str, str]]) -> str:
    """The address of a list with these names and values."""
    address = f"/{entity.entity.slug}"
    return f"{address}?{urlencode(pairs)}" if pairs else address


def query_string(query: ListQuery) -> str:
    """The whole question, without saved views and habits: for what is done with all rows of the list, also by a job."""
    return urlencode([*query.state.pairs(), *([("q", query.search)] if query.search else [])])


def shown_string(query: ListQuery) -> str:
    """What stands behind the question mark of the list: for what arranges it, or is about its saved view."""
    return urlsplit(list_url(query)).query


def read_query_string(entity: RegisteredEntity, text: str) -> ListQuery:
    """The other way round."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return asked(entity, found)
