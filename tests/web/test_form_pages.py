"""Forms, conflicts and hostile values: nothing typed is lost, nothing half-written stays."""

from __future__ import annotations

import re

import pytest

from core.testing.site import Site
from tests.web.pages import create, fields_of, follow


class TestTheForm:
    """Nothing typed is ever lost; nothing half-written stays."""

    def test_errors_keep_what_was_typed(self, sales: Site) -> None:
        browser = sales.browser()
        browser.get("/thirdparties/new")
        page = browser.post("/thirdparties/new", {"name": "", "email": "lea@zinc", "town": "Lyon"})
        assert page.status_code == 422
        assert "There is a problem" in page.text
        assert "Enter an email address like name@example.com" in page.text
        assert 'value="lea@zinc"' in page.text
        assert 'value="Lyon"' in page.text
        assert "Nothing here yet." in browser.get("/thirdparties").text

    def test_a_second_submit_returns_the_first_result(self, sales: Site) -> None:
        browser = sales.browser()
        browser.get("/thirdparties/new")
        values = {"name": "Zinc SARL", "key": "one-time-key-1"}
        first, second = browser.post("/thirdparties/new", values), browser.post("/thirdparties/new", values)
        assert first.headers["Location"] == second.headers["Location"]
        assert "1 third party" in browser.get("/thirdparties").text

    def test_a_code_in_use_names_its_holder(self, sales: Site) -> None:
        browser = sales.browser()
        create(browser, name="Boulangerie Martin", code="X-1")
        browser.get("/thirdparties/new")
        page = browser.post("/thirdparties/new", {"name": "Zinc SARL", "code": "X-1"})
        assert page.status_code == 422
        assert "Code X-1 is used by Boulangerie Martin" in page.text

    def test_stale_form_shows_both_and_saves_the_choice(self, sales: Site) -> None:
        alice, paul = sales.browser("Alice"), sales.browser("Paul")
        number = create(alice, name="Zinc SARL", town="Lyon", email="a@zinc.example")
        held = fields_of(alice, f"/thirdparties/{number}/edit")
        other = fields_of(paul, f"/thirdparties/{number}/edit")
        follow(
            paul,
            paul.post(
                f"/thirdparties/{number}/edit", {"version": other["version"], "town": "Nantes", "name": "Zinc SARL"}
            ),
        )
        mine = {"version": held["version"], "town": "Lille", "name": "Zinc & Cie", "email": "a@zinc.example"}
        page = alice.post(f"/thirdparties/{number}/edit", mine)
        assert page.status_code == 409
        for text in ("Paul changed", "Lille", "Nantes", "Zinc &amp; Cie", "Keep mine", "Take theirs"):
            assert text in page.text
        version = re.search(r'name="version" value="(\d+)"', page.text)
        assert version
        choice = {
            "version": version.group(1),
            "name": "Zinc & Cie",
            "choice.town": "mine",
            "mine.town": "Lille",
            "theirs.town": "Nantes",
        }
        sheet = follow(alice, alice.post(f"/thirdparties/{number}/edit", choice)).text
        assert "Zinc &amp; Cie" in sheet
        assert "Lille" in sheet

    def test_taking_theirs_leaves_it(self, sales: Site) -> None:
        alice = sales.browser("Alice")
        number = create(alice, name="Zinc SARL", town="Lyon")
        stale = fields_of(alice, f"/thirdparties/{number}/edit")["version"]
        follow(alice, alice.post(f"/thirdparties/{number}/edit", {"version": stale, "town": "Nantes"}))
        page = alice.post(f"/thirdparties/{number}/edit", {"version": stale, "town": "Lille"})
        version = re.search(r'name="version" value="(\d+)"', page.text)
        assert version
        follow(
            alice,
            alice.post(
                f"/thirdparties/{number}/edit",
                {"version": version.group(1), "choice.town": "theirs", "mine.town": "Lille"},
            ),
        )
        assert fields_of(alice, f"/thirdparties/{number}/edit")["town"] == "Nantes"

    def test_what_only_the_other_changed_is_taken_silently(self, sales: Site) -> None:
        alice, paul = sales.browser("Alice"), sales.browser("Paul")
        number = create(alice, name="Zinc SARL", email="a@zinc.example", phone="+33123456789")
        path = f"/thirdparties/{number}/edit"
        held = fields_of(alice, path)
        values = {name: held[name] for name in ("version", "name", "email", "phone", "town")}
        follow(paul, paul.post(path, {**values, "town": "Nantes", "email": "paul@zinc.example"}))
        page = alice.post(path, {**values, "phone": "+33 1 98 76 54 32", "email": "alice@zinc.example"})
        assert page.status_code == 409
        assert re.findall(r'name="choice\.([^"]+)" value="(\w+)"[^>]*?( checked)?>', page.text) == [
            ("email", "mine", " checked"), ("email", "theirs", ""),
        ]  # fmt: skip
        assert "is kept: Phone" in page.text
        kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        follow(alice, alice.post(path, {**kept, "choice.email": "mine"}))
        now = fields_of(alice, path)
        assert (now["town"], now["email"], now["phone"]) == ("Nantes", "alice@zinc.example", "+33 1 98 76 54 32")

    def test_a_stale_form_about_other_fields_asks_nothing_and_says_so(self, sales: Site) -> None:
        alice, paul = sales.browser("Alice"), sales.browser("Paul")
        number = create(alice, name="Zinc SARL")
        path = f"/thirdparties/{number}/edit"
        version = fields_of(alice, path)["version"]
        follow(paul, paul.post(path, {"version": version, "town": "Lyon"}))
        follow(paul, paul.post(path, {"version": str(int(version) + 1), "town": "Nantes"}))
        page = alice.post(path, {"version": version, "town": "", "email": "a@zinc.example"})
        assert page.status_code == 409
        assert "choice." not in page.text
        assert "You changed other fields. Save to keep both." in page.text
        kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        follow(alice, alice.post(path, kept))
        now = fields_of(alice, path)
        assert (now["town"], now["email"]) == ("Nantes", "a@zinc.example")

    def test_a_refusal_stands_once(self, sales: Site) -> None:
        browser = sales.browser()
        create(browser, name="Boulangerie Martin", code="X-1")
        number = create(browser, name="Zinc SARL")
        version = fields_of(browser, f"/thirdparties/{number}/edit")["version"]
        for path, values in (
            ("/thirdparties/new", {"name": "A"}),
            (f"/thirdparties/{number}/edit", {"version": version}),
        ):
            page = browser.post(path, {**values, "code": "X-1"})
            summary = page.text[
                page.text.index("data-problem") : page.text.index("</ul>", page.text.index("data-problem"))
            ]
            assert summary.count("Code X-1 is used by Boulangerie Martin") == 1
            assert 'href="#f-code"' in summary

    def test_another_of_the_same_kind(self, sales: Site) -> None:
        browser = sales.browser()
        address = re.search(
            r'<form method="post" action="([^"]+)" class="record',
            browser.get("/thirdparties/new?role=customer&town=Lyon&x=1").text,
        )
        assert address
        path = address.group(1).replace("&amp;", "&")
        answer = browser.post(path, {"name": "Zinc SARL", "role": "customer", "then": "another"})
        assert answer.headers["Location"].startswith("/thirdparties/new?role=customer&town=Lyon&done=")
        page = follow(browser, answer)
        assert "New customer" in page.text
        answer = browser.post("/thirdparties/new", {"name": "Martin", "role": "prospect", "then": "another"})
        assert answer.headers["Location"].startswith("/thirdparties/new?role=prospect&done=")
        again = browser.get("/thirdparties/new", query_string={"town": "L" * 9000})
        assert again.status_code == 200

    @pytest.mark.parametrize("action", ["explode", "", "SET"])
    def test_an_unknown_bulk_action_does_nothing(self, sales: Site, action: str) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        before = browser.get(f"/thirdparties/{number}/history").text.count("<li>")
        answer = browser.post("/thirdparties/bulk", {"id": str(number), "action": action, "value": "contacted"})
        assert answer.status_code == 422
        assert "This list has no such action" in answer.text
        assert browser.get(f"/thirdparties/{number}/history").text.count("<li>") == before

    @pytest.mark.covers("PR-2c")
    def test_a_quick_change_conflicts_only_on_its_own_field(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        version = fields_of(browser, f"/thirdparties/{number}/edit")["version"]
        follow(browser, browser.post(f"/thirdparties/{number}/edit", {"version": version, "town": "Lyon"}))
        click = {"field": "contact_status", "value": "tocall", "seen": "never"}
        follow(browser, browser.post(f"/thirdparties/{number}/status", click))
        answer = browser.post(f"/thirdparties/{number}/status", {**click, "value": "contacted"})
        assert answer.status_code == 409
        assert "was changed meanwhile" in answer.text

    @pytest.mark.parametrize(
        "field", ["id", "version", "created_at", "deleted_at", "customer_since", "extra", "name_key"]
    )
    def test_fields_nobody_may_write_are_ignored(self, sales: Site, field: str) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        before = browser.get(f"/thirdparties/{number}").text
        form = fields_of(browser, f"/thirdparties/{number}/edit")
        values = {"version": form["version"], field: "2001-01-01"} if field != "version" else {"version": "-1"}
        answer = browser.post(f"/thirdparties/{number}/edit", values)
        assert answer.status_code in (303, 409)
        clean = re.compile(r'name="(csrf_token|key)" value="[^"]+"|X-CSRFToken": "[^"]+|data-token="[^"]+')
        assert clean.sub("", browser.get(f"/thirdparties/{number}").text) == clean.sub("", before)

    def test_a_checkbox_can_be_unchecked_and_a_missing_one_is_left(self, sales: Site) -> None:
        browser = sales.browser()
        assert browser.get("/thirdparties/new?nothing=1&role=nonsense").status_code == 200

    def test_deleted_and_foreign_ids(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        for path in (
            "/thirdparties/999",
            f"/leads/{number}",
            "/thirdparties/99999999999999999999999",
            "/thirdparties/-1",
            "/thirdparties/x",
        ):
            assert browser.get(path).status_code == 404, path
            assert browser.get(path + "/edit").status_code == 404, path
        for verb in ("status", "delete", "restore", "edit"):
            assert (
                browser.post(f"/thirdparties/999/{verb}", {"field": "contact_status", "value": "never"}).status_code
                == 404
            ), verb
        assert browser.post("/undo/999").status_code in (404, 422)
        browser.post(f"/thirdparties/{number}/delete")
        assert browser.post(f"/thirdparties/{number}/delete").status_code == 404
        assert browser.post(f"/thirdparties/{number}/edit", {"version": "1", "name": "x"}).status_code == 404


HOSTILE = {
    "nul": "a\x00b",
    "emoji": "Zinc 🦄 👩‍👩‍👧",
    "right-to-left marks": "Zinc \u202egpj.exe",
    "html": '<img src=x onerror="window.__hit=1">"\'><script>window.__hit=1</script>',
    "template": "{{7*7}} {% for x in y %} ${7*7}",
    "too long": "x" * 5_000,
    "surrogate": "a\udcffb",
    "newlines": "a\r\nBcc: x",
    "quotes": "'; drop table thirdparty_thirdparty; --",
}
FIELDS = (
    "name",
    "role",
    "code",
    "contact_status",
    "potential",
    "email",
    "phone",
    "website",
    "town",
    "country",
    "leads.source",
)


@pytest.mark.covers("MO-6b")
class TestHostileValues:
    """Every field, on form, raw POST and inline: a clear sentence and 4xx, or the value kept literally (Bad input)."""

    @pytest.mark.parametrize("field", FIELDS)
    def test_form_and_inline(self, sales: Site, field: str) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        for value in HOSTILE.values():
            browser.get("/thirdparties/new")
            raw = value.encode("utf-8", "surrogateescape")
            for path, data in (
                ("/thirdparties/new", {"name": "Zinc", field: raw}),
                (f"/thirdparties/{number}/status", {"field": field, "value": raw, "return": "/thirdparties"}),
            ):
                answer = browser.post(path, data)
                assert answer.status_code in (303, 422), (path, answer.status_code)
                if answer.status_code == 422:
                    assert "There is a problem" in answer.text
        for page in ("/thirdparties", f"/thirdparties/{number}", f"/thirdparties/{number}/edit", "/recent", "/"):
            text = browser.get(page).text
            assert "<script>window" not in text
            assert "<img src=x" not in text
            assert "49 " not in re.sub(r"CU\d+-\d+", "", text)

    def test_a_megabyte_is_refused(self, sales: Site) -> None:
        browser = sales.browser()
        browser.get("/thirdparties/new")
        answer = browser.post("/thirdparties/new", {"name": "x" * 1_100_000})
        assert answer.status_code in (413, 422)
        assert "too large" in answer.text or "There is a problem" in answer.text
        assert "Nothing here yet." in browser.get("/thirdparties").text

    @pytest.mark.parametrize(
        "mask", ["ABC", "{00}", "X{0000@1}", "{yyyy}{mm}-{0000@13}", "{0000", "{{0000}}", "<b>{0000}", "x" * 80]
    )
    def test_a_mask_that_cannot_work_is_refused(self, sales: Site, mask: str) -> None:
        browser = sales.browser()
        row = re.search(r'href="/numbering/(\d+)"', browser.get("/numbering").text)
        assert row
        form = fields_of(browser, f"/numbering/{row.group(1)}/edit")
        answer = browser.post(f"/numbering/{row.group(1)}/edit", {"version": form["version"], "mask": mask})
        if mask == "<b>{0000}":
            assert answer.status_code == 303
        else:
            assert answer.status_code == 422
        assert create(browser, name="Zinc SARL")
