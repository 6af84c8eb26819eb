"""Files on a sheet: any type, only ever downloaded (TP-5; T10 to T12, T30, T34, T36, T57, T60, T61, T66)."""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from core.testing.site import Browser, Site
from tests.web.pages import create, fields_of, follow, operation_of
from tests.web.test_access import dump
from tests.web.test_jobs import drain

MEGABYTE = 1024 * 1024
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.__hit=1'><script>window.__hit=1</script></svg>"
HTML = b"<!doctype html><script>window.__hit=1</script>"
CORPUS = {
    "page.html": HTML, "page.xhtml": b"<?xml version='1.0'?>" + HTML, "drawing.svg": SVG, "drawing.png": SVG,
    "drawing.svgz": b"\x1f\x8b" + SVG, "paper.pdf": b"%PDF-1.7 " + HTML, "run.py": b"import os", "run.exe": b"MZ\x90\0",
    "double.php.png": b"<?php", "dot.html.": HTML, "nothing": b"", "wrong.jpg": b"GIF89a<script>", "mail.eml": b"From: a",
}  # fmt: skip


@pytest.fixture
def zinc(sales: Site) -> str:
    """The address of a record."""
    return f"/thirdparties/{create(sales.browser(), name='Zinc SARL')}"


def body_of(fields: Mapping[str, str], *files: tuple[str, bytes]) -> bytes:
    """A form as a browser sends it; the names of files are quoted and otherwise as they are."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "%0D").replace("\n", "%0A")
        head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{quoted}"\r\n'
        parts.append(head.encode() + b"Content-Type: image/svg+xml;x\r\n\r\n" + content + b"\r\n")
    return b"".join([*parts, b"--b--\r\n"])


def post(browser: Browser, path: str, body: bytes, **headers: str) -> TestResponse:
    """Send a form that is made already."""
    options = {"content_type": "multipart/form-data; boundary=b", "content_length": len(body), "headers": headers}
    return browser.client.post(path, input_stream=io.BytesIO(body), buffered=True, **options)  # type: ignore[arg-type]


def send(browser: Browser, sheet: str, *files: tuple[str, bytes], **more: str) -> TestResponse:
    """Send files with the form of the tab."""
    browser.get(f"{sheet}?tab=files")
    return post(browser, f"{sheet}/files", body_of({"csrf_token": browser.token, **more}, *files))


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (600, 400), "red").save(made, "PNG")
    return made.getvalue()


def tree(folder: Path, *left_out: str) -> dict[str, str]:
    """Every file below a folder with its hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0].split(".")[0] not in left_out
    }


def served_safely(answer: TestResponse) -> None:
    """As the one function serves everything."""
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]
    assert "Set-Cookie" not in headers


