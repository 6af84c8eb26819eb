"""Notes on a sheet, as a person without script writes them (TP-5; T08, T33 to T36)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from core.features.notes import Note
from core.testing.site import Browser, Site
from tests.payloads import HIT, MARKUP
from tests.web.pages import create, fields_of, follow, operation_of
from tests.web.test_access import dump


@pytest.fixture
def zinc(sales: Site) -> str:
    """The address of a record."""
    return f"/thirdparties/{create(sales.browser(), name='Zinc SARL')}"


def write(browser: Browser, sheet: str, text: str, **more: str) -> int:
    """Add a note; returns the operation."""
    browser.get(sheet)
    answer = browser.post(f"{sheet}/notes", {"text": text, **more})
    assert answer.status_code == 303, answer.text[-800:]
    return operation_of(answer)


@pytest.mark.covers("TP-5a")
class TestWriting:
    def test_add_change_delete_and_take_back(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        browser.get(zinc)
        page = follow(browser, browser.post(f"{zinc}/notes", {"text": "Call <Léa>\n\nhttps://zinc.example"}))
        assert "Note added." in page.text
        assert "<p>Call &lt;Léa&gt;</p>" in page.text
        assert '<a href="https://zinc.example" rel="noopener noreferrer nofollow">' in page.text
        edit = f"{zinc}/notes/1/edit"
        held = fields_of(browser, edit)
        assert "Call &lt;Léa&gt;\n\nhttps://zinc.example</textarea>" in browser.get(edit).text
        changed = browser.post(edit, {"version": held["version"], "text": "Call Paul", "private": "off"})
        page = follow(browser, changed)
        assert "Note changed." in page.text
        assert "<p>Call Paul</p>" in page.text
        deleted = browser.post(f"{zinc}/notes/1/delete")
        page = follow(browser, deleted)
        assert "Note moved to the trash." in page.text
        assert "<p>Call Paul</p>" not in page.text
        browser.post(f"/undo/{operation_of(deleted)}", {"return": zinc})
        assert "<p>Call Paul</p>" in browser.get(zinc).text
        browser.post(f"{zinc}/notes/1/delete")
        assert f'action="{zinc}/notes/1/restore"' in browser.get("/trash").text
        follow(browser, browser.post(f"{zinc}/notes/1/restore"))
        assert "<p>Call Paul</p>" in browser.get(zinc).text

    def test_a_double_click_writes_it_once(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        form = fields_of(browser, zinc)
        answers = [browser.post(f"{zinc}/notes", {"text": "Once", "key": form["key"]}) for _ in range(2)]
        assert answers[0].headers["Location"] == answers[1].headers["Location"]
        assert browser.get(zinc).text.count("<p>Once</p>") == 1

    @pytest.mark.parametrize("text", ["", "   ", "<p><script>1</script></p>", "a\x00b", "x" * 50_001])
    def test_what_cannot_be_kept_comes_back_with_a_sentence(self, sales: Site, zinc: str, text: str) -> None:
        browser = sales.browser()
        browser.get(zinc)
        before = dump(sales)
        answer = browser.post(f"{zinc}/notes", {"text": text, "private": "on"})
        assert answer.status_code == 422
        assert "There is a problem" in answer.text
        assert re.search(r'name="private" value="on" checked', answer.text)
        assert answer.text.count("<title>Error: ") == 1
        assert dump(sales) == before

    def test_two_at_once_lose_nothing(self, sales: Site, zinc: str) -> None:
        alice, paul = sales.browser(), sales.browser("Paul", "user")
        write(alice, zinc, "First")
        edit = f"{zinc}/notes/1/edit"
        held = fields_of(alice, edit)["version"]
        fields_of(paul, edit)
        follow(alice, alice.post(edit, {"version": held, "text": "By Alice"}))
        answer = paul.post(edit, {"version": held, "text": "By Paul"})
        assert answer.status_code == 409
        assert "By Alice" in answer.text
        assert "By Paul</textarea>" in answer.text
        again = {"version": fields_in(answer.text)["version"], "text": "By Paul"}
        assert "<p>By Paul</p>" in follow(paul, paul.post(edit, again)).text

    def test_many_page_by_page(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        for number in range(23):
            write(browser, zinc, f"Number {number}.")
        page = browser.get(zinc).text
        assert "<p>Number 22.</p>" in page
        assert "<p>Number 2.</p>" not in page
        older = re.search(r'href="([^"]+notes_before[^"]+)"', page)
        assert older
        assert "<p>Number 2.</p>" in browser.get(older.group(1).replace("&amp;", "&")).text

    @pytest.mark.covers("US-6a")
    def test_in_french(self, sales: Site, zinc: str) -> None:
        browser = sales.browser("Camille", language="fr")
        write(browser, zinc, "Rappeler")
        page = browser.get(zinc).text
        for words in ("Enregistrer la note", "Publique", "Rubriques de la fiche", "Activité", "Détails", "Fichiers"):
            assert words in page


def fields_in(text: str) -> dict[str, str]:
    return dict(re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', text))


@pytest.mark.covers("TP-5b")
class TestPrivate:
    """Somebody else's private note is not there, on any road."""

    def test_no_road_leads_to_it(self, sales: Site, zinc: str) -> None:
        alice, paul = sales.browser("Ann", "user"), sales.browser("Paul", "user")
        write(alice, zinc, "Sparrow in the attic", private="on")
        write(paul, zinc, "Open words")
        assert "Sparrow" in alice.get(zinc).text
        assert "Sparrow" in sales.browser().get(zinc).text
        before = dump(sales)
        for path in (zinc, f"{zinc}/history", "/trash", "/recent", "/", "/thirdparties?q=attic", f"{zinc}?tab=files"):
            assert "parrow" not in paul.get(path).text, path
        for path in (f"{zinc}/notes/1/edit",):
            assert paul.get(path).status_code == 404
        form = {"text": "mine now", "version": "1"}
        for path in ("notes/1/edit", "notes/1/delete", "notes/1/restore"):
            answer = paul.post(f"{zinc}/{path}", form)
            assert answer.status_code == 404, path
            assert "parrow" not in answer.text
        assert dump(sales) == before
        alice.get(zinc)
        alice.post(f"{zinc}/notes/1/delete")
        assert f"{zinc}/notes/1/restore" in alice.get("/trash").text
        assert f"{zinc}/notes/1/restore" not in paul.get("/trash").text
        assert paul.get(zinc).text.count("Note moved") == 0

    def test_its_author_alone_opens_it(self, sales: Site, zinc: str) -> None:
        alice, paul = sales.browser("Ann", "user"), sales.browser("Paul", "user")
        write(alice, zinc, "Everybody may read this")
        version = fields_of(paul, f"{zinc}/notes/1/edit")["version"]
        answer = paul.post(f"{zinc}/notes/1/edit", {"version": version, "text": "x", "private": "on"})
        assert answer.status_code == 403
        assert "Everybody may read this" in alice.get(zinc).text


