"""What people get when a request could not be done: a sentence, and whatever they typed (UX 0.1.5, 2.0)."""

from __future__ import annotations

import logging

from flask import Response, g, request

from core.errors import ComptoirError
from core.i18n import Text, lazy as _
from core.web.contexts import ErrorPage
from core.web.current import here
from core.web.keeping import values_to_try_again
from core.web.responses import alert, is_fragment, page
from core.web.shell import make_shell

log = logging.getLogger("comptoir.web")

NOT_OURS = 500
"""From this status on the fault is ours, and sending the same form again may work."""
HEADINGS = {
    403: _("Not allowed"),
    404: _("Not found"),
    409: _("Somebody was faster"),
    413: _("Too large"),
    422: _("There is a problem"),
    500: _("There is a problem"),
    503: _("Busy"),
}


def failure_page(status: int, message: Text, incident: str | None = None, *, framed: bool = True) -> Response:
    """The answer to a request that failed: the form again when there was one, else a page or a fragment that says so.

    `incident`: the number to give to an administrator. `framed`: False when the menu may not work either.
    """
    if is_fragment():
        return alert(message, status)
    if status >= NOT_OURS and (again := _form_again(status, message, incident)) is not None:
        return again
    heading = HEADINGS.get(status, _("This could not be done"))
    values = values_to_try_again() if status >= NOT_OURS else []
    retry = request.full_path.rstrip("?") if values else None
    content = ErrorPage(status, heading, message, incident, retry_url=retry, kept=values)
    if not framed or "here" not in g or here().user is None:
        return page("core/error.html", status, page=content)
    return page("core/error.html", status, page=content, shell=make_shell(heading))


def _form_again(status: int, message: Text, incident: str | None) -> Response | None:
    surroundings = here() if "here" in g else None
    if surroundings is None or surroundings.form_again is None:
        return None
    again, surroundings.form_again = surroundings.form_again, None
    if incident is not None:
        message = _("%(message)s Give this number to your administrator: %(number)s", message=message, number=incident)
    try:
        surroundings.fresh()
        return again(status, message)
    except Exception as error:
        if isinstance(error, ComptoirError):
            log.warning("the form could not be shown again: %s", error)
        else:
            log.warning("the form could not be shown again", exc_info=error)
        return None
