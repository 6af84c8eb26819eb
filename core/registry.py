"""The immutable view of one enabled set: its entities with their fields, wherever these come from (DESIGN 1, 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import inspect

from core.contract.contributions import Action, Check, Entity, Job, MenuItem, Panel, Tab, Widget
from core.contract.hooks import Hooks
from core.contract.plugin import Plugin
from core.data.custom_fields import CustomDefinition
from core.data.numbering import NUMBERED
from core.data.query import parse_filter
from core.data.records import Facet, Fielded, Record
from core.errors import ContractError, Invalid, NotFound, PluginError
from core.fields import Declaration, Field, Listed, Option
from core.i18n import lazy as _

CORE_TABS = ("activity", "details", "files")
"""The core's tabs of a sheet, the first of them shown unless the address says otherwise."""
CORE = "core"
"""Who owns what no plugin does."""
TAGGED = "core.tagged"
"""The list of entities whose records can have tags (TP-6)."""
SYSTEM_ATTRIBUTES = frozenset({"created_at", "updated_at"})
"""Fields of every record that the core sets itself; they are shown and sorted, never part of a change."""


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredEntity:
    """An entity of this enabled set with all its fields, own, contributed and custom."""

    entity: Entity
    plugin: str
    model: type[Record]
    fields: Mapping[str, Field]
    facets: tuple[type[Facet], ...]
    panels: tuple[tuple[str, Panel], ...]
    tabs: tuple[tuple[str, Tab], ...]
    actions: tuple[tuple[str, Action], ...]
    tracked: Mapping[type[Fielded], tuple[Field, ...]]
    """For each class that holds values: the fields whose changes are history."""

    @property
    def name(self) -> str:
        """The entity's name in code."""
        return self.entity.name

    @property
    def title_field(self) -> Field:
        """The field that names a record."""
        return self.fields[self.entity.title]

    @property
    def quick_field(self) -> Field | None:
        """The field lists change with one click, if any."""
        return next((found for found in self.fields.values() if found.declaration.quick), None)

    def field(self, name: str) -> Field:
        """The field of that name. Raises `NotFound`."""
        if name not in self.fields:
            raise NotFound(_("There is no field %(name)s", name=name))
        return self.fields[name]

    def permission(self, verb: str) -> str:
        """The derived permission: view, create, edit, delete, export (DESIGN 7)."""
        return f"{self.name}.{verb}"


@dataclass(frozen=True, slots=True, eq=False)
class Registry:
    """Everything the enabled plugins declare, assembled once."""

    plugins: Mapping[str, Plugin]
    entities: Mapping[str, RegisteredEntity]
    slugs: Mapping[str, RegisteredEntity]
    models: Mapping[type[Fielded], RegisteredEntity]
    menu: tuple[tuple[str, MenuItem], ...]
    widgets: tuple[tuple[str, Widget], ...]
    checks: tuple[tuple[str, Check], ...]
    dictionaries: Mapping[str, tuple[Option, ...]]
    """The lists administrators keep, and the people, teams, companies and roles of the installation."""
    jobs: Mapping[str, Job]

    def job(self, name: str, plugin: str) -> Job | None:
        """The registered job of a row; None when its module is off, or nobody registers it any more (T28)."""
        return self.jobs.get(name) if plugin == CORE or plugin in self.plugins else None

    def entity(self, name: str) -> RegisteredEntity:
        """The entity of that name. Raises `NotFound`, also for those of modules that are off."""
        if name not in self.entities:
            raise NotFound(_("There is no such list"))
        return self.entities[name]

    def entity_of(self, record: Fielded | type[Fielded]) -> RegisteredEntity:
        """The entity a record or facet belongs to. Raises `ContractError` when its module is off."""
        cls = record if isinstance(record, type) else type(record)
        if cls not in self.models:
            raise ContractError(f"{cls.__name__} belongs to a module that is off")
        return self.models[cls]

    @property
    def parts(self) -> Mapping[str, RegisteredEntity]:
        """What is part of records of other entities and has no pages of its own, by slug: notes and files (TP-5)."""
        return {
            found.entity.slug: found
            for found in self.entities.values()
            if found.entity.ownership is not None and found.entity.ownership.part_of is not None
        }

    def by_table(self, table: str) -> RegisteredEntity | None:
        """The entity kept in a table, None when its module is off."""
        return next((found for found in self.entities.values() if found.model.__tablename__ == table), None)

    @property
    def personal(self) -> frozenset[str]:
        """The names of the fields that hold something personal: what no log line may hold (SECURITY 7.34)."""
        fields = (found for entity in self.entities.values() for found in entity.fields.values())
        return frozenset(found.name for found in fields if found.declaration.personal)


