"""What a list offers about views: save it as one, save what was changed, go back (UX 2.1)."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from core.access.models import ADMINISTRATOR, ROLES
from core.data.query import ListQuery
from core.fields import Option
from core.web.current import here
from core.web.list_address import is_changed, saved_view, shown_string
from core.web.list_contexts import ViewBox


def role_options() -> Sequence[Option]:
    """The roles a view can be shared with."""
    return here().registry.dictionaries.get(ROLES, ())


def may_lock() -> bool:
    """Whether the person may lock views."""
    return ADMINISTRATOR in here().actor.roles


def make_view_box(query: ListQuery) -> ViewBox:
    """The state of the list as a view."""
    saved, entity = saved_view(query), query.entity
    changed = is_changed(query)
    return ViewBox(
        save_as_url=url_for("saved_views.create", entity=entity),
        query=shown_string(query),
        roles=role_options(),
        may_lock=may_lock(),
        manage_url=url_for("saved_views.index", entity=entity),
        name=saved.name if saved else "",
        changed=changed,
        save_url=url_for("saved_views.keep", entity=entity, view_id=saved.id)
        if saved and changed and saved.mine
        else None,
        reset_url=url_for("records.index", entity=entity, view=saved.id) if saved and changed else None,
    )
