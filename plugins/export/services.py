"""Writing the rows of a list into a file: at once while they are few, as a job when they are many (EX-2)."""

from __future__ import annotations

import datetime
import io
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from core.api import (
    CsvForm,
    JobRun,
    ListRows,
    Refused,
    Unit,
    enqueue,
    lazy as _,
    lazy_plural,
    rows_of_job,
    write_in_job,
)

AT_ONCE = 2_000
"""Rows a person waits for; more are a job (UX 2.10)."""
CSV = "text/csv"
WRITE = "export.write"
SEPARATORS: Mapping[str, Any] = {"semicolon": _("Semicolon"), "comma": _("Comma"), "tab": _("Tab")}


def usual_form() -> CsvForm:
    """What spreadsheets of most regions open without a question: the byte order mark says that it is UTF-8."""
    return CsvForm("semicolon", True)


def file_name(rows: ListRows) -> str:
    """What the file is called: the list, and the day."""
    return f"{rows.entity.entity.plural} {datetime.datetime.now(datetime.UTC).date().isoformat()}.csv"


def refuse_nothing(number: int) -> None:
    """A file without rows is none. Raises `Refused`."""
    if not number:
        raise Refused(_("There is nothing to export"))


def written(rows: ListRows, session: Session, form: CsvForm) -> bytes:
    """The file of a few rows."""
    content = io.BytesIO()
    rows.write(session, content, form)
    return content.getvalue()


def start(unit: Unit, rows: ListRows, form: CsvForm) -> int:
    """Start the job for many rows, and say so in the audit; returns its number."""
    rows.note(unit)
    payload = {**rows.payload, "separator": form.separator, "mark": form.mark}
    return enqueue(unit, WRITE, payload, label=_("Export: %(list)s", list=rows.entity.entity.plural))


def write_file(job: JobRun) -> None:
    """The job: write the file, then say in the audit how many rows it holds."""
    rows = rows_of_job(job)
    form = CsvForm(str(job.payload["separator"]), bool(job.payload["mark"]))
    with job.file(file_name(rows), CSV) as handle:
        number = write_in_job(job, rows, handle, form)
    with job.step(WRITE) as step:
        rows.note(step.unit, number)
        step.finish(lazy_plural("%(number)s row exported", "%(number)s rows exported", number))