def build_registry(
    hooks: Hooks,
    plugins: Sequence[Plugin],
    core_entities: Sequence[type[Record]],
    dictionaries: Mapping[str, tuple[Option, ...]],
    custom: Sequence[CustomDefinition] = (),
    core_jobs: Sequence[Job] = (),
) -> Registry:
    """Assemble what the enabled plugins declare. Raises `PluginError` naming the plugin whose part does not fit."""
    entities: dict[str, RegisteredEntity] = {}
    declared = [*((CORE, model) for model in core_entities), *hooks.gather("entities")]
    for plugin, model in declared:
        _check_model(plugin, model)
    numbered = (model.entity for _plugin, model in declared if model.entity.numbering)
    dictionaries = {**dictionaries, NUMBERED: tuple(Option(found.name, found.plural) for found in numbered)}
    tagged = (
        model.entity for _plugin, model in declared if model.entity.pages and not model.entity.administrators_only
    )
    dictionaries[TAGGED] = tuple(Option(found.name, found.plural) for found in tagged)
    for plugin, model in declared:
        if model.entity.name in entities:
            raise PluginError(plugin, _("The entity %(name)s is declared twice", name=model.entity.name))
        entities[model.entity.name] = _assemble(hooks, plugin, model, dictionaries, custom)
    return Registry(
        plugins=MappingProxyType({plugin.name: plugin for plugin in plugins}),
        entities=MappingProxyType(entities),
        slugs=MappingProxyType(_by_slug(entities.values())),
        models=MappingProxyType({cls: registered for registered in entities.values() for cls in registered.tracked}),
        menu=tuple(hooks.gather("menus")),
        widgets=_widgets(hooks, entities),
        checks=tuple(hooks.gather("checks")),
        dictionaries=MappingProxyType(dict(dictionaries)),
        jobs=MappingProxyType({job.name: job for job in (*core_jobs, *_plugin_jobs(hooks))}),
    )


def _plugin_jobs(hooks: Hooks) -> Iterable[Job]:
    for plugin, job in hooks.gather("jobs"):
        if not job.name.startswith(f"{plugin}."):
            message = _("The name of the job %(name)s must begin with %(prefix)s", name=job.name, prefix=f"{plugin}.")
            raise PluginError(plugin, message)
        yield job


def _check_model(plugin: str, model: type[Record]) -> None:
    if not issubclass(model, Fielded):
        raise PluginError(plugin, _("%(value)s is not a record class", value=model.__name__))
    prefix = f"{plugin}_"
    if not model.__tablename__.startswith(prefix):
        raise PluginError(
            plugin, _("The table %(table)s must begin with %(prefix)s", table=model.__tablename__, prefix=prefix)
        )


def _by_slug(entities: Iterable[RegisteredEntity]) -> dict[str, RegisteredEntity]:
    slugs: dict[str, RegisteredEntity] = {}
    for registered in entities:
        slug = registered.entity.slug
        if registered.entity.pages and (other := slugs.setdefault(slug, registered)) is not registered:
            message = _(
                "%(one)s and %(other)s share the address /%(slug)s", one=other.name, other=registered.name, slug=slug
            )
            raise PluginError(registered.plugin, message)
    return slugs


def _assemble(
    hooks: Hooks,
    plugin: str,
    model: type[Record],
    dictionaries: Mapping[str, tuple[Option, ...]],
    custom: Sequence[CustomDefinition],
) -> RegisteredEntity:
    entity = model.entity
    fields = {found.name: found for found in _fields_of(plugin, model, "", dictionaries)}
    facets: list[type[Facet]] = []
    for contributor, facet in hooks.gather("entity_fields", entity=entity.name):
        _check_model(contributor, facet)
        if not issubclass(facet, Facet) or facet.of is not model:
            raise PluginError(
                contributor, _("%(facet)s is not a facet of %(entity)s", facet=facet.__name__, entity=entity.name)
            )
        facets.append(facet)
        fields.update({found.name: found for found in _fields_of(contributor, facet, f"{contributor}.", dictionaries)})
    for definition in custom:
        if definition.entity == entity.name:
            made = _custom_field(model, definition)
            fields[made.name] = made
    if entity.title not in fields:
        raise PluginError(
            plugin,
            _("The entity %(entity)s has no field %(name)s to name records by", entity=entity.name, name=entity.title),
        )
    tracked = [
        found for found in fields.values()
        if not found.declaration.computed and found.attribute not in SYSTEM_ATTRIBUTES
    ]  # fmt: skip
    return RegisteredEntity(
        entity=entity,
        plugin=plugin,
        model=model,
        fields=MappingProxyType(fields),
        facets=tuple(facets),
        panels=tuple(sorted(hooks.gather("panels", entity=entity.name), key=lambda found: found[1].order)),
        tabs=_tabs(hooks, entity),
        actions=_actions(hooks, entity),
        tracked=MappingProxyType(
            {cls: tuple(found for found in tracked if found.owner is cls) for cls in (model, *facets)}
        ),
    )


