"""Forgets what access keeps only for a while: sign-ins, wrong tries, mailed links, one-time keys of forms, kept forms."""

from __future__ import annotations

import datetime

from sqlalchemy import delete, or_

from core.access.kept_forms import LIFETIME
from core.access.models import AccountToken, KeptForm, SignIn, SignInFailure
from core.access.sign_in import ABSOLUTE
from core.access.throttle import WINDOW
from core.data.engine import Database
from core.data.records import now
from core.data.tables import Submission

KEPT = datetime.timedelta(days=2)


def sweep(database: Database) -> None:
    """Delete rows nobody will ask for again."""
    moment = now()
    with database.connection() as connection:
        connection.execute(
            delete(SignIn).where(or_(SignIn.created_at < moment - ABSOLUTE - KEPT, SignIn.ended_at < moment - KEPT))
        )  # an expired one still tells whose form comes too late
        connection.execute(delete(KeptForm).where(KeptForm.created_at < moment - LIFETIME))
        connection.execute(delete(SignInFailure).where(SignInFailure.at < moment - WINDOW))
        connection.execute(delete(AccountToken).where(AccountToken.expires_at < moment - KEPT))
        connection.execute(delete(Submission).where(Submission.at < moment - KEPT))
