"""A page of a plugin's own in the frame of every other: menu, breadcrumb, title, what the last action did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response

from core.i18n import Text


def show_page(
    template: str, title: Text, *, above: Sequence[tuple[Text, str]] = (), status: int = 200, **context: Any
) -> Response:
    """The answer of a view: `template`, which extends `core/base.html` and fills its block `main`, with `context`.

    `title` names the page in the browser and ends the breadcrumb, `above` are the pages it stands under: label and
    address of each. `shell` in the context is the core's.
    """
    from core.web.contexts import Crumb  # with a page only: the worker and the commands import `core.api` as well
    from core.web.responses import page
    from core.web.shell import make_shell

    crumbs = [*(Crumb(label, address) for label, address in above), Crumb(title)]
    return page(template, status, **context, shell=make_shell(title, crumbs))