@pytest.mark.covers("TP-5c")
class TestTheDay:
    def test_several_at_once_rename_delete_and_take_back(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        answer = send(browser, zinc, ("plan.pdf", b"%PDF-1.7"), ("photo.png", picture()))
        page = follow(browser, answer)
        assert "2 records created." in page.text
        assert 'Files <span class="tab-count">2</span>' in page.text
        assert page.text.index("photo.png") < page.text.index("plan.pdf")
        assert "Alice" in page.text
        history = browser.get(zinc).text
        assert "plan.pdf added." in history
        assert "photo.png added." in history
        held = fields_of(browser, f"{zinc}/files/1/rename")
        named = browser.post(f"{zinc}/files/1/rename", {"version": held["version"], "name": "Plan <final>.pdf"})
        assert "Plan &lt;final&gt;.pdf renamed." in follow(browser, named).text
        assert browser.post(f"{zinc}/files/1/rename", {"version": "2", "name": " "}).status_code == 422
        assert browser.post(f"{zinc}/files/1/rename", {"version": "1", "name": "x"}).status_code == 409
        deleted = browser.post(f"{zinc}/files/1/delete")
        assert "moved to the trash" in follow(browser, deleted).text
        assert browser.get(f"{zinc}/files/1").status_code == 404
        browser.post(f"/undo/{operation_of(deleted)}", {"return": zinc})
        assert browser.get(f"{zinc}/files/1").data == b"%PDF-1.7"
        follow(browser, browser.post(f"/undo/{operation_of(answer)}", {"return": zinc}))
        assert browser.get(f"{zinc}/files/2").status_code == 404
        trash = browser.get("/trash").text
        assert f"{zinc}/files/2/restore" in trash
        follow(browser, browser.post(f"{zinc}/files/2/restore"))
        assert browser.get(f"{zinc}/files/2").status_code == 200

    def test_a_picture_shows_small(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        page = follow(browser, send(browser, zinc, ("photo.jpg", picture()), ("x.png", SVG)))
        assert "/thumbnail" not in page.text, "drawn later, so that nobody waits for it"
        drain(sales)
        page = browser.get(f"{zinc}?tab=files")
        assert f"{zinc}/files/1/thumbnail" in page.text
        assert f"{zinc}/files/2/thumbnail" not in page.text
        small = browser.get(f"{zinc}/files/1/thumbnail")
        assert small.headers["Content-Type"] == "image/webp"
        assert small.headers["Content-Disposition"] == "inline"
        served_safely(small)
        with Image.open(io.BytesIO(small.data)) as image:
            assert max(image.size) == 256
        assert browser.get(f"{zinc}/files/2/thumbnail").status_code == 404

    def test_too_large_is_said_by_name_and_the_others_are_kept(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        answer = send(browser, zinc, ("plan.zip", b"x" * 31 * MEGABYTE), ("small.txt", b"kept"))
        assert answer.status_code == 422
        assert "plan.zip is 31 MB; the limit is 20 MB" in answer.text
        assert "small.txt added." in answer.text
        assert browser.get(f"{zinc}/files/1").data == b"kept"
        assert len(tree(sales.config.files)) == 1
        french = sales.browser("Camille", language="fr")
        told = send(french, zinc, ("plan.zip", b"x" * 31 * MEGABYTE)).text
        assert "plan.zip pèse 31 Mo\u202f; la limite est de 20 Mo" in told.replace("\u00a0", " ")

    def test_exactly_the_limit_is_taken(self, sales: Site, zinc: str) -> None:
        assert send(sales.browser(), zinc, ("full.bin", b"x" * 20 * MEGABYTE)).status_code == 303

    def test_none_and_too_many(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        before = dump(sales)
        assert send(browser, zinc).status_code == 422
        assert send(browser, zinc, *((f"{number}.txt", b"x") for number in range(21))).status_code == 422
        assert dump(sales) == before
        assert tree(sales.config.files) == {}

    def test_a_double_click_keeps_them_once(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        key = fields_of(browser, f"{zinc}?tab=files")["key"]
        assert {send(browser, zinc, ("a.txt", b"a"), key=key).status_code for _ in range(2)} == {303}
        assert browser.get(f"{zinc}/files/2").status_code == 404

    def test_a_part_of_the_page_gets_a_small_alert(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        browser.get(zinc)
        body = body_of({"csrf_token": browser.token}, ("b.bin", b"x" * 21 * MEGABYTE))
        answer = post(browser, f"{zinc}/files", body, **{"HX-Request": "true"})
        assert answer.status_code == 422
        assert answer.text.startswith('<div class="alert')
        assert "b.bin is 21 MB; the limit is 20 MB" in answer.text


@pytest.mark.parametrize("name", CORPUS)
def test_whatever_it_is_it_is_downloaded(sales: Site, zinc: str, name: str) -> None:
    """T11, T12, T30."""
    browser = sales.browser()
    assert send(browser, zinc, (name, CORPUS[name])).status_code == 303
    for method in ("GET", "HEAD"):
        for asked in ("", "?inline=1", "?download=0&type=text/html"):
            headers = {"Accept": "text/html"}
            answer = browser.client.open(f"{zinc}/files/1{asked}", method=method, headers=headers, buffered=True)
            assert answer.status_code == 200
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert answer.headers["Content-Type"].split(";")[0] in (
                "application/octet-stream", "application/pdf", "application/gzip", "image/gif",
            )  # fmt: skip
            assert answer.headers["Content-Length"] == str(len(CORPUS[name]))
            served_safely(answer)
            assert answer.data == (CORPUS[name] if method == "GET" else b"")


@pytest.mark.parametrize(
    "name",
    ['"><img src=x onerror=1>.png', "invoice\u202egpj.exe", "a\r\nSet-Cookie: x=1\r\n.txt", "x" * 300 + ".txt", "é, ü; 株.pdf", "../../../canary"],
)  # fmt: skip
def test_names_are_only_data(sales: Site, zinc: str, name: str) -> None:
    """T10: listed as text, one line in the header, nothing of it in the store."""
    browser = sales.browser()
    page = follow(browser, send(browser, zinc, (name, b"x")))
    assert "<img src=x" not in page.text
    assert "\u202e" not in page.text
    answer = browser.get(f"{zinc}/files/1")
    header = answer.headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename(\*=UTF-8''[\w.%~!#$&+^`|-]+|=(\"[^\"\r\n]*\"|[\w.-]+))", header), header
    assert "Set-Cookie" not in answer.headers
    (stored,) = tree(sales.config.files)
    assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{32}", stored)
    if name.startswith("é"):
        assert quote("é, ü; 株.pdf") in header or "株".encode().hex() not in header


class TestWhose:
    """T34, T36, T60, T61."""

    PATHS = ("files/1", "files/1/thumbnail", "files/1/rename")

    def test_of_another_record_or_nobody(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        follow(browser, send(browser, zinc, ("photo.png", picture())))
        other = f"/thirdparties/{create(browser, name='Other')}"
        lead = f"/leads/{create(browser, 'leads', name='Lead')}"
        before, files = dump(sales), tree(sales.config.var, "comptoir")
        for sheet in (other, lead, "/thirdparties/999", "/numbering/1"):
            for path in self.PATHS:
                assert browser.get(f"{sheet}/{path}").status_code == 404, (sheet, path)
            for path in ("files/1/rename", "files/1/delete", "files/1/restore"):
                browser.get("/")
                assert browser.post(f"{sheet}/{path}", {"name": "x", "version": "1"}).status_code == 404, (sheet, path)
        assert dump(sales) == before
        assert tree(sales.config.var, "comptoir") == files
        stranger = sales.visitor()
        for path in self.PATHS:
            answer = stranger.get(f"{zinc}/{path}")
            assert answer.status_code == 303
            assert answer.headers["Location"].startswith("/signin")

    def test_with_its_record_in_the_trash_it_is_gone(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        follow(browser, send(browser, zinc, ("photo.png", picture())))
        browser.post(f"{zinc}/delete")
        for path in self.PATHS:
            assert browser.get(f"{zinc}/{path}").status_code == 404
        assert send(browser, zinc, ("more.txt", b"x")).status_code == 404
        assert "files/1/restore" not in browser.get("/trash").text
        browser.post(f"{zinc}/restore")
        assert browser.get(f"{zinc}/files/1").status_code == 200

    @pytest.mark.parametrize(
        "path", ["..", "../1", "..%2f..%2fsecret.key", "%2e%2e%2fsecret.key", "..\\secret.key", "1%00", "/etc/passwd", "0", "-1", "9" * 30]
    )  # fmt: skip
    def test_files_have_numbers_and_nothing_else(self, sales: Site, zinc: str, path: str) -> None:
        (sales.config.var / "files").mkdir(exist_ok=True)
        (sales.config.var / "files" / "canary").write_text("sparrow")
        answer = sales.browser().get(f"{zinc}/files/{path}", follow_redirects=True)
        assert answer.status_code in (404, 405)
        assert "sparrow" not in answer.text

    def test_the_store_is_served_by_nothing(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        follow(browser, send(browser, zinc, ("a.html", HTML)))
        (stored,) = tree(sales.config.files)
        for path in (
            f"/files/{stored}",
            f"/static/files/{stored}",
            f"/static/../files/{stored}",
            f"/{stored}",
            "/files/",
        ):
            assert browser.get(path).status_code == 404, path

    def test_a_missing_file_is_said(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        follow(browser, send(browser, zinc, ("a.txt", b"x")))
        (stored,) = tree(sales.config.files)
        (sales.config.files / stored).unlink()
        answer = browser.get(f"{zinc}/files/1")
        assert answer.status_code == 404
        assert "a.txt is missing on the server" in answer.text


def test_forms_that_only_want_to_harm(sales: Site, zinc: str) -> None:
    """T66: refused before they are read to the end, with nothing kept."""
    browser = sales.browser()
    browser.get(zinc)
    before = dump(sales)
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    for body in (part * 100_000, b"--b\r\nX: " + b"a" * 3 * MEGABYTE, b"--b\r\n\r\n\r" + b"a" * 130 * MEGABYTE):
        answer = post(browser, f"{zinc}/files", body)
        assert answer.status_code in (400, 413)
    assert dump(sales) == before
    assert tree(sales.config.files) == {}
    large = body_of({"csrf_token": browser.token}, ("x", b"x" * 21 * MEGABYTE))
    assert post(browser, f"{zinc}/notes", large).status_code == 413


def test_a_stranger_s_upload_is_not_even_read(sales: Site, zinc: str) -> None:
    class Watched(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            Watched.taken += 1
            return super().read(size)

    answer = sales.visitor().client.post(
        f"{zinc}/files",
        buffered=True,
        input_stream=Watched(b"x" * MEGABYTE),
        content_length=MEGABYTE,
        content_type="multipart/form-data; boundary=b",
    )
    assert answer.status_code == 303
    assert Watched.taken <= 1


def test_many_at_the_same_time(sales: Site, zinc: str) -> None:
    browsers = [sales.browser() for _ in range(4)]
    answers: list[int] = []

    def one(browser: Browser) -> None:
        answers.extend(send(browser, zinc, (f"{number}.txt", b"x")).status_code for number in range(3))

    threads = [threading.Thread(target=one, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 12
    assert len(tree(sales.config.files)) == 12
