"""Notifications by e-mail, for who chose so: one mail each, in the reader's language, through the opt-out gate (US-7, ML-4)."""

from __future__ import annotations

from core.access.models import User
from core.access.users import actor_of
from core.access.views import scope_of
from core.contract.contributions import Job
from core.errors import Refused
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.features.notifications import MAIL_JOB, Notification, tell
from core.i18n import DEFAULT_REGION, LANGUAGES, Locale, gettext, lazy as _, use_locale
from core.jobs.run import JobRun

LONGEST_SUBJECT = 120


def send_notification(job: JobRun) -> None:
    """Put the mail of one notification into the outbox; nothing for an account that may no longer sign in.

    What it says is what the reader may know at this moment; the link leads to the list, which asks him to sign in.
    """
    with job.step("notification.mail") as step:
        session = step.unit.session
        row = session.get(Notification, int(job.payload["notification"]))
        user = session.get(User, row.user_id) if row is not None else None
        if row is None or user is None or not user.active:
            step.finish()
            return
        language = user.language if user.language in LANGUAGES else "en"
        actor = actor_of(user)
        registry, permissions = step.unit.context.registry, job.permissions
        session.scope = scope_of(session, user, actor, registry, permissions)
        (told,) = tell(session, registry, permissions.of(actor), [row])
        session.scope = None  # the rest is the system's own work again
        with use_locale(Locale(language, user.region or DEFAULT_REGION[language], user.timezone or "UTC")):
            text = str(told.text)
            body = gettext(
                "Hello %(name)s,\n\n%(text)s\n\nYour notifications: %(address)s\n", name=user.name, text=text,
                address=f"{job.public_url}/notifications",
            )  # fmt: skip
        subject = " ".join(text.split())[:LONGEST_SUBJECT]
        try:
            draft = Draft(
                to=(Recipient(user.email, user.name),), subject=subject, text=body, kind="notice", language=language, html=False,
                key=f"notification:{row.id}",
            )  # fmt: skip
            enqueue_mail(step.unit, draft)
        except Refused as error:  # an address or a title no mail can carry: the bell has told already
            step.finish(error.message)
            return
        step.finish()


NOTIFICATION_JOBS = (Job(MAIL_JOB, _("E-mail a notification"), send_notification),)
"""Registered in `core.runtime.generation`."""
