"""The mail server's settings: checked, the password sealed, TLS verified, a message to try them (A59, A60, F05)."""

from __future__ import annotations

import datetime
import ipaddress
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import inspect, text

from core.access.sealing import seal, unseal
from core.data.tables import SettingValue
from core.exchange.mail import journal
from core.exchange.mail.settings import PURPOSE, mail_settings
from core.exchange.outgoing import Unreachable, connect, denied
from core.testing.servers import free_port
from core.testing.site import Site
from tests.mail.post import Witness, later, queue, running_sink, send, settings, states

FORM = {
    "host": "127.0.0.1", "port": "2525", "security": "none", "user": "", "from_address": "office@zinc.example",
    "from_name": "", "throttle": "60", "end_of_data_seconds": "600",
}  # fmt: skip
PASSWORD = "planted-secret-4711"


class Authority:
    """A certificate authority of our own, and certificates it signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
        self._certificate = self._signed(self._name, self._key, authority=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool, address: str = "127.0.0.1"
    ) -> x509.Certificate:
        moment = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - datetime.timedelta(days=1))
            .not_valid_after(moment + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if authority:
            usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        else:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def pair(self, address: str) -> tuple[str, str]:
        """Files of a certificate for an address and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
        certificate = self._signed(subject, key, authority=False, address=address)
        files = (self.folder / f"{address}.pem", self.folder / f"{address}.key")
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(files[0]), str(files[1])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("trusted", "address", "arrives"), [(True, "127.0.0.1", 1), (False, "127.0.0.1", 0), (True, "10.0.0.1", 0)]
)
def test_certificates_are_verified(
    site: Site,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    security: str,
    trusted: bool,
    address: str,
    arrives: int,
) -> None:
    """An unknown authority and a certificate of another host keep mail waiting; nothing goes in the clear (A59)."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    options = (f"--{security}", *authority.pair(address), "--user", "zinc", PASSWORD)
    with running_sink(tmp_path / "tls", *options) as sink:
        settings(site, sink.port, PASSWORD, security=security, user="zinc")
        queue(site, "lea@example.org")
        send(site)
        assert states(site) == {"lea@example.org": "sent" if arrives else "pending"}
        assert [(line["tls"], line["user"]) for line in sink.lines()] == [(True, True)] * arrives


def test_a_wrong_password_keeps_mail_waiting(site: Site, tmp_path: Path) -> None:
    with running_sink(tmp_path / "auth", "--user", "zinc", PASSWORD) as sink:
        settings(site, sink.port, "another", user="zinc")
        queue(site, "lea@example.org")
        send(site)
        assert states(site) == {"lea@example.org": "pending"}
        with site.runtime.database.reading() as session:
            problem = journal.server_state(session)
        assert problem is not None
        assert "refuses user name or password" in problem[0]
        settings(site, sink.port, PASSWORD, user="zinc")
        later(site)
        send(site)
        assert states(site) == {"lea@example.org": "sent"}


class TestPage:
    """The page of the administrator."""

    def test_saved_and_shown_without_the_password(self, site: Site) -> None:
        admin = site.browser()
        admin.get("/admin/mail")
        assert admin.post("/admin/mail", {**FORM, "password": PASSWORD, "user": "zinc"}).status_code == 303
        page = admin.get("/admin/mail").text
        assert 'value="127.0.0.1"' in page
        assert "A password is kept" in page
        assert PASSWORD not in page
        assert admin.post("/admin/mail", {**FORM, "password": "", "user": "zinc", "throttle": "7"}).status_code == 303
        with site.runtime.database.reading() as session:
            assert mail_settings(session, site.config.secret_keys).password == PASSWORD
        admin.post("/admin/mail", {**FORM, "password": "", "user": "zinc", "forget": "on"})
        with site.runtime.database.reading() as session:
            assert mail_settings(session, site.config.secret_keys).password == ""

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"host": "mail.example.com", "from_address": ""}, "Enter the address mail comes from"),
            ({"host": "http://mail.example.com"}, "Enter the name of a server"),
            ({"host": "mail.example.com", "password": "x"}, "only sent over an encrypted connection"),
            ({"port": "70000"}, "65"),
            ({"security": "whatever"}, "problem"),
            ({"from_address": "nobody"}, "name@example.com"),
        ],
    )
    def test_what_cannot_work_is_refused(self, site: Site, typed: dict[str, str], said: str) -> None:
        admin = site.browser()
        admin.get("/admin/mail")
        answer = admin.post("/admin/mail", {**FORM, **typed})
        assert answer.status_code == 422
        assert said in answer.text
        assert not typed.get("password") or typed["password"] not in re.findall(r'value="([^"]*)"', answer.text)
        with site.runtime.database.reading() as session:
            assert mail_settings(session).host == ""

    @pytest.mark.parametrize(
        "change",
        [{"host": "127.0.0.2"}, {"port": "2526"}, {"user": "thief"}, {"security": "tls"}],
    )
    def test_a_kept_password_is_told_to_no_other_server(self, site: Site, change: dict[str, str]) -> None:
        """Whoever changes where the password goes must know it; otherwise any server could be asked for it."""
        admin = site.browser()
        admin.get("/admin/mail")
        form = {**FORM, "user": "zinc"}
        admin.post("/admin/mail", {**form, "password": PASSWORD})
        answer = admin.post("/admin/mail", {**form, **change, "password": ""})
        assert answer.status_code == 422
        assert "enter the password again" in answer.text
        with site.runtime.database.reading() as session:
            assert mail_settings(session).told == ("127.0.0.1", 2525, "none", "zinc")
        for extra, kept in (({"password": "another"}, "another"), ({"forget": "on"}, "")):
            assert admin.post("/admin/mail", {**form, **change, **extra}).status_code == 303
            with site.runtime.database.reading() as session:
                assert mail_settings(session, site.config.secret_keys).password == kept
            admin.post("/admin/mail", {**form, "password": PASSWORD})

    @pytest.mark.parametrize("name", ["user", "password"])
    def test_letters_no_server_can_be_told_are_refused(self, site: Site, name: str) -> None:
        admin = site.browser()
        admin.get("/admin/mail")
        answer = admin.post("/admin/mail", {**FORM, "user": "zinc", "password": "x", name: "motdépassé"})
        assert answer.status_code == 422
        assert "no accents" in answer.text
        assert "motdépassé" not in answer.text or name == "user"

    def test_unencrypted_mail_is_a_visible_warning(self, site: Site) -> None:
        admin = site.browser()
        admin.get("/admin/mail")
        admin.post("/admin/mail", {**FORM, "host": "mail.example.com"})
        assert "Mail goes to the server unencrypted" in admin.get("/admin/mail").text
        admin.post("/admin/mail", {**FORM, "host": "mail.example.com", "security": "tls"})
        assert "unencrypted" not in admin.get("/admin/mail").text

    def test_the_test_button(self, site: Site, sink: Witness) -> None:
        admin = site.browser()
        admin.get("/admin/mail")
        admin.post("/admin/mail", {**FORM, "port": str(sink.port)})
        address = admin.post("/admin/mail/test").headers["Location"]
        send(site)
        assert "Sent" in admin.get(address).text
        (message,) = sink.messages()
        assert message["Subject"] == "Test message from Comptoir"
        assert message["To"] == "Alice <alice@test.example>"


def test_the_database_holds_no_password(site: Site, tmp_path: Path) -> None:
    """A60: neither the rows nor, on SQLite, the bytes of the file."""
    admin = site.browser()
    admin.get("/admin/mail")
    admin.post("/admin/mail", {**FORM, "password": PASSWORD})
    with site.runtime.database.reading() as session:
        connection = session.connection()
        dump = "".join(
            str(tuple(row))
            for name in inspect(connection).get_table_names()
            for row in connection.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 - names of our own tables
        )
        stored = session.get_one(SettingValue, "mail.password").value
    assert "mail.password" in dump
    assert PASSWORD not in dump
    assert stored is not None
    assert unseal(site.config.secret_keys, PURPOSE, stored) == PASSWORD
    assert unseal((b"another key of thirty-two bytes!",), PURPOSE, stored) == ""
    site.settle()
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes(), file


def test_older_keys_still_open(site: Site) -> None:
    old, new = b"o" * 32, b"n" * 32
    assert unseal((new, old), PURPOSE, seal((old,), PURPOSE, PASSWORD)) == PASSWORD


class TestConnections:
    """One door to the outside: every address is checked (SECURITY 7.23, T63)."""

    @pytest.mark.parametrize(
        "address", ["169.254.169.254", "0.0.0.0", "::", "fe80::1", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254"]
    )
    def test_some_addresses_are_never_a_server(self, address: str) -> None:
        assert denied(ipaddress.ip_address(address), inside=True)
        with pytest.raises(Unreachable, match="not allowed"):
            connect(address, 25, 1.0, inside=True)

    @pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd00::1", "::ffff:127.0.0.1"])
    def test_the_own_network_only_for_a_host_an_administrator_typed(self, address: str) -> None:
        assert denied(ipaddress.ip_address(address), inside=False)
        assert not denied(ipaddress.ip_address(address), inside=True)

    def test_the_world_is_allowed(self) -> None:
        assert not denied(ipaddress.ip_address("93.184.216.34"), inside=False)

    def test_nobody_answers(self) -> None:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 port"):
            connect("127.0.0.1", free_port(), 1.0, inside=True)


def test_the_minute_is_not_overrun(site: Site, sink: Witness) -> None:
    settings(site, sink.port, throttle="3")
    queue(site, *(f"p{number}@example.org" for number in range(5)))
    assert send(site) == 3
    assert send(site) == 0
    assert sorted(states(site).values()) == ["pending"] * 2 + ["sent"] * 3
