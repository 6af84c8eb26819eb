"""Borders that hold whatever is sent: forms without end, slow pictures, reports of browsers (T12, T20, T45, T65, T66, T79)."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from core.exchange.mail.models import MailAttachment
from core.features.files import StoredFile
from core.testing.site import Browser, Site
from core.web import files, mail_send
from core.web.policy import is_from_anywhere
from tests.web.pages import create, follow
from tests.web.test_files import MEGABYTE, body_of, post, send, tree
from tests.web.test_jobs import drain


@pytest.fixture
def zinc(sales: Site) -> str:
    """The address of a record."""
    return f"/thirdparties/{create(sales.browser(), name='Zinc SARL')}"


class Endless(io.RawIOBase):
    """A body of so many bytes that is made while it is read, and counts how much of it was."""

    def __init__(self, size: int, first: bytes, again: bytes) -> None:
        self.size, self.taken, self._place, self._first = size, 0, 0, first
        self._pattern, self._period = again * (MEGABYTE // len(again)), len(again)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._place = place if whence == io.SEEK_SET else self.size
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        past = self._place - len(self._first)
        source = self._first[self._place :] if past < 0 else self._pattern[past % self._period :]
        piece = source[: min(len(buffer), self.size - self._place)]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        self.taken += len(piece)
        return len(piece)


PART = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
BODIES = {
    "100,000 parts": (b"", PART),
    "a part that begins with CR and goes on": (b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r', b"a"),
    "a header without end": (b"--b\r\nX: ", b"a"),
    "a name without end": (b'--b\r\nContent-Disposition: form-data; name="', b"a"),
}
"""How each begins, and what comes again and again."""


class TestHarmfulForms:
    """T66: refused after little of it was read, and without holding it in memory; no clock is needed to see that."""

    READ = 8 * MEGABYTE
    HELD = 24 * MEGABYTE

    @pytest.mark.parametrize("kind", BODIES)
    @pytest.mark.parametrize("place", ["/files", "/notes"])
    def test_little_is_read_and_less_is_held(self, sales: Site, zinc: str, place: str, kind: str) -> None:
        browser = sales.browser()
        browser.get(zinc)
        first, again = BODIES[kind]
        size = 100_000 * len(PART) if again == PART else 19 * MEGABYTE
        body = Endless(size, first, again)
        tracemalloc.start()
        try:
            answer = browser.client.post(
                f"{zinc}{place}",
                input_stream=body,
                content_length=size,
                content_type="multipart/form-data; boundary=b",
                buffered=True,
            )
            held = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert answer.status_code in (400, 413)
        assert body.taken <= self.READ, f"{body.taken / MEGABYTE:.1f} MB were read"
        assert held <= self.HELD, f"{held / MEGABYTE:.1f} MB were held"
        assert tree(sales.config.files) == {}

    def test_what_says_that_it_is_too_large_is_not_read(self, sales: Site, zinc: str) -> None:
        browser = sales.browser()
        browser.get(zinc)
        body = Endless(500 * MEGABYTE, b"", b"a")
        kind = "multipart/form-data; boundary=b"
        answer = browser.client.post(
            f"{zinc}/files", input_stream=body, content_length=body.size, content_type=kind, buffered=True
        )
        assert answer.status_code == 413
        assert body.taken <= MEGABYTE


class TestSlowPictures:
    """T65, T79: nobody waits for a picture, however long it takes to draw."""

    def test_they_are_drawn_after_the_answer(self, sales: Site, zinc: str, monkeypatch: pytest.MonkeyPatch) -> None:
        from core.exchange import child, images

        begun: list[str] = []
        real = child.run_child

        def noting(program: str, *arguments: object) -> bytes:
            begun.append(program)
            return real(program, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(images, "run_child", noting)
        slow = io.BytesIO()
        Image.effect_noise((4000, 3000), 90).save(slow, "PNG", compress_level=1)
        browser = sales.browser()
        answer = send(browser, zinc, *((f"slow {number}.png", slow.getvalue()) for number in range(2)))
        follow(browser, answer)
        assert begun == []
        drain(sales)
        assert begun == ["thumbnail"] * 2
        with sales.runtime.database.reading() as session:
            rows = session.scalars(select(StoredFile)).all()
        assert all(row.thumbnail and row.version == 1 for row in rows)
        assert browser.get(f"{zinc}/files/1/thumbnail").status_code == 200

    def test_one_that_takes_too_long_has_none_and_the_others_do(
        self, sales: Site, zinc: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from core.exchange import images
        from core.exchange.child import Limits

        slow, quick = io.BytesIO(), io.BytesIO()
        Image.effect_noise((4000, 3000), 90).save(slow, "PNG")
        Image.new("RGB", (60, 40), "red").save(quick, "PNG")
        browser = sales.browser()
        follow(browser, send(browser, zinc, ("slow.png", slow.getvalue()), ("quick.png", quick.getvalue())))
        limits = images.LIMITS
        sizes: list[Limits] = [Limits(limits.memory, 0.001, limits.output), limits]
        real = images.run_child
        monkeypatch.setattr(images, "run_child", lambda *given: real(*given[:3], sizes.pop(0)))
        drain(sales)
        assert browser.get(f"{zinc}/files/1/thumbnail").status_code == 404
        assert browser.get(f"{zinc}/files/2/thumbnail").status_code == 200

    def test_one_that_was_purged_meanwhile(self, sales: Site, zinc: str) -> None:
        small = io.BytesIO()
        Image.new("RGB", (60, 40), "red").save(small, "PNG")
        browser = sales.browser()
        follow(browser, send(browser, zinc, ("photo.png", small.getvalue())))
        (stored,) = tree(sales.config.files)
        (sales.config.files / stored).unlink()
        drain(sales)
        assert browser.get(f"{zinc}/files/1/thumbnail").status_code == 404


class TestQuotas:
    def test_of_files(self, sales: Site, zinc: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "MAXIMUM_A_DAY", 3 * MEGABYTE)
        alice, paul = sales.browser("Alice"), sales.browser("Paul", "user")
        for number in range(2):
            assert send(alice, zinc, (f"{number}.bin", b"x" * MEGABYTE)).status_code == 303
        refused = send(alice, zinc, ("one more.bin", b"x" * MEGABYTE))
        assert refused.status_code == 422
        assert "In one day you can add" in refused.text
        assert len(tree(sales.config.files)) == 2
        assert send(paul, zinc, ("mine.bin", b"x" * MEGABYTE)).status_code == 303

    def test_of_files_of_mails(self, sales: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail_send, "UPLOADS", 2)
        browser = sales.browser()
        codes = [upload(browser, f"{number}.txt", b"%d" % number).status_code for number in range(3)]
        assert codes == [200, 200, 422]


def upload(browser: Browser, name: str, content: bytes) -> TestResponse:
    """Add a file to a mail that is being written; browsers say of it what they like."""
    number = create(browser, name="Zinc", email=f"{name}@test.example")
    browser.get(f"/mail/send/thirdparties?id={number}")
    form = {"csrf_token": browser.token, "id": str(number), "then": "edit", "subject": "Hello", "text": "Hello."}
    return post(browser, "/mail/send/thirdparties", body_of(form, (name, content)))


@pytest.mark.parametrize(
    ("content", "kind"), [(b"<svg onload=x>", "application/octet-stream"), (b"%PDF-1.7", "application/pdf")]
)
def test_files_of_mails_are_what_they_are(sales: Site, content: bytes, kind: str) -> None:
    """T12: the form says `image/svg+xml` of every file."""
    browser = sales.browser()
    number = create(browser, name="Zinc", email="zinc@test.example")
    browser.get(f"/mail/send/thirdparties?id={number}")
    form = {"csrf_token": browser.token, "id": str(number), "then": "send", "subject": "Hello", "text": "Hello."}
    assert post(browser, "/mail/send/thirdparties", body_of(form, ("paper", content))).status_code == 303
    with sales.runtime.database.reading() as session:
        row = session.scalars(select(MailAttachment)).one()
    assert row.content_type == kind
    served = browser.get(f"/mail/outbox/{row.message_id}/file/{row.id}")
    assert served.headers["Content-Type"] == kind


class TestReports:
    """What browsers say of the content security policy gets through, and nothing else without a form token (T20, T45)."""

    REPORT = json.dumps({"csp-report": {"document-uri": "/x", "violated-directive": "script-src"}}).encode()

    @pytest.mark.parametrize("kind", ["application/csp-report", "application/json", "text/plain"])
    @pytest.mark.parametrize("signed_in", [True, False])
    def test_they_are_taken_without_a_token(self, sales: Site, kind: str, signed_in: bool) -> None:
        browser = sales.browser() if signed_in else sales.visitor()
        answer = browser.client.post("/csp-report", data=self.REPORT, content_type=kind)
        assert answer.status_code == 204

    def test_a_large_one_is_not_read(self, sales: Site) -> None:
        body = Endless(19 * MEGABYTE, b"", b"a")
        visitor = sales.visitor()
        answer = visitor.client.post("/csp-report", input_stream=body, content_type="application/csp-report")
        assert answer.status_code == 204
        assert body.taken <= MEGABYTE

    def test_that_is_the_only_one_without_a_number_in_its_address(self, sales: Site) -> None:
        browser = sales.browser()
        exempt = {
            rule.endpoint
            for rule in sales.runtime.generation.app.url_map.iter_rules()
            if "POST" in (rule.methods or ()) and not rule.arguments
            and browser.client.post(rule.rule).status_code not in (400, 403)
        }  # fmt: skip
        views = sales.runtime.generation.app.view_functions
        assert exempt == {name for name in ("account.report",) if is_from_anywhere(views[name])}
