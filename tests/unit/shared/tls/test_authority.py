"""The local authority: what it creates, that it creates it once, renews it in time, and never loses a key."""

import ssl
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from shared.clock import FixedClock
from shared.tls.authority import AuthorityError, LocalAuthority
from shared.tls.client import client_context
from shared.tls.issue import general_name, names_of
from shared.tls.server import ServerTls
from tests.unit.shared.tls.handshake import shake_hands

DAY = 86_400
ROOT = Path(__file__).resolve().parents[4]


def snapshot(authority: LocalAuthority) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in authority.certificate.parent.iterdir()}


def loaded(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in after if before.get(name) != after[name]}


def test_what_the_first_start_makes(authority: LocalAuthority) -> None:
    files = authority.ensure(["mail.example.org"])
    assert set(snapshot(authority)) == {"ca.pem", "ca.key", "server.pem", "server.key"}
    assert files == authority.server
    root, server = loaded(authority.certificate), loaded(files.certificate)
    assert isinstance(root.public_key(), ec.EllipticCurvePublicKey)
    assert root.not_valid_after_utc - root.not_valid_before_utc == timedelta(days=3651)
    assert names_of(server) == {general_name(name) for name in ("mail.example.org", "localhost", "127.0.0.1", "::1")}
    server.verify_directly_issued_by(root)


def test_only_the_owner_may_read(authority: LocalAuthority) -> None:
    authority.ensure(["mail.example.org"])
    folder = authority.certificate.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["mail.example.org", "localhost", "127.0.0.1", "::1"])
def test_a_strict_client_that_trusts_the_authority_is_content(authority: LocalAuthority, name: str) -> None:
    server = ServerTls(authority.ensure(["mail.example.org"]))
    client = client_context(authority.certificate)
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    assert shake_hands(server.context(), client, name).client.version() == "TLSv1.3"


def test_another_name_and_another_authority_are_refused(
    authority: LocalAuthority, tmp_path: Path, clock: FixedClock
) -> None:
    server = ServerTls(authority.ensure(["mail.example.org"]))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server.context(), client_context(authority.certificate), "other.example.org")
    other = LocalAuthority(tmp_path / "other", clock)
    other.ensure([])
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server.context(), client_context(other.certificate), "localhost")


def test_a_second_call_writes_nothing(authority: LocalAuthority, clock: FixedClock) -> None:
    authority.ensure(["mail.example.org"])
    before = snapshot(authority)
    clock.advance(300 * DAY)
    authority.ensure(["MAIL.example.org."])
    assert snapshot(authority) == before


def test_the_certificate_is_renewed_in_its_last_month_and_keys_are_kept(
    authority: LocalAuthority, clock: FixedClock
) -> None:
    authority.ensure(["mail.example.org"])
    before = snapshot(authority)
    clock.advance(368 * DAY)
    authority.ensure(["mail.example.org"])
    assert changed(before, snapshot(authority)) == {"server.pem"}
    assert loaded(authority.server.certificate).not_valid_after_utc.timestamp() * 1e6 > clock.now() + 390 * DAY * 1e6


def test_the_authority_is_renewed_in_its_last_month_with_the_same_key(
    authority: LocalAuthority, clock: FixedClock
) -> None:
    authority.ensure(["mail.example.org"])
    before = snapshot(authority)
    old_root = loaded(authority.certificate)
    clock.advance(3625 * DAY)
    authority.ensure(["mail.example.org"])
    assert changed(before, snapshot(authority)) == {"ca.pem", "server.pem"}
    assert loaded(authority.certificate).public_key() == old_root.public_key()
    loaded(authority.server.certificate).verify_directly_issued_by(old_root)


def test_a_server_certificate_never_outlives_its_authority(authority: LocalAuthority, clock: FixedClock) -> None:
    authority.ensure([])
    clock.advance(3500 * DAY)
    authority.ensure([])
    assert loaded(authority.server.certificate).not_valid_after_utc <= loaded(authority.certificate).not_valid_after_utc


def test_a_clock_that_was_wrong_is_forgiven(authority: LocalAuthority, clock: FixedClock) -> None:
    clock.advance(1000 * DAY)
    authority.ensure([])
    clock.advance(-1000 * DAY)
    server = ServerTls(authority.ensure([]))
    assert shake_hands(server.context(), client_context(authority.certificate)).client.version()


def test_a_new_host_name_makes_a_new_certificate_with_the_same_key(authority: LocalAuthority) -> None:
    authority.ensure(["mail.example.org"])
    before = snapshot(authority)
    authority.ensure(["post.example.org", "*.example.net", "bücher.example"])
    assert changed(before, snapshot(authority)) == {"server.pem"}
    expected = {"post.example.org", "*.example.net", "xn--bcher-kva.example"}
    assert names_of(loaded(authority.server.certificate)) >= {general_name(name) for name in expected}


@pytest.mark.parametrize("lost", ["ca.pem", "server.pem", "server.key", "ca.key"])
def test_what_was_lost_is_made_again_so_that_all_fits(authority: LocalAuthority, lost: str) -> None:
    authority.ensure([])
    (authority.certificate.parent / lost).unlink()
    server = ServerTls(authority.ensure([]))
    assert shake_hands(server.context(), client_context(authority.certificate)).client.version()


@pytest.mark.parametrize("name", ["ca.pem", "server.pem"])
def test_a_broken_certificate_is_made_again(authority: LocalAuthority, name: str) -> None:
    authority.ensure([])
    (authority.certificate.parent / name).write_bytes(b"-----BEGIN CERTIFICATE-----\ncut")
    server = ServerTls(authority.ensure([]))
    assert shake_hands(server.context(), client_context(authority.certificate)).client.version()


@pytest.mark.parametrize("name", ["ca.key", "server.key"])
def test_a_key_that_cannot_be_read_is_never_overwritten(authority: LocalAuthority, name: str) -> None:
    authority.ensure([])
    path = authority.certificate.parent / name
    path.write_bytes(b"not a key")
    with pytest.raises(AuthorityError, match=name):
        authority.ensure([])
    assert path.read_bytes() == b"not a key"


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "a b", "x" * 64 + ".org", "a/b", "-a.org", "mail\n.org", "a." * 200 + "org", "ex\x00.org"]
)
def test_what_is_no_host_name_is_refused(authority: LocalAuthority, name: str) -> None:
    with pytest.raises(ValueError, match="not a host name"):
        authority.ensure([name])


def test_a_folder_that_cannot_be_made(tmp_path: Path, clock: FixedClock) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AuthorityError):
        LocalAuthority(tmp_path / "file" / "tls", clock).ensure([])


STARTS = """
import sys
from pathlib import Path
from shared.clock import SystemClock
from shared.tls.authority import LocalAuthority
files = LocalAuthority(Path(sys.argv[1]), SystemClock()).ensure(["mail.example.org"])
print(files.certificate.read_text() + files.key.read_text())
"""


def test_processes_that_start_at_once_agree(authority: LocalAuthority) -> None:
    command = [sys.executable, "-c", STARTS, str(authority.certificate.parent)]
    starting = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({process.communicate()[0] for process in starting}) == 1
    server = ServerTls(authority.server)
    assert shake_hands(server.context(), client_context(authority.certificate), "mail.example.org").client.version()
