"""What a person may know of: the scope of a request or job, made from role, team, supervisor and companies (DESIGN 7)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from core.access.models import ROLES, Company, Team, User
from core.access.permissions import Permissions
from core.access.roles import Rights
from core.contract.changes import Actor
from core.data.scopes import Scope
from core.fields import COMPANIES, PEOPLE, TEAMS, Option, holds
from core.registry import Registry


def read_lists(session: Session, roles: Mapping[str, Rights]) -> dict[str, tuple[Option, ...]]:
    """The lists that fields choose people, teams, companies and roles from."""
    people = session.execute(select(User.id, User.name).where(User.active).order_by(User.name, User.id))
    teams = session.execute(select(Team.id, Team.name).order_by(Team.name))
    companies = session.execute(select(Company.id, Company.name).order_by(Company.id))
    lists = {
        name: tuple(Option(str(number), label) for number, label in rows)
        for name, rows in ((PEOPLE, people), (TEAMS, teams), (COMPANIES, companies))
    }
    return {**lists, ROLES: tuple(Option(rights.code, rights.label) for rights in roles.values())}


def scope_of(session: Session, user: User, actor: Actor, registry: Registry, permissions: Permissions) -> Scope:
    """The view of a signed-in person. Asks the database only for what his role makes necessary."""
    reaches = permissions.reaches(actor)
    needed = {reaches.get(registered.permission("view"), "none") for registered in registry.entities.values()}
    people = subordinates(session, user.id) if needed & {"own", "team"} else frozenset()
    teams = frozenset(user.teams or ()) & _ids(registry, TEAMS) if "team" in needed else frozenset()
    colleagues = _members(session, teams) if teams else frozenset()
    companies = sorted(_ids(registry, COMPANIES))
    chosen = frozenset(user.companies or ())
    mine = chosen & frozenset(companies) if chosen else frozenset(companies[:1])  # what is gone is none, not the first
    limited = len(companies) > 1 or len(mine) < len(companies) or bool(chosen and not mine)
    return Scope(
        registry,
        lambda entity: reaches.get(f"{entity}.view", "none"),
        people=people,
        colleagues=colleagues,
        teams=teams,
        companies=mine if limited else None,
        home=not limited or (bool(companies) and companies[0] in mine),
        active=active_company(user, companies, mine) if limited and mine else None,
    )


def key_of(scope: Scope, actor: Actor) -> Hashable:
    """What tells the view of one person from that of another within one enabled set: views with the same key are the same."""
    people = (scope.people, scope.colleagues, scope.teams)
    return (actor.roles, *people, scope.companies, scope.home, scope.active)


def _ids(registry: Registry, source: str) -> frozenset[int]:
    return frozenset(int(option.code) for option in registry.dictionaries.get(source, ()))


def subordinates(session: Session, user_id: int) -> frozenset[int]:
    """The person and everybody below him, however deep; a loop among supervisors ends the walk."""
    tree = select(User.id).where(User.id == user_id).cte("tree", recursive=True)
    below = aliased(User)
    tree = tree.union(select(below.id).join(tree, below.supervisor_id == tree.c.id))
    return frozenset(session.scalars(select(tree.c.id)))


def _members(session: Session, teams: frozenset[int]) -> frozenset[int]:
    return frozenset(session.scalars(select(User.id).where(holds(User.__table__.c.teams, teams))))


def active_company(user: User, known: list[int], mine: frozenset[int]) -> int:
    """The company somebody works for now."""
    return user.company_id if user.company_id in mine else next(number for number in known if number in mine)
