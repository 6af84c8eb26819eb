"""A small firm: who works under whom, in which team and company, and whose third party is whose."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select

from core.access.models import Company, RoleRight, Team, User
from core.access.roles import VERBS
from core.data.tables import bump
from core.data.unit import transaction
from core.testing.site import Browser, Site

ROLES = {
    "Alice": "administrator",
    "Uma": "user",
    "Rita": "representative",
    "Sam": "representative",
    "Otto": "representative",
    "Tina": "teamster",
    "Nora": "nobody",
}
"""Sam works under Rita; Tina and Otto are in one team; Nora's role may do nothing."""
REACHES = {"teamster": "team", "nobody": "none"}


@dataclass
class Firm:
    """People with their browsers, and a third party and a lead of each."""

    site: Site
    browsers: dict[str, Browser] = field(default_factory=dict)
    records: dict[tuple[str, str], int] = field(default_factory=dict)

    def user_id(self, name: str) -> int:
        """The account's number."""
        number = self.site.people[name].id
        assert number is not None
        return number


def open_firm(site: Site) -> Firm:
    """Hire everybody and let each make a third party and a lead; Nora, who may not, makes none."""
    firm = Firm(site)
    with transaction("test.roles", context=site.context()) as unit:
        for role, reach in REACHES.items():
            for entity in ("thirdparty", "lead"):
                for verb in VERBS:
                    granted = reach if verb == "view" or reach == "none" else "all"
                    unit.session.add(RoleRight(role=role, permission=f"{entity}.{verb}", reach=granted))
        add_roles(unit.session)
        bump(unit.session.connection())
        north = unit.add(Team(name="North"))
    site.add_people({name: role for name, role in ROLES.items() if name not in site.people})
    with transaction("test.firm", context=site.context()) as unit:
        unit.get(User, firm.user_id("Sam")).supervisor_id = firm.user_id("Rita")
        for name in ("Tina", "Otto"):
            unit.get(User, firm.user_id(name)).teams = (north.id,)
    for name in ROLES:
        firm.browsers[name] = site.browser(name)
    for name in ROLES:
        if name != "Nora":
            for slug, entity in (("thirdparties", "thirdparty"), ("leads", "lead")):
                firm.records[name, entity] = make(firm.browsers[name], slug, f"{name} & Company")
    return firm


def add_roles(session: object) -> None:
    """The two roles that are not built in."""
    from core.access.models import Role

    for role in REACHES:
        session.add(Role(code=role, label=role.title(), second_factor=False))  # type: ignore[attr-defined]


def make(browser: Browser, slug: str, name: str) -> int:
    """Make a record by the form and return its number."""
    browser.get(f"/{slug}/new")
    answer = browser.post(f"/{slug}/new", {"name": name})
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].split("/")[2].split("?")[0])


def split_firm(firm: Firm, elsewhere: str) -> tuple[int, int]:
    """Make it two companies: everybody stays in the first, one person works in the second only."""
    with transaction("test.split", context=firm.site.context()) as unit:
        first = unit.add(Company(name="Comptoir Nord"))
        unit.session.flush()
        second = unit.add(Company(name="Comptoir Sud"))
    with transaction("test.members", context=firm.site.context()) as unit:
        for user in unit.session.scalars(select(User)).all():
            user.companies = (second.id if user.name == elsewhere else first.id,)
    return first.id, second.id
