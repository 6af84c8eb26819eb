"""What addresses are made of: numbers, lists by their names, and rules compiled when they are first wanted."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import BaseConverter, IntegerConverter, Map, Rule, ValidationError

from core.registry import RegisteredEntity, Registry
from core.web.arguments import LARGEST_NUMBER


class LateRule(Rule):
    """Werkzeug compiles two functions per rule that build addresses from it: a third of the time a generation takes to
    build, though most are never called by a process.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder
        made: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: object) -> tuple[str, str]:
            if not made:
                made.append(compile_now(append_unknown))
            return made[0](rule, **values)

        return build


class RecordNumber(IntegerConverter):
    """A whole number a database can hold; anything larger is no page."""

    def __init__(self, map: Map, fixed_digits: int = 0, min: int | None = None, max: int | None = None) -> None:
        super().__init__(map, fixed_digits, min, LARGEST_NUMBER if max is None else max)


def entity_converter(registry: Registry) -> type[BaseConverter]:
    """A converter that knows only this generation's entities: others are 404 by themselves."""

    class EntityConverter(BaseConverter):
        regex = "|".join(sorted(registry.slugs, key=len, reverse=True)) or "(?!)"

        def __init__(self, map: Map) -> None:
            super().__init__(map)

        def to_python(self, value: str) -> RegisteredEntity:
            found = registry.slugs.get(value)
            if found is None:
                raise ValidationError
            return found

        def to_url(self, value: RegisteredEntity | str) -> str:
            if isinstance(value, RegisteredEntity):
                return value.entity.slug
            return registry.entity(value).entity.slug if value in registry.entities else value

    return EntityConverter
