"""Rules of addresses that learn to build an address when somebody first wants one (PERFORMANCE: a swap of the app)."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule


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
