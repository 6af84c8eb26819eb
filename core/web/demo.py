"""Taking demo data away (UX 2.15)."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from core.features.demo import demo_left, remove_demo
from core.i18n import Text, lazy as _, lazy_plural
from core.web.current import here
from core.web.module_contexts import DemoBox
from core.web.policy import policy
from core.web.responses import see

blueprint = Blueprint("demo", __name__)
MANAGE = "modules.manage"


def demo_box() -> DemoBox | None:
    """What the Modules page says of demo data, None when there is none."""
    surroundings = here()
    left = demo_left(surroundings.session, surroundings.registry)
    if not left.total and not left.off:
        return None
    off: Text | None = None
    if left.off:
        off = lazy_plural(
            "%(number)s record of modules that are off stays until they are enabled.",
            "%(number)s records of modules that are off stay until they are enabled.",
            left.off,
        )
    counts = [
        _("%(entity)s: %(number)s", entity=registered.entity.plural, number=number)
        for registered, number in left.entities
    ]
    return DemoBox(counts, off, url_for("demo.remove") if left.total else None)


@blueprint.post("/demo/remove")
@policy(MANAGE)
def remove() -> Response:
    """Put the demo records into the trash; the message counts them and offers Undo."""
    surroundings = here()
    surroundings.fresh()
    context = surroundings.runtime.context(surroundings.generation, surroundings.actor, surroundings.request_id)
    return see(url_for("modules.index"), remove_demo(context).operation)
