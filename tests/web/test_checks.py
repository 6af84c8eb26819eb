"""One value, asked about before the form is saved: by the very field that will read it (UX 2.4)."""

from __future__ import annotations

import pytest

from core.testing.site import Site
from tests.web.test_access import dump


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("email", "lea@zinc", "Enter an email address like name@example.com"), ("email", "lea@zinc.example", ""),
        ("email", "", ""), ("email", "   ", ""), ("website", "www.zinc.example", ""), ("website", "javascript:alert(1)", None),
        ("phone", "+33 1 99 00 12 34", ""), ("phone", "call me", None), ("name", "a\x00b", None), ("name", "Zinc", ""),
        ("email", "<b>@" * 100_000, None),
    ],
)  # fmt: skip
def test_what_the_field_says(sales: Site, field: str, value: str, said: str | None) -> None:
    browser = sales.browser()
    browser.get("/thirdparties/new")
    before = dump(sales)
    answer = browser.post("/thirdparties/check", {"field": field, "value": value})
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    if said is None:
        assert answer.text
        assert answer.text == str(answer.text).strip()
    else:
        assert answer.text == said
    assert dump(sales) == before


def test_only_fields_one_may_write(sales: Site) -> None:
    browser = sales.browser()
    browser.get("/thirdparties/new")
    for field in ("created_at", "nonsense", "", "extra"):
        assert browser.post("/thirdparties/check", {"field": field, "value": "x"}).status_code == 404
    assert browser.client.post("/thirdparties/check", data={"field": "email", "value": "x"}).status_code == 400
