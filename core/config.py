"""What the environment says about this installation; nothing is read from it anywhere else (OPS-1)."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from core.access.hosts import is_loopback
from core.errors import ContractError
from core.jobs.backend import BACKENDS, EMBEDDED
from core.logs import FORMS, Form

DEFAULT_PORT = 8000
KEY_BYTES = 32
KEY_FILE = "secret.key"
OLDER_KEY = re.compile(r"secret\.key\.([1-9][0-9]{0,3})")
MAXIMUM_PROXIES = 10
SHORTEST_TOKEN = 16
"""Characters of the token of /metrics."""


@dataclass(frozen=True, slots=True)
class Config:
    """Where things are. `secret_keys` sign what leaves the house: the first signs, all of them verify."""

    var: Path
    database_url: str
    port: int = DEFAULT_PORT
    public_url: str = ""
    jobs: str = EMBEDDED
    proxies: int = 0
    """How many proxies of ours stand in front: so many entries of `X-Forwarded-For` are believed, else none (T55)."""
    log: Form = ""
    """`json`, `text`, or empty: text on a terminal, JSON elsewhere."""
    metrics_token: str = field(default="", repr=False)
    """Who says it may read /metrics; without one the page is not there."""
    secret_keys: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def secret_key(self) -> bytes:
        """The key that signs."""
        return self.secret_keys[0]

    @property
    def files(self) -> Path:
        """Where uploaded files are kept; never below a folder that is served."""
        return self.var / "files"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Config:
        """Read COMPTOIR_VAR, COMPTOIR_DATABASE_URL, PORT, COMPTOIR_PUBLIC_URL, COMPTOIR_JOBS, COMPTOIR_PROXIES, COMPTOIR_LOG
        and COMPTOIR_METRICS_TOKEN; make the folder and its key file.

        Raises `ContractError` when PORT is no port, COMPTOIR_JOBS none of the backends, COMPTOIR_PROXIES no small number,
        COMPTOIR_PUBLIC_URL no address of a site or one without https (loopback may be), COMPTOIR_LOG no form, or the token so short that it could be guessed.
        """
        given = os.environ if environment is None else environment
        var = Path(given.get("COMPTOIR_VAR") or "var").absolute()
        port = given.get("PORT") or str(DEFAULT_PORT)
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ContractError(f"PORT must be a number from 1 to 65535, not {port!r}")
        jobs = given.get("COMPTOIR_JOBS") or EMBEDDED
        if jobs not in BACKENDS:
            raise ContractError(f"COMPTOIR_JOBS must be one of {', '.join(BACKENDS)}, not {jobs!r}")
        proxies = given.get("COMPTOIR_PROXIES") or "0"
        if not (proxies.isascii() and proxies.isdigit() and int(proxies) <= MAXIMUM_PROXIES):
            raise ContractError(f"COMPTOIR_PROXIES must be a number from 0 to {MAXIMUM_PROXIES}, not {proxies!r}")
        public_url = (given.get("COMPTOIR_PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/")
        if not is_site(public_url):
            raise ContractError(f"COMPTOIR_PUBLIC_URL must be like https://crm.example.com, not {public_url!r}")
        parts = urlsplit(public_url)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ContractError(
                f"COMPTOIR_PUBLIC_URL is {public_url!r}, but without https anybody on the way reads passwords and cookies:"
                " put a server with a certificate in front, and let the address begin with https://"
            )
        log = next((form for form in FORMS if form == given.get("COMPTOIR_LOG", "")), None)
        if log is None:
            raise ContractError("COMPTOIR_LOG must be json or text")
        token = given.get("COMPTOIR_METRICS_TOKEN", "").strip()
        if token and len(token) < SHORTEST_TOKEN:
            raise ContractError(f"COMPTOIR_METRICS_TOKEN must have at least {SHORTEST_TOKEN} characters")
        var.mkdir(parents=True, exist_ok=True)
        return cls(
            var=var,
            database_url=given.get("COMPTOIR_DATABASE_URL") or f"sqlite:///{var / 'comptoir.db'}",
            port=int(port),
            public_url=public_url,
            jobs=jobs,
            proxies=int(proxies),
            log=log,
            metrics_token=token,
            secret_keys=(secret_key(var / KEY_FILE), *older_keys(var)),
        )

    def on_port(self, port: int) -> Config:
        """The same installation on another port; a public address that was not set follows it."""
        own = self.public_url == f"http://127.0.0.1:{self.port}"
        return replace(self, port=port, public_url=f"http://127.0.0.1:{port}" if own else self.public_url)

    def environment(self) -> dict[str, str]:
        """The environment for child processes that work on the same installation."""
        settings = {
            "COMPTOIR_VAR": str(self.var),
            "COMPTOIR_DATABASE_URL": self.database_url,
            "COMPTOIR_PUBLIC_URL": self.public_url,
            "PORT": str(self.port),
            "COMPTOIR_JOBS": self.jobs,
            "COMPTOIR_PROXIES": str(self.proxies),
            "COMPTOIR_LOG": self.log,
            "COMPTOIR_METRICS_TOKEN": self.metrics_token,
        }
        return {**os.environ, **settings}


def is_site(address: str) -> bool:
    """Whether an address can be that of a site: scheme and host, perhaps a port, nothing after it."""
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and not (parts.path or parts.query or parts.fragment or parts.username)


def secret_key(file: Path) -> bytes:
    """The key in `file`; made on first use, readable by its owner only (SECURITY 7.34)."""
    if not file.exists():
        temporary = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(secrets.token_bytes(KEY_BYTES))
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(temporary, file)  # fails when another process was faster: then its key counts
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return _usable(file)


def older_keys(var: Path) -> tuple[bytes, ...]:
    """Keys that were in use before, from `secret.key.1`, `secret.key.2` and so on: what they sealed still opens (A58)."""
    found = ((path, OLDER_KEY.fullmatch(path.name)) for path in var.iterdir())
    numbered = sorted((int(match.group(1)), path) for path, match in found if match)
    return tuple(_usable(path) for _number, path in numbered)


def _usable(file: Path) -> bytes:
    """The key in a file. Raises `ContractError` for one that could be guessed, such as an empty file."""
    key = file.read_bytes()
    if len(key) < KEY_BYTES:
        raise ContractError(f"{file} holds no key: it must have at least {KEY_BYTES} bytes")
    return key
