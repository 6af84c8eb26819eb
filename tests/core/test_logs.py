"""One line per event, whatever is in it; nothing secret or personal in any (A69, T80)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from core import logs
from core.testing import Site


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Give the loggers back as they were."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def logged(form: Any = "json", *arguments: Any, error: BaseException | None = None, **extra: Any) -> str:
    stream = io.StringIO()
    logs.set_up(form, stream)
    logging.getLogger("comptoir.test").error(*arguments, extra=extra, exc_info=error)
    return stream.getvalue()


def event(*arguments: Any, **options: Any) -> Any:
    line = logged("json", *arguments, **options)
    assert line.count("\n") == 1
    return json.loads(line)


def test_a_line_says_when_what_and_for_whom() -> None:
    facts = logs.Facts("abc", "GET", "192.0.2.1", route="/thirdparties/<int:record_id>", user_id=7, user_name="Alice")
    with logs.use_facts(facts):
        found = event("%s rows", 3, status=200)
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "ERROR", "logger": "comptoir.test", "message": "3 rows", "request": "abc", "user": 7, "method": "GET",
        "route": "/thirdparties/<int:record_id>", "address": "192.0.2.1", "status": 200,
    }  # fmt: skip


HOSTILE = 'a\r\n{"level": "INFO"}\x1b[2J\x07\x7f\x85\u2028\u202e\ud800'


@pytest.mark.parametrize("form", ["json", "text"])
def test_control_characters_are_escaped(form: str) -> None:
    with logs.use_facts(logs.Facts("abc", "GE\nT", HOSTILE, route=HOSTILE)):
        line = logged(form, "%s", HOSTILE, place=HOSTILE)
    assert line.endswith("\n")
    rest = line[:-1]
    assert len(rest.splitlines()) == 1
    assert not [character for character in rest if not character.isprintable()]


def test_a_traceback_stays_inside_its_event() -> None:
    error = ValueError("x\nERROR forged: line")
    assert "forged" in event("failed", error=error)["error"]
    lines = logged("text", "failed", error=error).splitlines()
    assert len(lines) > 2
    assert all(line.startswith("  | ") for line in lines[1:])


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("password=hunter22",), {}),
        (('{"password": "hunter22", "a": 1}',), {}),
        (("csrf_token: hunter22",), {}),
        (("Authorization: Bearer hunter22",), {}),
        (("Cookie=hunter22; other",), {}),
        (("hunter22@example.com wrote",), {}),
        (("%(password)s and %(name)s", {"password": "hunter22", "name": "x"}), {}),
        (("Key (email)=(hunter22) already exists",), {}),
        (("Failing row contains (1, hunter22, t)",), {}),
        (("form",), {"api_key": "hunter22"}),
        (("form",), {"typed": {"new_password": "hunter22", "more": [{"e_mail": "hunter22"}]}}),
    ],
)
def test_secrets_are_masked(arguments: tuple[Any, ...], extra: dict[str, Any]) -> None:
    for form in ("json", "text"):
        line = logged(form, *arguments, **extra)
        assert "hunter22" not in line
        assert logs.MASKED in line


def test_a_line_that_cannot_be_made_breaks_nothing() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("hunter22")

    line = logged("json", "%s", Broken())
    assert json.loads(line)["message"] == "a line was lost: RuntimeError"
    assert "hunter22" not in line


def test_a_stream_that_is_gone_breaks_nothing() -> None:
    stream = io.StringIO()
    logs.set_up("json", stream)
    stream.close()
    logging.getLogger("comptoir.test").error("nobody hears this")
    assert stream.closed


class TestFields:
    """What a module calls personal is masked wherever its name stands, also names no list of words knows (SECURITY 7.34)."""

    @pytest.fixture(autouse=True)
    def _nothing_else(self) -> Iterator[None]:
        yield
        logs.mask_fields(())

    @pytest.mark.parametrize(
        ("arguments", "extra"),
        [
            (("form",), {"allergy": "hunter22"}),
            (("form",), {"changes": {"loyalty.allergy": ["hunter22"], "name": "x"}}),
            (("%(allergy)s and %(name)s", {"allergy": "hunter22", "name": "x"}), {}),
            (("{'allergy': 'hunter22', 'a': 1}",), {}),
            (("allergy = hunter22",), {}),
        ],
    )
    def test_are_masked_by_their_names(self, arguments: tuple[Any, ...], extra: dict[str, Any]) -> None:
        assert "hunter22" in logged("json", *arguments, **extra)
        logs.mask_fields(["loyalty.allergy"])
        for form in ("json", "text"):
            line = logged(form, *arguments, **extra)
            assert "hunter22" not in line
            assert logs.MASKED in line

    def test_a_field_marked_personal_is_masked_while_its_module_is_on(self, sales: Site) -> None:
        sales.runtime.follow()
        found = event("form", changes={"thirdparty": {"phone": "0611", "text": "a note"}, "town": "Lyon"})
        assert found["changes"] == {"thirdparty": {"phone": logs.MASKED, "text": logs.MASKED}, "town": "Lyon"}
