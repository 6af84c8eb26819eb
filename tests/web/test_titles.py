"""A list that belongs to nobody is known to who may view it: its titles show nowhere to others (T35)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.access.models import Role, RoleRight
from core.data.tables import bump
from core.data.unit import transaction
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, row_of
from tests.probe.models import Box, Label

pytest_plugins = ["tests.probe.fixtures"]
SECRET = "Secret box"


@pytest.fixture
def shop(probing: None, site_with: Callable[..., Site]) -> Site:
    return site_with("thirdparty", "probe", "echo")


@pytest.fixture
def ann(shop: Site) -> Browser:
    """Somebody who may do everything with labels and third parties, and knows nothing of boxes."""
    with transaction("test.role", context=shop.context()) as unit:
        unit.session.add(Role(code="packer", label="Packer", second_factor=False))
        for entity in ("label", "thirdparty"):
            for verb in ("view", "create", "edit", "delete"):
                unit.session.add(RoleRight(role="packer", permission=f"{entity}.{verb}", reach="all"))
        bump(unit.session.connection())
    return shop.browser("Ann", "packer")


def test_links(shop: Site, ann: Browser) -> None:
    (box,) = add(shop, Box(name=SECRET))
    (label,) = add(shop, Label(person="Bob", box=box))
    assert ann.get("/boxes").status_code == 403
    for path in (f"/labels/{label}?tab=details", f"/labels/{label}/edit", "/labels/new"):
        assert SECRET not in ann.get(path).text, path
    assert SECRET in shop.browser("Alice").get(f"/labels/{label}?tab=details").text


def test_linking_tells_as_little_as_a_number_that_never_was(shop: Site, ann: Browser) -> None:
    (box,) = add(shop, Box(name=SECRET))
    answers = []
    for number in (box, 4711):
        ann.get("/labels/new")
        answer = ann.post("/labels/new", {"person": "Bob", "box": str(number)})
        assert answer.status_code == 422
        answers.append("was deleted or does not exist" in answer.text)
    assert answers == [True, True]


def test_what_holds_up_a_delete(shop: Site, ann: Browser) -> None:
    (zinc,) = add(shop, ThirdParty(name="Zinc"))
    add(shop, Box(name=SECRET, keeper=zinc))
    ann.get("/thirdparties")
    answer = ann.post(f"/thirdparties/{zinc}/delete")
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert "records you may not see" in answer.text
    assert row_of(shop, ThirdParty, zinc)["deleted_at"] is None
