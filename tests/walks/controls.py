"""What can be pressed on pages, as a browser without script finds it, and a walk over all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

from core.testing.site import Browser

NEVER = re.compile(
    r"^/(signout|account/sessions/end|users/\d+/(end_all|reset|deactivate)|admin/modules/[^/]+/(disable|purge|reload)|static/)"
)
"""What ends the walk itself: signing out, switching modules off. Each has tests of its own."""
CHANGING = {"version", "seen", "key", "card"}
"""What a form holds that another one may have changed meanwhile."""
PRESENT = {"true", "step", "page"}
ANSWERS = {200, 303, 403, 409, 422, 429}
"""Of a control that does something, or says why not."""


@dataclass
class Form:
    """A form of a page: where it is sent, what it holds, and its buttons."""

    action: str
    method: str
    values: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Address, name and value of each."""
    texts: list[str] = field(default_factory=list)
    """The names of the boxes to type any text into."""
    chosen: set[tuple[str, str, str]] = field(default_factory=set)
    """The buttons that say that their value is the present one: pressing them changes nothing."""


class Controls(HTMLParser):
    """The links and forms of a page, as a browser without script knows them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fragments: list[str] = []
        self.forms: dict[str, Form] = {}
        self.ids: set[str] = set()
        self.dead: list[str] = []
        self.popovers: list[str] = []
        self._open: Form | None = None
        self._select: tuple[str, Form, list[tuple[str, bool]]] | None = None
        self._waiting: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        for form, values in self._waiting:
            self._control(self.forms.get(form), values)
        self.dead += [f"opens nothing: {name}" for name in self.popovers if name not in self.ids]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.add(values["id"])
        if "hx-get" in values:
            self.fragments.append(values["hx-get"])
        if "popovertarget" in values:
            self.popovers.append(values["popovertarget"])
        if tag == "a":
            self._link(values)
        elif tag == "form":
            self._open = Form(values.get("action", ""), values.get("method", "get").lower())
            if self._open.method != "dialog":
                self.forms[values.get("id", f"form {len(self.forms)}")] = self._open
        elif tag in ("input", "button", "textarea"):
            values["tag"] = tag
            if "form" in values:
                self._waiting.append((values["form"], values))
            else:
                self._control(self._open, values)
        elif tag == "select" and self._open is not None and "disabled" not in values:
            self._select = (values.get("name", ""), self._open, [])
        elif tag == "option" and self._select is not None:
            self._select[2].append((values.get("value", ""), "selected" in values))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select" and self._select is not None:
            name, form, options = self._select
            chosen = next((value for value, selected in options if selected), options[0][0] if options else "")
            form.values.append((name, chosen))
            self._select = None

    def _link(self, values: dict[str, str]) -> None:
        href = values.get("href")
        if not href:
            self.dead.append(f"a link without an address: {values}")
        elif not href.startswith("#"):
            self.links.append(href)

    def _control(self, form: Form | None, values: dict[str, str]) -> None:
        kind = values.get("type", "submit" if values["tag"] == "button" else "text")
        if values["tag"] == "button" and kind == "button":
            scripted = "scripted" in values.get("class", "") or "data-close" in values or "popovertarget" in values
            if not scripted:
                self.dead.append(f"does nothing without script: {values}")
        elif form is None:
            if values["tag"] == "button" and "popovertarget" not in values:
                self.dead.append(f"belongs to no form: {values}")
        elif kind in ("submit", "image") and values["tag"] == "button":
            if "disabled" not in values:
                button = (values.get("formaction", form.action), values.get("name", ""), values.get("value", ""))
                form.buttons.append(button)
                if {values.get("aria-pressed"), values.get("aria-checked"), values.get("aria-current")} & PRESENT:
                    form.chosen.add(button)
        elif "disabled" not in values and (
            kind not in ("checkbox", "radio") or "checked" in values or self._first(form, values)
        ):
            form.values.append((values.get("name", ""), values.get("value", "on")))
            if values["tag"] == "textarea" or kind in ("text", "search"):
                form.texts.append(values.get("name", ""))

    def _first(self, form: Form, values: dict[str, str]) -> bool:
        """A row to tick, so that what is done with the chosen rows has one."""
        return values.get("form") == "bulk" and not any(name == "id" for name, _value in form.values)


def shape(address: str) -> str:
    """Address without what differs between pages that are drawn by the same code."""
    parts = urlsplit(address)
    names = sorted({name for name, _value in parse_qsl(parts.query, keep_blank_values=True)})
    path = re.sub(r"^(/mail/templates)/\w+/\w+/\w+", r"\1/one", parts.path)
    return re.sub(r"/\d+", "/0", path) + "?" + "&".join(names)


class Walk:
    """Opens page after page, one of each shape, and collects what can be sent there.

    `written`: a number that another connection's commit changes.
    """

    def __init__(self, browser: Browser, written: Callable[[], int]) -> None:
        self.browser = browser
        self.written = written
        self.effects: Counter[str] = Counter()
        self.seen: set[str] = set()
        self.pages: list[str] = []
        """The addresses that were opened, of each shape one."""
        self.forms: dict[str, tuple[str, Form, tuple[str, str, str]]] = {}
        self.wrong: list[str] = []
        self.silent: dict[str, str] = {}
        """Where forms lead that had no button, with their pages: rows that have the button may be on another page."""

    def buttonless(self) -> list[str]:
        """The forms that have a button on no page at all."""
        sent = {shape(button[0]) for _address, _form, button in self.forms.values()}
        return [f"{page}: a form without a button to {to}" for to, page in self.silent.items() if to not in sent]

    def open(self, start: str) -> None:
        """Open the page and all that it links to."""
        waiting = [start]
        while waiting:
            address = waiting.pop(0)
            if shape(address) in self.seen or NEVER.match(address) or not address.startswith("/"):
                continue
            self.seen.add(shape(address))
            answer = self.browser.get(address)
            if answer.status_code >= 400:
                self.wrong.append(f"{answer.status_code}: {address}")
            if answer.status_code == 303:
                waiting.append(answer.location)
            if answer.mimetype == "text/html":
                self.pages.append(address)
                waiting += self.read(address, answer.text)

    def read(self, address: str, text: str) -> list[str]:
        """Remember the forms of a page; returns its links."""
        found = Controls(text)
        self.wrong += [f"{address}: {said}" for said in found.dead]
        for part in found.fragments:
            if part.startswith("/") and f"part {shape(part)}" not in self.seen:
                self.seen.add(f"part {shape(part)}")
                answer = self.browser.get(part, headers={"HX-Request": "true"})
                if answer.status_code >= 400:
                    self.wrong.append(f"{answer.status_code}: {part}, a part of {address}")
        for form in found.forms.values():
            if not form.buttons and not any(name == "q" for name, _value in form.values) and "row" not in address:
                menu_only = form.method == "post" and not form.values[1:]
                if not menu_only and form.action:
                    self.silent.setdefault(shape(form.action), address)
            for button in form.buttons:
                key = f"{form.method} {shape(button[0])} {button[1]} {button[2] if not button[2].isdecimal() else ''}"
                self.forms.setdefault(key, (address, form, button))
        return found.links

    def fresh(self, address: str, form: Form, button: tuple[str, str, str]) -> Form:
        """The form as its page has it now: with the present versions, and what was done meanwhile."""
        if not CHANGING & {name for name, _value in form.values}:
            return form
        answer = self.browser.get(address)
        named = [name for name, _value in form.values]
        for other in Controls(answer.text).forms.values():
            same = (other.action, other.method) == (form.action, form.method) and button in other.buttons
            if same and [name for name, _value in other.values] == named:
                return other
        return form

    def press(self, address: str, form: Form, button: tuple[str, str, str]) -> None:
        """Send a form by one of its buttons, as it stands on a fresh copy of its page; something must come of it."""
        form = self.fresh(address, form, button)
        to, name, value = button[0] or address, *button[1:]
        sent = [*form.values, *([(name, value)] if name else [])]
        if form.method == "get":
            answer = self.browser.get(f"{to.partition('?')[0]}?{urlencode(sent)}")
            if answer.status_code not in ANSWERS:
                self.wrong.append(f"{answer.status_code}: get {to} {name}={value} on {address}")
            return
        data: dict[str, list[str]] = {}
        for one, text in sent:
            data.setdefault(one, []).append(text)
        before = self.written()
        answer = self.browser.client.post(to, data=data, buffered=True)
        pressed = f"post {to} {name}={value} on {address}"
        if answer.status_code not in ANSWERS:
            self.wrong.append(f"{answer.status_code}: {pressed}")
        elif answer.status_code >= 400:
            self.effects["refused"] += 1
        elif self.written() != before:
            self.effects["written"] += 1
        elif answer.status_code == 200 or plain(answer.location) != plain(address):
            self.effects["leads on"] += 1
        elif button not in form.chosen:
            self.wrong.append(f"without effect: {pressed}")
        if answer.status_code == 303 and answer.location.startswith("/"):
            after = self.browser.get(answer.location)
            if after.status_code >= 400:
                self.wrong.append(f"{after.status_code}: {answer.location} after {pressed}")


def plain(address: str) -> tuple[str, list[tuple[str, str]]]:
    """Where an address leads, without what was done last."""
    parts = urlsplit(address)
    return parts.path, sorted(pair for pair in parse_qsl(parts.query) if pair[0] not in ("done", "told", "module"))
