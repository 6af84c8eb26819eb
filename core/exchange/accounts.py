"""Mails an account depends on: invitation and password reset (US-2, T51, T53, T54).

`core.access` declares accounts and cannot import this room, which stands above it. So the rule that a new account
without a password is invited is handed to the unit of work by the runtime (`Context.rules`): it runs in the unit that
made the account, whichever road made it (form, import, command), and a rollback leaves neither account nor mail.

A reset is a job, since the answer to who asks for it must not tell by its time whether there is such an account: the
page does the same for every name, and only the job looks.
"""

from __future__ import annotations

from core.access.grants import check_account
from core.access.models import User
from core.access.tokens import INVITE, LIFETIMES, RESET, issue_token
from core.access.users import find_user
from core.contract.changes import Change
from core.contract.contributions import Job
from core.data.unit import Unit
from core.errors import Refused
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.i18n import DEFAULT_REGION, LANGUAGES, Locale, Text, current_locale, gettext, lazy as _, use_locale
from core.jobs.enqueue import enqueue
from core.jobs.run import JobRun
from core.settings import CORE_SETTINGS, read_settings

RESET_JOB = "core.password_reset"
PASSWORD_PAGE = "/password"


def settle_user(unit: Unit, change: Change) -> None:
    """Refuse what its actor may not give, and invite whoever got an account without a password."""
    check_account(unit, change)
    if change.kind == "created":
        user = unit.session.get_one(User, change.record_id)
        if user.active and not user.password_hash:
            invite(unit, user)


def invite(unit: Unit, user: User) -> None:
    """Queue the mail with which somebody chooses the first password. Raises `Refused` when the account has one."""
    if user.password_hash:
        raise Refused(_("%(name)s has a password already. Offer “Forgotten password” instead.", name=user.name))
    if not user.active:
        raise Refused(_("%(name)s may not sign in, so there is nothing to invite to.", name=user.name))
    link = _link(unit, user, INVITE)
    hours = int(LIFETIMES[INVITE].total_seconds()) // 3600
    with use_locale(_locale(user)):
        company = _company(unit)
        subject = gettext("Your account at %(company)s", company=company)
        text = gettext(
            "Hello %(name)s,\n\n%(sender)s invites you to work with Comptoir at %(company)s. Choose your password"
            " here:\n\n%(link)s\n\nThe link works once, within %(hours)s hours. You sign in as %(email)s.",
            name=user.name, sender=unit.context.actor.name or "Comptoir", company=company, link=link, hours=hours,
            email=user.email,
        )  # fmt: skip
    _send(unit, user, subject, text, INVITE)


def ask_for_reset(unit: Unit, name: str) -> None:
    """Somebody says he forgot the password of this account: a job looks whether there is such an account (T51)."""
    enqueue(unit, RESET_JOB, {"name": name}, label=_("Password reset"), owner=None)


def reset(job: JobRun) -> Text | None:
    """Queue the mail of a reset, if the account exists and may sign in."""
    with job.step("account.reset") as step:
        user = find_user(step.unit.session, str(job.payload["name"]))
        if user is not None and user.active:
            _send_reset(step.unit, user)
        step.finish()
    return None


def _send_reset(unit: Unit, user: User) -> None:
    link = _link(unit, user, RESET)
    minutes = int(LIFETIMES[RESET].total_seconds()) // 60
    with use_locale(_locale(user)):
        subject = gettext("A new password for Comptoir")
        text = gettext(
            "Hello %(name)s,\n\nsomebody, probably you, asked for a new password for %(email)s. Choose it here:\n\n"
            "%(link)s\n\nThe link works once, within %(minutes)s minutes. If it was not you, do nothing: your password"
            " stays as it is.",
            name=user.name, email=user.email, link=link, minutes=minutes,
        )  # fmt: skip
    _send(unit, user, subject, text, RESET)


def _link(unit: Unit, user: User, purpose: str) -> str:
    """The link of a mail: it begins with the configured public address, never with that of a request (T54)."""
    return f"{unit.context.public_url}{PASSWORD_PAGE}?token={issue_token(unit.session, user, purpose)}"


def _locale(user: User) -> Locale:
    language = user.language if user.language in LANGUAGES else current_locale().language
    return Locale(language, user.region or DEFAULT_REGION[language])


def _company(unit: Unit) -> str:
    return str(read_settings(unit.session, "core", CORE_SETTINGS)["company_name"] or "Comptoir")


def _send(unit: Unit, user: User, subject: str, text: str, purpose: str) -> None:
    expires = unit.moment + LIFETIMES[purpose]
    language = _locale(user).language
    to = (Recipient(user.email, user.name),)
    enqueue_mail(unit, Draft(to=to, subject=subject, text=text, kind="account", language=language, expires=expires))


ACCOUNT_JOBS = (Job(RESET_JOB, _("Password reset"), reset),)
"""Registered in `core.runtime.generation`."""
