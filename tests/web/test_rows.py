"""Rows of a list are put together from frames that are made once: nothing of a value may become part of a frame."""

from __future__ import annotations

import re

from markupsafe import escape

from core.data.unit import transaction
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty

HOSTILE = ('100% %(id)s %s "quoted"', "<b onclick='x'>&amp;</b>", "\ue000 %(title)s", "{{ 7 * 7 }}")


def test_a_value_is_a_value(sales: Site) -> None:
    with transaction("test", context=sales.context(sales.people["Alice"])) as unit:
        added = [unit.add(ThirdParty(name=name, role="prospect", town=name[:80])) for name in HOSTILE]
        unit.session.flush()
        numbers = [record.id for record in added]
    browser = sales.browser()
    page = browser.get("/thirdparties").text
    for number, name in zip(numbers, HOSTILE, strict=True):
        shown = str(escape(name))
        row = re.search(rf'<tr id="row-{number}">.*?</tr>', page, re.DOTALL)
        assert row is not None
        assert f'<a href="/thirdparties/{number}">{shown}</a>' in row[0]
        assert f'aria-label="Select {shown}"' in row[0]
        assert f"<td>{shown}</td>" in row[0]
    where = {"HX-Request": "true", "HX-Current-URL": "http://localhost:8000/thirdparties"}
    answer = browser.post(f"/thirdparties/{numbers[0]}/status", {"value": "tocall", "seen": "never"}, headers=where)
    again = re.search(rf'<tr id="row-{numbers[0]}">.*?</tr>', browser.get("/thirdparties").text, re.DOTALL)
    assert answer.status_code == 200
    assert again is not None
    assert _without_token(again[0]) in _without_token(answer.text)


def _without_token(text: str) -> str:
    """Tokens of forms tell the second in which they were made."""
    return re.sub(r'(name="csrf_token" value=)"[^"]+"', r"\1", text)
