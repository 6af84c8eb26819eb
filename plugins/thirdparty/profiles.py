"""Addresses of profiles in social networks: one web address a line (TP-3)."""

from __future__ import annotations

from markupsafe import escape

from core.api import Invalid, LongText, Samples, Url, lazy as _

MAXIMUM_PROFILES = 10


class Profiles(LongText):
    """Several web addresses, one a line."""

    name = "profiles"
    maximum = 2_000
    attributes = {"rows": "3", "inputmode": "url"}

    def check(self, value: str) -> str:
        lines = [line.strip() for line in super().check(value).splitlines() if line.strip()]
        if len(lines) > MAXIMUM_PROFILES:
            raise Invalid(_("Enter at most %(number)s addresses, one a line", number=MAXIMUM_PROFILES))
        return "\n".join(dict.fromkeys(Url().check(line) for line in lines))

    def text(self, value: str) -> str:
        return " ".join(value.splitlines())

    def html(self, value: str) -> str:
        return "<br>".join(Url().html(line) for line in value.splitlines()) or str(escape(value))

    def samples(self) -> Samples:
        good = {"linkedin.com/company/example": "https://linkedin.com/company/example"}
        good["a.example/x\r\n\r\n http://b.example "] = "https://a.example/x\nhttp://b.example"
        many = "\n".join(f"site{number}.example" for number in range(MAXIMUM_PROFILES + 1))
        return Samples(
            good, ["javascript:alert(1)", "not an address", "a.example\nb c", "a.example\x00", many, "x" * 1_000_000]
        )
