"""A whole installation for tests: the real runtime behind the real gate, used through its public surface."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import update
from werkzeug.test import Client, TestResponse

from core.access.devices import new_device
from core.access.models import ADMINISTRATOR, User
from core.access.roles import USER
from core.access.sign_in import start_sign_in
from core.access.users import add_user
from core.config import DEFAULT_PORT, Config
from core.contract.changes import SYSTEM, Actor
from core.data.context import Context
from core.data.tables import bump
from core.data.unit import transaction
from core.runtime.activation import disable, enable
from core.runtime.gate import Gate
from core.runtime.runtime import Runtime
from core.web.app import create_app
from core.web.devices import PLAIN_COOKIE as DEVICE
from core.web.visit import PLAIN_COOKIE as VISIT

PASSWORD = "quince-ladder-73"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class _Client(Client):
    """Asks the host it was told, unless a test says another."""

    def __init__(self, gate: Gate, base_url: str) -> None:
        super().__init__(gate)
        self._base_url = base_url

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Send a request."""
        if args and isinstance(args[0], str):
            options.setdefault("base_url", self._base_url)
        return super().open(*args, **options)


class Browser:
    """A browser without script: keeps cookies, follows nothing by itself, sends the form token."""

    def __init__(self, gate: Gate, base_url: str = f"http://localhost:{DEFAULT_PORT}") -> None:
        """`base_url`: what the server is called in requests; another name than its public address gets 400."""
        self.client = _Client(gate, base_url)
        self._token: str | None = ""

    @property
    def token(self) -> str:
        """The form token of the last page that had one; of who was signed in without a page, that of a short one."""
        if self._token is None:
            self.get("/help")
        return self._token or ""

    @token.setter
    def token(self, token: str) -> None:
        self._token = token

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page and remember its form token."""
        response = self.client.get(path, buffered=True, **options)
        found = TOKEN.search(response.text) if response.mimetype == "text/html" else None
        if found:
            self.token = found.group(1)
        return response

    def post(self, path: str, data: Mapping[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form with the token of the last page."""
        return self.client.post(path, data={"csrf_token": self.token, **(data or {})}, buffered=True, **options)

    def ask_for_token_later(self) -> None:
        """With the cookies of a sign-in, when a form is sent before any page was opened; none where a sign-in shows no page."""
        self._token = None

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Sign in as a person would."""
        self.get("/signin")
        response = self.post("/signin", {"email": email, "password": password})
        self.get("/")
        return response


class Site:
    """A fresh installation on `database_url`; modules are switched on by `enable`."""

    def __init__(self, database_url: str, var: Path) -> None:
        environment = {"COMPTOIR_VAR": str(var), "COMPTOIR_DATABASE_URL": database_url}
        self.config = Config.from_environment(environment)
        self.runtime = Runtime(self.config, app_factory=create_app)
        self.runtime.start()
        self.gate = Gate(self.runtime)
        self.people: dict[str, Actor] = {}

    def close(self) -> None:
        """End everything."""
        self.runtime.close()

    def settle(self) -> None:
        """Bring everything into the database file itself, so that it can be copied."""
        if self.runtime.database.is_sqlite:
            with self.runtime.database.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")

    def enable(self, *names: str) -> None:
        """Switch modules on, with their needs."""
        for name in names:
            enable(self.runtime, name)

    def disable(self, *names: str) -> None:
        """Switch modules off, with those that need them."""
        for name in names:
            disable(self.runtime, name, with_dependents=True)

    def context(self, actor: Actor = SYSTEM) -> Context:
        """What a unit needs: `transaction("test", context=site.context())`."""
        return self.runtime.context(self.runtime.follow(), actor)

    def add_person(self, name: str, role: str = ADMINISTRATOR, language: str = "en") -> str:
        """The e-mail address of an account, which is added when it is missing."""
        email = f"{name.lower()}@test.example"
        known = self.people.get(name)
        if known is not None:
            if known.roles != {role}:  # who works in every prepared installation is what this test says
                with self.runtime.database.connection() as connection:
                    connection.execute(update(User).where(User.id == known.id).values(role=role))
                    bump(connection)
                self.people[name] = Actor(known.id, name, frozenset({role}))
            return email
        self.add_people({name: role}, language)
        return email

    def add_people(self, roles: Mapping[str, str], language: str = "en") -> None:
        """Accounts with their roles, by name; in one unit, since each that touches accounts makes a new generation."""
        with transaction("test.user", context=self.context()) as unit:
            for name, role in roles.items():
                email = f"{name.lower()}@test.example"
                user = add_user(unit.session, name=name, email=email, password=PASSWORD, role=role, language=language)
                self.people[name] = Actor(user.id, name, frozenset({role}))

    def browser(self, name: str = "Alice", role: str | None = None, language: str = "en") -> Browser:
        """A signed-in browser; the account is added when it is missing, as an administrator unless `role` says more.

        It has the cookies that signing in gives, without the time a password takes; `Browser.sign_in` fills in the form.
        """
        if role is not None or name not in self.people:
            self.add_person(name, role or ADMINISTRATOR, language)
        browser = Browser(self.gate)
        with transaction("session.sign_in", context=self.context()) as unit:
            user = unit.session.get_one(User, self.people[name].id)
            browser.client.set_cookie(DEVICE, new_device(self.config.secret_keys, user))
            browser.client.set_cookie(VISIT, start_sign_in(unit.session, user, "127.0.0.1", ""))
        browser.ask_for_token_later()
        return browser

    def visitor(self) -> Browser:
        """A browser nobody signed in with."""
        return Browser(self.gate)


__all__ = ["ADMINISTRATOR", "PASSWORD", "USER", "Browser", "Site"]