@pytest.mark.parametrize("path", ["notes/1/edit", "notes/1/delete", "notes/1/restore"])
def test_of_another_record_is_not_there(sales: Site, zinc: str, path: str) -> None:
    """Also below a record of another kind with the same number (T34)."""
    browser = sales.browser()
    write(browser, zinc, "On Zinc")
    other = f"/thirdparties/{create(browser, name='Other')}"
    lead = f"/leads/{create(browser, 'leads', name='Lead')}"
    before = dump(sales)
    for sheet in (other, lead, "/thirdparties/999", "/numbering/1"):
        browser.get("/")
        assert browser.post(f"{sheet}/{path}", {"text": "x", "version": "1"}).status_code == 404, sheet
        if path.endswith("edit"):
            assert browser.get(f"{sheet}/{path}").status_code == 404
    assert dump(sales) == before


@pytest.mark.parametrize("markup", MARKUP)
def test_nothing_runs_on_any_page(sales: Site, zinc: str, markup: str) -> None:
    """What a browser would act on is not in the page (the browser itself: tests/browser/test_notes_and_files.py)."""
    browser = sales.browser()
    write(browser, zinc, markup)
    for path in (zinc, f"{zinc}/notes/1/edit", f"{zinc}/history"):
        page = browser.get(path).text
        inside = "".join(re.findall(r'<div class="rich">(.*?)</div>\s*<div class="btn-row">', page, re.S))
        assert not re.search(r"<(script|style|svg|math|img|iframe|form|meta|base|link|template|input)\b", inside, re.I)
        assert not re.search(r"<[a-z]+[^>]*\s(on\w+|style|hx-\w+|data-\w+|id|class)\s*=[^>]*>", inside, re.I)
        assert f"<script>{HIT}" not in page


def test_a_ticked_box_as_browsers_send_it(sales: Site) -> None:
    """The box sends "off" in any case and "on" after it: a private note stays private."""
    browser = sales.browser()
    number = create(browser, "thirdparties", name="Zinc SARL")
    browser.get(f"/thirdparties/{number}")
    assert browser.post(f"/thirdparties/{number}/notes", {"text": "Hers", "private": ["off", "on"]}).status_code == 303
    assert browser.post(f"/thirdparties/{number}/notes", {"text": "Everybody's", "private": ["off"]}).status_code == 303
    with sales.runtime.database.reading() as session:
        assert list(session.scalars(select(Note.private).order_by(Note.id))) == [True, False]
