"""Who works in the firm of the matrix, what each may do and know of, and the kinds of records there are (T33).

It is worked out from plain tables, without asking the application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VISITOR = "visitor"
NORTH, SOUTH = "North", "South"
SHARED = "shared by companies"
OWNED = ("thirdparty", "lead")
BUSINESS = (*OWNED, "reward")
ADMINISTERED = ("series", "user", "team", "company", "tag")
ENTITIES: Mapping[str, str] = {
    "thirdparty": "thirdparties", "lead": "leads", "reward": "rewards", "series": "numbering", "user": "users",
    "team": "teams", "company": "companies", "tag": "tags",
}  # fmt: skip
"""Every list there is, with its word in addresses."""
QUICK: Mapping[str, tuple[str, str]] = {
    "thirdparty": ("contact_status", "contacted"), "lead": ("status", "tocall"), "reward": ("thirdparty_id", ""),
}  # fmt: skip
"""A field of each list that can be set alone, and a value."""
WITHOUT_STATUS: frozenset[str] = frozenset()
"""Lists without a field that is set in many rows at once."""

FULL = ("view", "create", "edit", "delete")
WHOLE = (*FULL, "export")
"""Of who sees all records."""
RIGHTS: Mapping[str, Mapping[str, tuple[str, Sequence[str]]]] = {
    "administrator": dict.fromkeys(ENTITIES, ("all", WHOLE)),
    "user": dict.fromkeys(BUSINESS, ("all", WHOLE)),
    "representative": dict.fromkeys(OWNED, ("own", FULL)),
    "teamster": {**dict.fromkeys(OWNED, ("team", FULL[:3])), "reward": ("all", FULL[:1])},
    "reader": dict.fromkeys(BUSINESS, ("all", FULL[:1])),
    "nobody": {},
}
"""By role and list: how far it reaches, and what it may do there. A list nobody owns is seen as a whole or not at all."""
MADE_HERE = ("teamster", "reader", "nobody")
BEYOND: Mapping[str, frozenset[str]] = {
    "administrator": frozenset({"modules.manage", "settings.manage", "loyalty.reward"}),
    "user": frozenset({"loyalty.reward"}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the firm. `below`: who works under him; `colleagues`: who is in a team with him."""

    name: str
    role: str
    company: str = NORTH
    below: frozenset[str] = frozenset()
    colleagues: frozenset[str] = frozenset()
    team: str | None = None

    def may(self, permission: str) -> bool:
        """Whether the role has a permission."""
        entity, _dot, verb = permission.partition(".")
        _reach, verbs = RIGHTS.get(self.role, {}).get(entity, ("none", ()))
        return verb in verbs or permission in BEYOND.get(self.role, ())

    def knows(self, subject: Subject) -> bool:
        """Whether somebody who may look at the list may know of this record in it."""
        if subject.entity not in OWNED:
            return True
        reach = RIGHTS[self.role].get(subject.entity, ("none", ()))[0]
        if self.company not in subject.companies:
            return False
        mine = {self.name, *self.below, *(self.colleagues if reach == "team" else ())}
        ours = reach == "team" and self.team is not None and subject.team == self.team
        return reach == "all" or (
            reach != "none" and (subject.owner in mine or bool(mine & set(subject.representatives)) or ours)
        )


PEOPLE: Mapping[str, Person] = {
    person.name: person
    for person in (
        Person("Alice", "administrator"),
        Person("Uma", "user"),
        Person("Rita", "representative", below=frozenset({"Sam"})),
        Person("Tina", "teamster", colleagues=frozenset({"Otto"}), team="Field"),
        Person("Rob", "reader"),
        Person("Nora", "nobody"),
        Person("Sue", "user", SOUTH),
    )
}
OTHERS = {"Omar": "user", "Sam": "representative", "Otto": "representative"}
"""People who only own records: Sam works under Rita, Otto is in a team with Tina, Omar is nobody to anybody."""


@dataclass(slots=True)
class Subject:
    """A record, with the numbers of what is on it once it was made."""

    kind: str
    entity: str
    owner: str = "Omar"
    representatives: tuple[str, ...] = ()
    team: str | None = None
    companies: tuple[str, ...] = (NORTH,)
    deleted: bool = False
    name: str = ""
    number: int = 0
    note: int = 0
    file: int = 0
    binned_note: int = 0
    binned_file: int = 0
    address: int = 0
    binned_address: int = 0
    message: int = 0
    attachment: int = 0
    recipient: int = 0


def kinds(entity: str, person: Person, *, every: bool) -> list[Subject]:
    """The kinds of records as they stand to one person, the most telling first.

    The chief ones are tried on third parties by every route, `every` one there is by some, and three on other lists:
    routes and session are the same for all.
    """
    if entity not in OWNED:
        found = [Subject("any", entity)]
        return [*found, Subject("deleted", entity, deleted=True)] if entity == "reward" else found
    other = SOUTH if person.company == NORTH else NORTH
    found = [
        Subject("own", entity, owner=person.name, companies=(person.company,)),
        Subject("other's", entity),
        Subject("other company's", entity, companies=(other,)),
    ]
    if entity != "thirdparty":
        return found
    found += [Subject("team's", entity, team="Field"), Subject("other's, deleted", entity, deleted=True)]
    if not every:
        return found
    return [
        *found,
        Subject("own, deleted", entity, owner=person.name, companies=(person.company,), deleted=True),
        Subject("own, other company's", entity, owner=person.name, companies=(other,)),
        Subject("of who works below", entity, owner="Sam"),
        Subject("colleague's", entity, owner="Otto"),
        Subject(SHARED, entity, companies=(NORTH, SOUTH)),
        Subject("represented", entity, representatives=(person.name,), companies=(person.company,)),
    ]
