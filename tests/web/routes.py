"""The declared table: every route of the core and the bundled plugins, who may use it, and what it is about (SECURITY 7.2, T33, T40).

`test_access.py` and `test_matrix.py` read it. A route that is missing here fails the build, and so does a row without
a route. Each row says what a request that is let in gets (`done`); who is let in, and what others get, is worked out
from the row by `test_matrix.expected`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.testing.site import PASSWORD
from core.web.policy import PUBLIC, SIGNED_IN

GET, POST = "GET", "POST"

# What an address names. The first two name no record.
NOTHING, LIST = "nothing", "list"
RECORD, NOTE, FILE, ADDRESS = "record", "note", "file", "address"
MAIL, OWN_MAIL = "mail about a record", "mail about a record, to decide about"
OPERATION = "somebody's change of a record"
JOB, RESULT, NOTICE, SIGN_IN, COMPANY = "job", "file of a job", "notification", "sign-in", "company"
OF_RECORDS = (RECORD, NOTE, FILE, ADDRESS, MAIL, OWN_MAIL, OPERATION)
OF_PEOPLE = (JOB, RESULT, NOTICE, SIGN_IN, COMPANY)
"""What belongs to a person, and to nobody else."""

NOT_THERE = 404
ENTITIES_WITH_MAIL = frozenset({"thirdparty", "lead", "user"})


@dataclass(frozen=True, slots=True)
class Route:
    """One route. In `form`, `query` and `place`, `{words}` stand for numbers and names of the record in question.

    `place`: the other parts of the address. `done`: the answer for who is let in; `bin`: the same for a record in the
    bin, `hidden`: for one that is not to be known of. `also`: a second permission. `only`: the one entity it is for.
    `spends`: afterwards the record is not what it was. `restores`: it works on what is in the bin. `mailable`: only
    lists with e-mail addresses have it. `ends`: the sign-in is over afterwards. `visitor`: the answer for anonymous
    visitors when they get another one. `upload`: a file goes with the form. `every`:
    it is tried on every kind of record there is, others on the chief ones, since they all ask the same session.
    """

    policy: str
    verb: str = GET
    about: str = NOTHING
    done: int = 200
    form: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    place: Mapping[str, str] = field(default_factory=dict)
    bin: int = NOT_THERE
    hidden: int = NOT_THERE
    also: str = ""
    only: str = ""
    spends: bool = False
    restores: bool = False
    mailable: bool = False
    ends: bool = False
    visitor: int | None = None
    upload: bool = False
    every: bool = False
    quick: bool = False


def page(policy: str, about: str = NOTHING, **more: object) -> Route:
    """Something to look at."""
    return Route(policy, GET, about, **more)  # type: ignore[arg-type]


def form(policy: str, about: str = NOTHING, done: int = 303, **more: object) -> Route:
    """Something to send; mostly one is led on."""
    return Route(policy, POST, about, done, **more)  # type: ignore[arg-type]


ADMINISTER, MODULES = "settings.manage", "modules.manage"
VIEW, CREATE, EDIT, DELETE = "entity.view", "entity.create", "entity.edit", "entity.delete"
EXPORT = "entity.export"
TEMPLATE = {"code": "first_contact", "language": "en"}
NOTES, FILES, ADDRESSES = {"kind": "notes"}, {"kind": "files"}, {"kind": "addresses"}

ROUTES: dict[str, Route] = {
    "account.company": form(SIGNED_IN, COMPANY, form={"company": "{number}"}),
    "account.create_company": form(PUBLIC, done=404),  # there is a company already
    "account.enter": form(PUBLIC, done=422, form={"email": "{person}@nowhere.example", "password": "wrong"}),
    "account.health": page(PUBLIC),
    "account.preferences": form(PUBLIC, form={"theme": "light"}),
    "account.report": form(PUBLIC, done=204),
    "account.setup": page(PUBLIC, done=404),
    "account.signin": page(PUBLIC, done=303, visitor=200),
    "account.signout": form(SIGNED_IN, ends=True),
    "actions.recent": page(SIGNED_IN),
    "actions.run": form(
        VIEW, RECORD, place={"plugin": "thirdparty", "name": "convert"}, also=EDIT, only="thirdparty", spends=True
    ),
    "actions.run_many": form(
        VIEW, RECORD, place={"plugin": "thirdparty", "name": "convert"}, form={"id": "{number}"}, also=EDIT,
        only="thirdparty", hidden=422, bin=422, spends=True,
    ),
    "actions.undo_operation": form(SIGNED_IN, OPERATION, hidden=422, spends=True),
    "audit.index": page(ADMINISTER),
    "bulk_fields.edit": form(
        EDIT, RECORD, form={"id": "{number}", "field": "town", "new": "Lyon {again}", "then": "save"}, only="thirdparty",
        hidden=303, bin=303,
    ),
    "company_settings.index": page(ADMINISTER),
    "company_settings.save": form(ADMINISTER, done=422, form={"fiscal_month": "none"}),
    "confirm.check": form(SIGNED_IN, form={"confirm_password": PASSWORD}),
    "confirm.index": page(SIGNED_IN),
    "demo.remove": form(MODULES, done=422),
    "editing.bulk": form(
        EDIT, RECORD, form={"id": "{number}", "action": "set", "value": "{quick}"}, hidden=303, bin=303,
        quick=True,
    ),
    "editing.check": form(VIEW, LIST, done=404, form={"field": "none"}),
    "editing.create": form(CREATE, LIST, form={"{title}": "Made", "thirdparty_id": "{thirdparty}"}),
    "editing.delete": form(DELETE, RECORD, spends=True, every=True),
    "editing.edit": page(EDIT, RECORD),
    "editing.new": page(CREATE, LIST),
    "editing.restore": form(DELETE, RECORD, done=422, bin=303, spends=True, restores=True),
    "editing.save": form(EDIT, RECORD, form={"version": "{version}", "{title}": "{name} {again}"}, every=True),
    "editing.status": form(EDIT, RECORD, form={"field": "{field}", "value": "{quick}"}),
    "export.options": page(EXPORT, LIST),
    "export.run": form(EXPORT, LIST, done=422, form={"all": "1", "query": "f=none:is:1"}),
    "dictionaries.add": form(ADMINISTER, done=422, place={"name": "potential"}),
    "dictionaries.edit": page(ADMINISTER, done=404, place={"name": "potential", "entry_id": "999999"}),
    "dictionaries.index": page(ADMINISTER),
    "dictionaries.move": form(ADMINISTER, done=404, place={"name": "potential", "entry_id": "999999"}),
    "dictionaries.new": page(ADMINISTER, place={"name": "potential"}),
    "dictionaries.remove": page(ADMINISTER, done=404, place={"name": "potential", "entry_id": "999999"}),
    "dictionaries.remove_now": form(ADMINISTER, done=404, place={"name": "potential", "entry_id": "999999"}),
    "dictionaries.save": form(ADMINISTER, done=404, place={"name": "potential", "entry_id": "999999"}),
    "dictionaries.switch": form(ADMINISTER, done=404, place={"name": "potential", "entry_id": "999999"}),
    "dictionaries.values": page(ADMINISTER, place={"name": "potential"}),
    "facets.index": page(VIEW, LIST),
    "files.add": form(EDIT, RECORD, upload=True),
    "files.download": page(VIEW, FILE, every=True),
    "files.rename": page(EDIT, FILE),
    "files.save_name": form(EDIT, FILE, form={"name": "plan {again}.txt", "version": "{part_version}"}),
    "files.thumbnail": page(VIEW, FILE),
    "help.index": page(SIGNED_IN),
    "help.keys": page(SIGNED_IN, done=303),  # with script 200
    "home.arrange": form(SIGNED_IN, form={"card": "core.recent", "do": "up"}),
    "home.index": page(SIGNED_IN),
    "home.started": form(SIGNED_IN, form={"shown": "on"}),
    "jobs.file": page(SIGNED_IN, RESULT),
    "jobs.index": page(SIGNED_IN),
    "jobs.retry": form(SIGNED_IN, JOB, spends=True),
    "jobs.show": page(SIGNED_IN, JOB),
    "jobs.stop": form(SIGNED_IN, JOB, done=409),  # it has failed already
    "jobs.undo": form(SIGNED_IN, JOB, done=409),  # it changed nothing
    "keeping.index": page(SIGNED_IN, done=404, place={"token": "none"}),  # nobody was signed out while typing
    "lists.arrange": form(VIEW, LIST, form={"what": "density", "density": "compact"}),
    "lists.arrange_form": page(VIEW, LIST, query="what=columns"),
    "lists.filter_editor": page(VIEW, LIST, query="field={title}"),
    "mail_outbox.cancel_now": form(SIGNED_IN, OWN_MAIL, done=409),  # it has left already
    "mail_outbox.decide_now": form(SIGNED_IN, OWN_MAIL, form={"recipient": "{recipient}", "choice": "again"}),
    "mail_outbox.file": page(SIGNED_IN, MAIL),
    "mail_outbox.html": page(SIGNED_IN, MAIL),
    "mail_outbox.index": page(SIGNED_IN),
    "mail_outbox.message": page(SIGNED_IN, MAIL, every=True),
    "mail_outbox.panel": page(VIEW, RECORD, done=303),
    "mail_send.compose": page(EDIT, RECORD, query="id={number}", hidden=200, bin=200, mailable=True),
    "mail_send.send": form(
        EDIT, RECORD, form={"id": "{number}", "then": "send", "subject": "Hello", "text": "Hello"}, hidden=422, bin=422,
        mailable=True,
    ),
    "mail_settings.index": page(ADMINISTER),
    "mail_settings.save": form(ADMINISTER, done=422, form={"port": "none"}),
    "mail_settings.test": form(ADMINISTER),
    "mail_suppression.add": form(ADMINISTER, done=422),
    "mail_suppression.index": page(ADMINISTER),
    "mail_suppression.remove": form(ADMINISTER, done=404, place={"suppression_id": "999999"}),
    "mail_templates.create": form(ADMINISTER, LIST, done=422, mailable=True),
    "mail_templates.edit": page(VIEW, LIST, place=TEMPLATE, mailable=True),
    "mail_templates.html": page(VIEW, RECORD, place=TEMPLATE, mailable=True),
    "mail_templates.index": page(SIGNED_IN),
    "mail_templates.new": page(ADMINISTER, LIST, mailable=True),
    "mail_templates.preview": page(VIEW, RECORD, place=TEMPLATE, query="record_id={number}", mailable=True),
    "mail_templates.restore": form(ADMINISTER, LIST, done=404, place=TEMPLATE, mailable=True),  # it is as shipped
    "mail_templates.save": form(ADMINISTER, LIST, done=422, place=TEMPLATE, mailable=True),
    "mail_templates.test": form(VIEW, LIST, place=TEMPLATE, mailable=True),
    "modules.clear": form(MODULES, place={"name": "leads"}),
    "modules.details": page(MODULES, place={"name": "leads"}),
    "modules.disable": page(MODULES, place={"name": "leads"}),
    "modules.disable_now": form(MODULES, done=409, place={"name": "leads"}, form={"version": "0"}),
    "modules.dump": page(MODULES, done=409, place={"name": "leads"}),
    "modules.enable": page(MODULES, place={"name": "leads"}),
    "modules.enable_now": form(MODULES, done=409, place={"name": "leads"}, form={"version": "0"}),
    "modules.index": page(MODULES),
    "modules.purge": form(MODULES, done=422, place={"name": "leads"}),
    "modules.reload": form(MODULES),
    "modules.save_settings": form(
        ADMINISTER, place={"name": "thirdparty"}, form={"default_role": "prospect"}
    ),
    "modules.settings": page(ADMINISTER, place={"name": "thirdparty"}),
    "new_records.short": page(CREATE, LIST, done=303),  # with script 200: see test_new_records.py
    "notes.add": form(EDIT, RECORD, form={"text": "Called"}),
    "notes.edit": page(EDIT, NOTE),
    "notes.save": form(EDIT, NOTE, form={"text": "Called {again}", "version": "{part_version}"}),
    "notifications.choices": page(SIGNED_IN),
    "notifications.choose": form(SIGNED_IN, form={"job.bell": "on"}),
    "notifications.index": page(SIGNED_IN),
    "notifications.open": form(SIGNED_IN, NOTICE),
    "notifications.read": form(SIGNED_IN, NOTICE),
    "notifications.read_all": form(SIGNED_IN, form={"until": "0"}),
    "number_gaps.index": page("series.view", RECORD, only="series"),
    "numbering.preview": form("series.edit", done=200),
    "observing.metrics": page(PUBLIC, done=404),  # nobody set a token
    "one_field.edit": page(EDIT, RECORD, place={"name": "phone"}, only="thirdparty"),
    "one_field.save": form(
        EDIT, RECORD, place={"name": "town"}, form={"town": "Lyon {again}"}, only="thirdparty"
    ),
    "part_forms.edit": page(EDIT, ADDRESS, place=ADDRESSES, only="thirdparty"),
    "part_forms.save": form(
        EDIT, ADDRESS, place=ADDRESSES, form={"town": "Lyon {again}", "version": "{part_version}"}, only="thirdparty"
    ),
    "part_forms.set_one": form(
        EDIT, ADDRESS, place=ADDRESSES, form={"field": "billing", "value": "on"}, only="thirdparty"
    ),
    "parts.delete": form(EDIT, NOTE, place=NOTES, spends=True, every=True),
    "parts.restore": form(EDIT, NOTE, place=NOTES, spends=True, restores=True),
    "passwords.change": form(SIGNED_IN, done=422),
    "passwords.choose": page(PUBLIC, done=404),  # without the token of a mail
    "passwords.forgotten": page(PUBLIC),
    "passwords.own": page(SIGNED_IN),
    "passwords.save": form(PUBLIC, done=404),
    "passwords.send": form(PUBLIC, done=200, form={"email": "{person}@nowhere.example"}),
    "picking.pick": page(VIEW, LIST),
    "records.history": page(VIEW, RECORD, bin=200),
    "records.index": page(VIEW, LIST),
    "records.sheet": page(VIEW, RECORD, bin=200, every=True),
    "records.tab_count": page(VIEW, RECORD, place={"name": "thirdparties"}, only="lead"),
    "records.trash": page(SIGNED_IN),
    "roles.add": form(ADMINISTER, done=422),
    "roles.index": page(ADMINISTER),
    "roles.matrix": page(ADMINISTER, place={"code": "user"}),
    "roles.remove": form(ADMINISTER, done=422, place={"code": "nobody"}),  # somebody has it
    "roles.save": form(ADMINISTER, place={"code": "administrator"}),
    "searching.index": page(SIGNED_IN, query="q=firm"),
    "searching.palette": page(SIGNED_IN, done=303, query="q=firm"),  # with script 200: see test_searching.py
    "saved_views.copy": form(VIEW, LIST, done=404, place={"view_id": "999999"}),
    "saved_views.create": form(VIEW, LIST, form={"name": "View {again}"}),
    "saved_views.default": form(VIEW, LIST, done=404, place={"view_id": "999999"}),
    "saved_views.delete": form(VIEW, LIST, done=404, place={"view_id": "999999"}),
    "saved_views.edit": page(VIEW, LIST, done=404, place={"view_id": "999999"}),
    "saved_views.index": page(VIEW, LIST),
    "saved_views.keep": form(VIEW, LIST, done=404, place={"view_id": "999999"}),
    "saved_views.pin": form(VIEW, LIST, done=404, place={"view_id": "999999"}),
    "saved_views.save": form(VIEW, LIST, done=404, place={"view_id": "999999"}),
    "second_factor.code": page(PUBLIC, done=303),  # nobody waits for a code
    "second_factor.enter": form(PUBLIC),
    "second_factor.index": page(SIGNED_IN),
    "second_factor.remove": form(SIGNED_IN, ends=True),
    "second_factor.renew": form(SIGNED_IN, done=422),
    "second_factor.save": form(SIGNED_IN, done=422),
    "sign_ins.end": form(SIGNED_IN, SIGN_IN, hidden=303, ends=True),
    "sign_ins.end_others": form(SIGNED_IN, ends=True),
    "sign_ins.index": page(SIGNED_IN),
    "stepping.place": page(VIEW, RECORD, done=303),  # with script 200: see test_places_in_lists.py
    "stepping.step": page(VIEW, RECORD, done=303, place={"way": "next"}),
    "similar.index": page(VIEW, LIST, query="name=zinc&email=zinc@zinc.example"),
    "styles.sheet": page(PUBLIC),
    "tags.add": form(EDIT, RECORD, form={"tag": "Trade"}, only="thirdparty"),
    "tags.bulk": form(
        EDIT, RECORD, form={"id": "{number}", "tag": "Trade", "then": "add"}, only="thirdparty", hidden=303, bin=303
    ),
    "tags.merge": page("tag.edit", RECORD, only="tag"),
    "tags.merge_now": form("tag.edit", RECORD, only="tag"),
    "tags.remove": form(EDIT, RECORD, place={"tag_id": "1"}, only="thirdparty"),
    "thirdparty.address": form("thirdparty.edit", RECORD, form={"text": "1 rue Haute, 69001 Lyon"}, only="thirdparty"),
    "thirdparty.vcard": page("thirdparty.view", RECORD, only="thirdparty"),
    "unsubscribe.act": form(PUBLIC, done=404, place={"token": "none"}),  # without the token of a mail
    "unsubscribe.ask": page(PUBLIC, done=404, place={"token": "none"}),
    "user_admin.end_all": form("user.edit", RECORD, only="user"),
    "user_admin.reset_factor": form("user.edit", RECORD, only="user"),
    "user_admin.resend": form("user.edit", RECORD, only="user"),
}  # fmt: skip
"""By endpoint."""

FOREIGN: dict[str, Route] = {"loyalty.index": page("thirdparty.view")}
"""Of the foreign plugin the matrix is run with."""

MORE: dict[str, Route] = {
    "actions.run:reward": form(
        VIEW, RECORD, place={"plugin": "loyalty", "name": "reward"}, also="loyalty.reward", only="thirdparty",
        spends=True,
    ),
    "editing.bulk:delete": form(
        EDIT, RECORD, form={"id": "{number}", "action": "delete"}, also=DELETE, hidden=303, bin=303, spends=True
    ),
    "bulk_fields.edit:which": form(EDIT, RECORD, done=200, form={"id": "{number}"}, only="thirdparty", hidden=200, bin=200),
    "records.index:tags": page(VIEW, LIST, query="f=tags:in:Trade", only="thirdparty"),
    "tags.bulk:which": form(EDIT, RECORD, done=200, form={"id": "{number}"}, only="thirdparty", hidden=200, bin=200),
    "parts.delete:addresses": form(EDIT, ADDRESS, place=ADDRESSES, only="thirdparty", spends=True),
    "parts.delete:files": form(EDIT, FILE, place=FILES, spends=True),
    "parts.restore:addresses": form(
        EDIT, ADDRESS, place=ADDRESSES, only="thirdparty", spends=True, restores=True
    ),
    "parts.restore:files": form(EDIT, FILE, place=FILES, spends=True, restores=True),
    "records.sheet:details": page(VIEW, RECORD, query="tab=details", bin=200, only="thirdparty"),
    "records.sheet:files": page(VIEW, RECORD, query="tab=files", bin=200, only="thirdparty"),
    "records.index:facet": page(VIEW, LIST, query="f=loyalty.points:is:1000", only="thirdparty"),
    "records.index:any": page(VIEW, LIST, query="any=1:{title}:contains:zinc&any=1:{title}:empty"),
    "records.index:linked": page(VIEW, LIST, query="f=owner_id.name:contains:a&sort=owner_id.name", only="thirdparty"),
    "records.index:filter": page(VIEW, LIST, query="f={title}:contains:zinc"),
    "records.index:search": page(VIEW, LIST, query="q=zinc"),
}  # fmt: skip
"""Other ways to use some of them; the endpoint stands before the colon."""

ACTIONS = {("thirdparty", "thirdparty", "convert"), ("thirdparty", "loyalty", "reward")}
"""Every button of a plugin that does something: entity, plugin, name."""