def _tabs(hooks: Hooks, entity: Entity) -> tuple[tuple[str, Tab], ...]:
    found = tuple(sorted(hooks.gather("tabs", entity=entity.name), key=lambda pair: pair[1].order))
    names = set(CORE_TABS)
    for plugin, tab in found:
        if tab.name in names:
            raise PluginError(
                plugin, _("The tab %(name)s of %(entity)s is there twice", name=tab.name, entity=entity.name)
            )
        names.add(tab.name)
    return found


def _widgets(hooks: Hooks, entities: Mapping[str, RegisteredEntity]) -> tuple[tuple[str, Widget], ...]:
    """The cards of the home page. Raises `PluginError` for one that counts what no list could show."""
    found = tuple(sorted(hooks.gather("widgets"), key=lambda pair: pair[1].order))
    for plugin, widget in found:
        if not widget.entity:
            continue
        try:
            if (counted := entities.get(widget.entity)) is None or not counted.entity.pages:
                raise NotFound(_("There is no such list"))
            for text in widget.filters:
                parse_filter(counted, text, frozenset(counted.fields))
            by = counted.field(widget.by).type if widget.by else None
            if by is not None and (by.multiple or not isinstance(by, Listed)):
                raise Invalid(_("There is no field %(name)s", name=widget.by))
        except (NotFound, Invalid) as error:
            message = _("The card %(label)s cannot count: %(error)s", label=widget.label, error=error.message)
            raise PluginError(plugin, message) from error
    return found


def _actions(hooks: Hooks, entity: Entity) -> tuple[tuple[str, Action], ...]:
    found = tuple(hooks.gather("actions", entity=entity.name))
    keys: dict[str, Action] = {}
    for plugin, action in found:
        if action.shortcut is not None and (other := keys.setdefault(action.shortcut, action)) is not action:
            raise PluginError(
                plugin, _("%(one)s and %(other)s share the shortcut %(key)s", one=action.label, other=other.label, key=action.shortcut)
            )  # fmt: skip
    return found


def _fields_of(
    plugin: str, cls: type[Fielded], prefix: str, dictionaries: Mapping[str, tuple[Option, ...]]
) -> Iterable[Field]:
    numbering = cls.entity.numbering if issubclass(cls, Record) else None
    declared = [
        (attribute, found) for attribute in inspect(cls).column_attrs
        if (found := attribute.columns[0].info.get("field") or attribute.info.get("field"))
    ]  # fmt: skip
    for attribute, declaration in sorted(declared, key=lambda found: found[0].key in SYSTEM_ATTRIBUTES):
        column = attribute.columns[0]
        nullable = declaration.computed or bool(column.nullable)
        given = nullable or declaration.readonly or bool(numbering and numbering.field == attribute.key)
        kind = declaration.type
        if isinstance(kind, Listed) and kind.dictionary is not None:
            kind = kind.bound(dictionaries.get(kind.dictionary, ()))
        yield Field(
            name=f"{prefix}{attribute.key}",
            plugin=plugin,
            declaration=declaration,
            attribute=attribute.key,
            owner=cls,
            column=column,
            key_column=cls.__table__.columns.get(f"{attribute.key}_key"),
            required=declaration.required or not given,
            nullable=nullable or issubclass(cls, Facet),
            type=kind,
        )


def _custom_field(model: type[Record], definition: CustomDefinition) -> Field:
    return Field(
        name=definition.name or f"x.{definition.code}",
        plugin=CORE,
        declaration=Declaration(definition.type, definition.label, section=definition.name or "custom"),
        attribute="extra",
        owner=model,
        column=definition.type.seat(model.__table__.columns["extra"], definition.code),
        type=definition.type,
        extra_key=definition.code,
    )
