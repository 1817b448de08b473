"""The server's contexts, by real handshakes: versions, ciphers, names, renewal under load, tickets, ALPN."""

import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form

from shared.clock import FixedClock
from shared.tls.authority import LocalAuthority
from shared.tls.certificate_files import CertificateFiles
from shared.tls.client import client_context
from shared.tls.handshake import TlsHandshake, describe
from shared.tls.server import ServerTls
from shared.tls.versions import TlsMinimum
from tests.unit.shared.tls.handshake import pass_on, served, shake_hands

DAY = 86_400


def only(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that offers one TLS version, and accepts any certificate."""
    client = client_context(verify=False, minimum="TLSv1.0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = client.maximum_version = version
    return client


OLD = [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1]
NEW = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize(
    ("minimum", "spoken"),
    [("TLSv1.0", [*OLD, *NEW]), ("TLSv1.1", [*OLD[1:], *NEW]), ("TLSv1.2", NEW), ("TLSv1.3", NEW[1:])],
)
def test_versions_below_the_minimum_are_refused(
    authority: LocalAuthority, minimum: TlsMinimum, spoken: list[ssl.TLSVersion]
) -> None:
    server = ServerTls(authority.ensure([]), minimum=minimum)
    for version in [*OLD, *NEW]:
        if version in spoken:
            connection = shake_hands(server.context(), only(version))
            assert connection.server.version() == version.name.replace("_", ".")
        else:
            with pytest.raises(ssl.SSLError):
                shake_hands(server.context(), only(version))


def test_only_forward_secret_authenticated_ciphers(authority: LocalAuthority) -> None:
    server = ServerTls(authority.ensure([]))
    names = [cipher["name"] for cipher in server.context().get_ciphers() if cipher["protocol"] == "TLSv1.2"]
    assert names
    assert all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in names)
    client = only(ssl.TLSVersion.TLSv1_2)
    client.set_ciphers("ECDHE+AES:!AESGCM")
    with pytest.raises(ssl.SSLError):
        shake_hands(server.context(), client)


def test_the_events_of_a_handshake(authority: LocalAuthority) -> None:
    server = ServerTls(authority.ensure([]))
    client = only(ssl.TLSVersion.TLSv1_2)
    client.set_ciphers("ECDHE+AESGCM+AES128")
    events = TlsHandshake("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", 128)
    connection = shake_hands(server.context(), client)
    assert (describe(connection.server), describe(connection.client)) == (events, events)


def test_no_events_before_the_handshake(authority: LocalAuthority) -> None:
    context = ServerTls(authority.ensure([])).context()
    with pytest.raises(ValueError, match="handshake"):
        describe(context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True))


@pytest.mark.parametrize("name", ["localhost", None])
def test_a_renewed_certificate_serves_the_next_handshake_and_drops_nobody(
    authority: LocalAuthority, clock: FixedClock, name: str | None
) -> None:
    server = ServerTls(authority.ensure([]))
    context, client = server.context(), client_context(verify=False)
    before = shake_hands(context, client, name)
    clock.advance(380 * DAY)
    authority.ensure([])
    after = shake_hands(context, client, name)
    assert served(before) != served(after)
    assert pass_on(before, b"still here") == b"still here"
    assert server.context() is context


@pytest.mark.parametrize("version", NEW)
def test_sessions_resume_by_ticket_even_after_renewal(
    authority: LocalAuthority, clock: FixedClock, version: ssl.TLSVersion
) -> None:
    server = ServerTls(authority.ensure([]))
    client = only(version)
    first = shake_hands(server.context(), client).client
    assert (first.session_reused, first.session is not None) == (False, True)
    clock.advance(380 * DAY)
    authority.ensure([])
    assert shake_hands(server.context(), client, session=first.session).client.session_reused is True


@dataclass(frozen=True)
class Two:
    """Certificates of two authorities, as if each of two host names had its own."""

    default: CertificateFiles
    other: CertificateFiles
    other_root: Path


@pytest.fixture
def two(authority: LocalAuthority, tmp_path: Path, clock: FixedClock) -> Two:
    other = LocalAuthority(tmp_path / "other", clock)
    return Two(authority.ensure([]), other.ensure(["mail.example.net", "imap.example.com"]), other.certificate)


def shown(server: ServerTls, name: str | None) -> bytes:
    return served(shake_hands(server.context(), client_context(verify=False), name))


def test_each_name_gets_its_certificate(two: Two) -> None:
    server = ServerTls(two.default, named={"Mail.example.net": two.other, "*.example.com": two.other})
    strict = client_context(two.other_root)
    for name in ("mail.example.net", "MAIL.EXAMPLE.NET", "imap.example.com"):
        assert shake_hands(server.context(), strict, name).client.version() == "TLSv1.3"
    fallback = shown(server, None)
    assert fallback != shown(server, "mail.example.net")
    for name in ("localhost", "example.com", "a.imap.example.com", "net"):
        assert shown(server, name) == fallback


def test_names_may_be_changed_while_serving(two: Two) -> None:
    server = ServerTls(two.default)
    before = shown(server, "mail.example.net")
    server.set_named({"mail.example.net": two.other})
    assert shown(server, "mail.example.net") != before
    server.set_named({})
    assert shown(server, "mail.example.net") == before


def test_a_named_certificate_that_cannot_be_used_falls_back_and_shows(two: Two, tmp_path: Path) -> None:
    server = ServerTls(
        two.default, named={"mail.example.net": CertificateFiles(tmp_path / "none.pem", tmp_path / "none.key")}
    )
    assert shown(server, "mail.example.net") == shown(server, None)
    assert list(server.problems()) == ["mail.example.net"]


def test_files_that_do_not_fit_leave_the_certificate_in_force(two: Two) -> None:
    server = ServerTls(two.default)
    before, certificate, key = shown(server, None), two.default.certificate.read_bytes(), two.default.key.read_bytes()
    for broken in (two.other.certificate.read_bytes(), b"", certificate[:100]):
        two.default.certificate.write_bytes(broken)
        assert shown(server, None) == before
        assert list(server.problems()) == [""]
    two.default.certificate.unlink()
    assert shown(server, None) == before
    two.default.certificate.write_bytes(two.other.certificate.read_bytes())
    two.default.key.write_bytes(two.other.key.read_bytes())
    assert shown(server, None) != before
    assert server.problems() == {}
    two.default.key.write_bytes(key)


def test_a_file_that_vanished_and_came_back_is_no_problem_any_more(two: Two) -> None:
    server = ServerTls(two.default)
    aside = two.default.certificate.rename(two.default.certificate.with_suffix(".aside"))
    assert list(server.problems()) == [""]
    aside.rename(two.default.certificate)
    assert server.problems() == {}


def test_a_default_that_cannot_be_used_is_an_error_at_start(two: Two, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ServerTls(CertificateFiles(tmp_path / "none", tmp_path / "none"))
    with pytest.raises(ssl.SSLError):
        ServerTls(CertificateFiles(two.default.certificate, two.other.key))


def test_an_encrypted_key_is_refused_without_asking_a_terminal(two: Two) -> None:
    key = form.load_pem_private_key(two.default.key.read_bytes(), None)
    sealed = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret"))
    two.default.key.write_bytes(sealed)
    with pytest.raises(ValueError, match="encrypted"):
        ServerTls(two.default)


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["imap"], "imap"), (["pop3", "imap"], "imap"), ([], None), (["h2"], None)]
)
def test_alpn(two: Two, offered: list[str], chosen: str | None) -> None:
    server = ServerTls(two.default, named={"mail.example.net": two.other}, alpn=["imap"])
    for name in ("localhost", "mail.example.net"):
        connection = shake_hands(server.context(), client_context(verify=False, alpn=offered), name)
        assert connection.server.selected_alpn_protocol() == chosen
