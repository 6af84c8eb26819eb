"""The filters of a list (UX 2.1, UI-4): chips that say them in words, and the builder that makes and changes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from flask import url_for
from markupsafe import escape
from werkzeug.datastructures import MultiDict

from core.data.query import Asked, Filter, LeftOut, ListQuery, kind_of
from core.errors import Invalid
from core.fields import Field, Option, occurring
from core.fields.base import BETWEEN, Operator
from core.fields.choices import NO, YES
from core.i18n import Text, current_locale, format_integer, lazy as _
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.form_contexts import Combobox, PickStep
from core.web.list_address import asked, pairs_of, with_pairs
from core.web.list_contexts import FieldGroup, FilterChip, FilterForm
from core.web.picking import TEXT, Sought, few_or_search, make_step, read_link, target_of, title_of

GROUP = "1"
"""The or-group the builder makes; an address may have others."""
SAID = frozenset({"view", "changed", "base", "f", "any", "q", "sort", "c", "density", "per"})
"""What of an address stands beside a filter; its place is over once the filter changes."""


def operator_of(one: Filter) -> Operator:
    """The operator of a parsed filter."""
    return next(found for found in kind_of(one.field).type.operators if found.name == one.operator)


def filter_words(one: Filter) -> Text:
    """A filter as a sentence: `Country is France or Belgium`."""
    operator, found = operator_of(one), kind_of(one.field)
    if operator.takes == "days":
        number = format_integer(int(one.values[0]))
        words = str(operator.label).replace("…", number)
        return _("%(field)s %(operator)s", field=one.field.label, operator=words)
    shown = []
    target = target_of(found)
    for value in one.values:
        parsed = _parsed(found, value)
        if parsed is not None and target is not None:
            shown.append(title_of(target, str(parsed)))
        else:
            shown.append(value if parsed is None else found.type.text(parsed))
    values = str(_(" and ") if one.operator == BETWEEN.name else _(" or ")).join(shown)
    return (
        _("%(field)s %(operator)s %(values)s", field=one.field.label, operator=operator.label, values=values)
        if shown
        else _("%(field)s %(operator)s", field=one.field.label, operator=operator.label)
    )


def _parsed(found: Field, value: str) -> Any:
    """A typed value; None for a part of one, which is shown as it was typed."""
    try:
        return found.type.parse(value)
    except Invalid:
        return None


def make_chips(query: ListQuery) -> list[FilterChip]:
    """The conditions of a list beside those of its built-in view; alternatives stand together."""
    chips = []
    before: Filter | LeftOut | None = None
    for one in sorted(query.own, key=lambda found: found.group):
        without = query.without(one)
        alternative = before is not None and bool(one.group) and before.group == one.group
        remove = with_pairs(query.entity, pairs_of(without))
        if isinstance(one, LeftOut):
            chips.append(FilterChip(one.reason, remove, wrong=True, alternative=alternative))
        else:
            chips.append(FilterChip(filter_words(one), remove, _edit_url(without, one), alternative=alternative))
        before = one
    return chips


def _edit_url(without: ListQuery, one: Filter) -> str:
    arguments: dict[str, list[str]] = {}
    for name, value in pairs_of(without):
        arguments.setdefault(name, []).append(value)
    form = {"field": [one.field.name], "op": [one.operator], "value": list(one.values), "part": ["edit"]}
    group = {"group": [one.group]} if one.group else {}
    return _editor_url(without.entity, {**arguments, **form, **group})


def _editor_url(entity: RegisteredEntity, arguments: dict[str, list[str]]) -> str:
    return url_for("lists.filter_editor", entity=entity, **dict[str, Any](arguments))


# -- the builder ------------------------------------------------------------------------------------------------
def field_groups(query: ListQuery, *, sorting: bool = False) -> list[FieldGroup]:
    """What can be asked, by its source: fields of the list, of modules, of administrators, of linked records.

    `sorting`: of linked records only what has an index (UI-4).
    """
    entity, registry = query.entity, here().registry
    groups: dict[str, FieldGroup] = {}

    def add(source: str, label: Text, one: Asked) -> None:
        group = groups.setdefault(source, FieldGroup(label, []))
        groups[source] = FieldGroup(label, [*group.fields, (one.name, one.label)])

    for name, found in entity.fields.items():
        if name not in query.visible:
            continue
        if found.extra_key is not None:
            add("x.", _("Custom fields"), found)
        elif found.owner is entity.model:
            add("", entity.entity.label, found)
        else:
            module = registry.plugins.get(found.plugin)
            add(f"{found.plugin}.", module.label if module else found.plugin, found)
    for linked in query.linked.values():
        if not sorting or linked.field.key_column is not None or linked.field.declaration.indexed:
            add(f"{linked.via.name}:", linked.via.label, linked)
    return list(groups.values())


def _offered(query: ListQuery) -> tuple[Sequence[FieldGroup], str]:
    """The fields to choose from, and the same as HTML: made once for a language and those with the same rights."""
    surroundings = here()
    key = ("filter fields", query.entity.name, surroundings.actor.roles, current_locale())
    known: tuple[Sequence[FieldGroup], str] | None = surroundings.kept.get(key)
    if known is None:
        groups = field_groups(query)
        known = surroundings.kept[key] = groups, "\n".join(_options(group) for group in groups)
    return known


def _options(group: FieldGroup) -> str:
    options = "".join(f'<option value="{escape(name)}">{escape(label)}</option>' for name, label in group.fields)
    return f'<optgroup label="{escape(group.label)}">{options}</optgroup>'


def empty_form(query: ListQuery) -> FilterForm:
    """The builder before a field is chosen."""
    groups, options_html = _offered(query)
    return FilterForm(
        id="filter",
        url=url_for("records.index", entity=query.entity),
        editor_url=url_for("lists.filter_editor", entity=query.entity, part="filter"),
        hidden=pairs_of(query),
        groups=groups,
        options_html=options_html,
        heading=_("Add filter"),
    )


def filled_form(entity: RegisteredEntity, arguments: MultiDict[str, str]) -> FilterForm:
    """The builder for the field, operator and values of an address, and what stands beside them."""
    kept = [(name, value) for name, value in arguments.items(multi=True) if name in SAID]
    query = asked(entity, MultiDict(kept).to_dict(flat=False))
    part = "edit" if arguments.get("part") == "edit" else "filter"
    name = arguments.get("field", "")
    found = query.find(name)
    form = FilterForm(
        id=part,
        url=url_for("records.index", entity=entity),
        editor_url=url_for("lists.filter_editor", entity=entity, part=part),
        hidden=kept,
        groups=field_groups(query),
        heading=_("Edit filter") if part == "edit" else _("Add filter"),
        cancel_url=with_pairs(entity, kept),
    )
    if found is None:
        return form
    kind = kind_of(found).type
    operators = [(one.name, one.label, one.values, one.takes) for one in kind.operators]
    operator = arguments.get("op", "")
    options, combo = _offers(found)
    values = [value for value in arguments.getlist("value") if value]
    if combo is not None and values and (target := target_of(kind_of(found))) is not None:
        combo = Combobox(combo.url, values[0], title_of(target, values[0]))
    return FilterForm(
        id=part,
        url=form.url,
        editor_url=form.editor_url,
        hidden=kept,
        groups=form.groups,
        field=name,
        operators=operators,
        operator=operator if operator in {one.name for one in kind.operators} else kind.operators[0].name,
        values=values,
        options=options,
        combo=combo,
        attributes={**kind.control().attributes} if kind.control().kind == "text" else {},
        alternative=bool(arguments.get("group")),
        heading=form.heading,
        cancel_url=form.cancel_url,
    )


def _offers(found: Asked) -> tuple[Sequence[Option], Combobox | None]:
    """The values there are for a field, or the search among them."""
    kind = kind_of(found)
    target = target_of(kind)
    if target is not None:
        return few_or_search(kind, target)
    if kind.type.control().kind == "checkbox":
        return [Option("true", YES), Option("false", NO)], None
    return [option for option in occurring(kind.type) if option.code], None


def add_filter(entity: RegisteredEntity, arguments: MultiDict[str, str]) -> str | PickStep:
    """The address with the filter of the form added to what was there, or the step that lists the matches of a name.

    Without an operator it is the address of the builder, which asks for one.
    """
    pairs = [(name, value) for name, value in arguments.items(multi=True) if name in SAID]
    query = asked(entity, MultiDict(pairs).to_dict(flat=False))
    name, operator = arguments.get("field", ""), arguments.get("op", "")
    values = [value for value in arguments.getlist("value") if value]
    found = query.find(name)
    if found is not None and not operator and not values:
        return _editor_url(entity, {**{key: arguments.getlist(key) for key, _value in pairs}, "field": [name]})
    operator = operator or "is"
    if found is not None:
        kind = kind_of(found)
        sought = _linked(kind, arguments, values)
        if sought is not None:
            kept = [*pairs, ("field", name), ("op", operator), *(("value", value) for value in values)]
            index = url_for("records.index", entity=entity)
            back = with_pairs(entity, pairs)
            return make_step(kind, sought, url=index, method="get", hidden=kept, back=back)
        known = next((one for one in kind.type.operators if one.name == operator), None)
        if known is not None and known.values == "none":
            values = []
        elif known is not None and known.values == "one":
            values = values[:1]
    if name:
        escaped = ",".join(quote(value, safe="") for value in values)
        text = f"{name}:{operator}" + (f":{escaped}" if escaped else "")
        group = arguments.get("group", "")[:20]
        pairs.append(("any", f"{group}:{text}") if group else ("f", text))
    return with_pairs(entity, pairs)


def _linked(found: Field, arguments: MultiDict[str, str], values: list[str]) -> Sought | None:
    """Turn the names typed for a link into numbers, in `values`; the first that is unclear ends it."""
    target = target_of(found)
    if target is None:
        return None
    if "value" + TEXT in arguments:
        typed = [read_link(target, arguments, "value")]
    else:  # a plain input
        typed = [
            value
            if value.removeprefix("#").isdecimal()
            else read_link(target, MultiDict({"value" + TEXT: value}), "value")
            for value in values
        ]
    values[:] = [value for value in typed if isinstance(value, str) and value]
    return next((value for value in typed if isinstance(value, Sought)), None)
