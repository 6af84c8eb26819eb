"""Every screen in every state, by name: for the accessibility tests and the pictures."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.desk import Desk, numbers

Screen = Callable[[Desk], None]


def signin(desk: Desk) -> None:
    desk.go("/signin")


def signin_refused(desk: Desk) -> None:
    desk.go("/signin")
    desk.page.locator("#email").fill("nobody@test.example")
    desk.page.locator("#password").fill("wrong-password-1")
    desk.page.locator("#password").press("Enter")
    expect(desk.page.get_by_role("alert").first).to_be_visible()


def home(desk: Desk) -> None:
    desk.go("/")


def home_account_menu(desk: Desk) -> None:
    desk.go("/")
    desk.open_menu("Your account, {name}", name="Alice Durand")


def home_create_menu(desk: Desk) -> None:
    desk.go("/")
    desk.open_menu("Create")


def home_side_bar(desk: Desk) -> None:
    """The menu of a narrow page, opened; a wide page shows it anyway."""
    desk.go("/")
    burger = desk.page.locator(".burger")
    if burger.is_visible():
        burger.click()


def list_(desk: Desk) -> None:
    desk.go("/thirdparties?view=prospects&f=country:is:NL")


def list_full(desk: Desk) -> None:
    desk.go("/thirdparties?view=prospects")


def list_empty(desk: Desk) -> None:
    desk.go("/thirdparties?view=prospects&q=zzzqqq")


def list_filter_open(desk: Desk) -> None:
    list_(desk)
    desk.by("button", "Add filter").click()
    expect(desk.by("dialog", "Add filter")).to_be_visible()


def list_columns_open(desk: Desk) -> None:
    list_(desk)
    desk.by("button", "Columns").click()
    expect(desk.by("dialog", "Columns")).to_be_visible()


def list_filter_field(desk: Desk) -> None:
    """The builder with operator and value, one row filtered out in each way."""
    desk.go("/thirdparties?view=prospects&f=country:is:NL&any=1:town:is:Delft&any=1:town:empty&f=gone:is:1")
    desk.by("button", "Edit filter: {f}", f=_is_nl(desk)).click()
    expect(desk.page.locator("#dialog[open]")).to_be_visible()


def _is_nl(desk: Desk) -> str:
    country = {"en": "Netherlands", "fr": "Pays-Bas"}[desk.language]
    return f"{desk.say('Country')} {desk.say('is', 'operator')} {country}"


def list_sort_open(desk: Desk) -> None:
    list_(desk)
    desk.by("button", "Sort").click()
    expect(desk.by("dialog", "Sort")).to_be_visible()


def list_save_open(desk: Desk) -> None:
    list_(desk)
    desk.by("button", "Save view").click()
    expect(desk.by("dialog", "Save view")).to_be_visible()


def list_facets(desk: Desk) -> None:
    desk.go("/thirdparties?view=prospects&f=country:is:NL&facets=1")
    expect(desk.by("region", "Facets")).to_be_visible()


def views(desk: Desk) -> None:
    """A pinned view, a shared one, and what can be done with them."""
    for sharing in ("private", "shared"):
        desk.post("/leads/views", name=f"View {next(numbers)}", sharing=sharing, query="f=status:is:new")
    desk.go("/leads/views")


def list_row_menu(desk: Desk) -> None:
    list_(desk)
    desk.page.locator(".rows .pick button").first.click()
    expect(desk.page.locator("[role=menu]:popover-open")).to_be_visible()


def list_selected(desk: Desk) -> None:
    list_(desk)
    for place in range(2):
        desk.page.locator(".rows .pick input[name=id]").nth(place).check()
    expect(desk.page.locator("#bulk")).to_be_visible()


def list_cell(desk: Desk) -> None:
    """A cell being edited, with a value that was refused."""
    made = desk.create(phone="+33199001234", town="Delft")
    desk.go(f"/thirdparties?q={made.name.replace(' ', '+')}&c=phone&c=town")
    desk.page.locator(".rows tbody th a").first.press("F2")
    desk.page.locator("#f-phone").fill("12")
    desk.keys("Enter")
    expect(desk.page.locator("#f-phone-error")).to_be_visible()


def list_status_menu(desk: Desk) -> None:
    """Menus instead of strips, one of them open."""
    desk.go("/thirdparties?f=country:is:NL&per=100")
    desk.page.locator(".strip-menu").first.click()
    expect(desk.page.locator("#status-menu")).to_be_visible()


def bulk_field(desk: Desk) -> None:
    list_selected(desk)
    desk.by("button", "Edit", desk.by("group", "Bulk actions")).click()
    expect(desk.by("combobox", "Field")).to_be_visible()


def bulk_assign(desk: Desk) -> None:
    list_selected(desk)
    desk.by("button", "Assign").click()
    expect(desk.by("combobox", "Owner")).to_be_visible()


def list_undo(desk: Desk) -> None:
    """A status changed by one click, twice."""
    made = [desk.create(town="Delft", country="NL", role="prospect") for _number in range(2)]
    desk.go("/thirdparties?view=prospects&f=country:is:NL")
    for one in made:
        desk.by("button", "Set {name} to {status}", name=one.name, status=desk.say("Contacted")).click()
        desk.told(one.name)


def list_refused(desk: Desk) -> None:
    """A status that was refused, and a row that left the view."""
    lost, gone = desk.create(entity="leads"), desk.create(entity="leads")
    desk.go("/leads?f=status:is:new&sort=-created_at")
    desk.by("button", "Set {name} to {status}", name=gone.name, status=desk.say("To contact")).click()
    desk.told(gone.name)
    desk.by("button", "Set {name} to {status}", name=lost.name, status=desk.say("Lost", "lead status")).click()
    expect(desk.row(lost.name).get_by_role("alert")).to_be_visible()


def leads(desk: Desk) -> None:
    desk.go("/leads")


def sheet(desk: Desk) -> None:
    """A record with something in every group, a panel with a link, and some history."""
    made = desk.create(
        town="Delft", country="NL", email="sheet@post.example", phone="+33199001234", website="zinc.example"
    )
    desk.create(entity="leads", email="sheet@post.example")
    desk.post(f"{made.path}/status", field="contact_status", value="tocall")
    desk.go(made.path)


def sheet_menu(desk: Desk) -> None:
    desk.go(desk.create().path)
    desk.open_menu("More actions")


def sheet_deleted(desk: Desk) -> None:
    made = desk.create()
    desk.post(f"{made.path}/delete")
    desk.go(made.path)


def form(desk: Desk) -> None:
    desk.go("/thirdparties/new?role=prospect")


def form_all_open(desk: Desk) -> None:
    desk.go(f"{desk.create().path}/edit")
    desk.unfold()


def form_errors(desk: Desk) -> None:
    desk.go("/thirdparties/new?role=prospect")
    desk.unfold()
    desk.by("textbox", "Email").fill("lea@")
    desk.by("textbox", "Website").fill("not an address")
    desk.by("button", "Save").click()
    expect(desk.by("alert", "There is a problem")).to_be_focused()


def conflict(desk: Desk) -> None:
    made = desk.create(town="Lyon")
    desk.go(f"{made.path}/edit")
    version = desk.page.locator("[name=version]").get_attribute("value") or ""
    desk.post(f"{made.path}/edit", version=version, name=made.name, town="Nantes", phone="+33199005678")
    desk.unfold()
    desk.by("textbox", "Town").fill("Lille")
    desk.by("button", "Save").click()
    expect(desk.by("radio", "Keep mine").first).to_be_visible()


def modules(desk: Desk) -> None:
    desk.go("/admin/modules")


def module_change(desk: Desk) -> None:
    desk.go("/admin/modules/thirdparty/disable")


def module_details(desk: Desk) -> None:
    desk.go("/admin/modules/thirdparty")


def module_settings(desk: Desk) -> None:
    desk.go("/admin/modules/thirdparty/settings")


def trash(desk: Desk) -> None:
    made = desk.create()
    desk.post(f"{made.path}/delete")
    desk.go("/trash")


def recent(desk: Desk) -> None:
    desk.create()
    desk.go("/recent")


def numbering(desk: Desk) -> None:
    desk.go("/numbering")


def numbering_form(desk: Desk) -> None:
    desk.go("/numbering")
    desk.page.locator(".rows tbody th a").first.click()
    desk.by("link", "Edit").click()
    expect(desk.by("button", "Save")).to_be_visible()


def numbering_gaps(desk: Desk) -> None:
    made = [desk.create() for _place in range(2)]
    desk.post(f"{made[0].path}/delete")
    desk.go("/numbering/1/gaps")


def dictionaries(desk: Desk) -> None:
    desk.go("/admin/dictionaries")


def dictionary(desk: Desk) -> None:
    desk.go("/admin/dictionaries/contact_status")


def dictionary_form(desk: Desk) -> None:
    desk.go("/admin/dictionaries/legal_form")
    desk.by("button", "Add value").click()
    expect(desk.by("combobox", "Tone")).to_be_visible()


def dictionary_removal(desk: Desk) -> None:
    desk.create(contact_status="tocall")
    desk.go("/admin/dictionaries/contact_status")
    desk.by("link", "Remove %(name)s", name=desk.say("To contact")).click()
    expect(desk.by("combobox", "Replace with")).to_be_visible()


def jobs(desk: Desk) -> None:
    desk.go("/jobs")


def not_found(desk: Desk) -> None:
    desk.go("/nothing/here")


DAILY: dict[str, Screen] = {
    "list": list_,
    "list with undo": list_undo,
    "sheet": sheet,
    "form": form,
    "form with errors": form_errors,
    "conflict": conflict,
    "modules": modules,
    "module change": module_change,
    "sign-in": signin,
    "trash": trash,
    "home": home,
}
"""Looked at in every run of the tests."""

OTHERS: dict[str, Screen] = {
    "list of 50": list_full,
    "list, nothing matches": list_empty,
    "list, filter open": list_filter_open,
    "list, columns open": list_columns_open,
    "list, filter of a chip": list_filter_field,
    "list, sort open": list_sort_open,
    "list, save view open": list_save_open,
    "list, facets": list_facets,
    "saved views": views,
    "list, menu of a row": list_row_menu,
    "list, rows selected": list_selected,
    "list, refused and gone": list_refused,
    "list, cell refused": list_cell,
    "list, menus of statuses": list_status_menu,
    "rows, which field": bulk_field,
    "rows, assigned": bulk_assign,
    "leads": leads,
    "sheet, menu open": sheet_menu,
    "sheet, deleted": sheet_deleted,
    "form, all open": form_all_open,
    "module details": module_details,
    "module settings": module_settings,
    "sign-in refused": signin_refused,
    "account menu": home_account_menu,
    "create menu": home_create_menu,
    "side bar": home_side_bar,
    "recent actions": recent,
    "numbering": numbering,
    "numbering form": numbering_form,
    "numbering gaps": numbering_gaps,
    "dictionaries": dictionaries,
    "dictionary": dictionary,
    "dictionary form": dictionary_form,
    "dictionary removal": dictionary_removal,
    "jobs": jobs,
    "not found": not_found,
}
"""Looked at by `make axe` only."""

ANONYMOUS = ("sign-in", "sign-in refused")
