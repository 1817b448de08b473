"""SCRAM, tokens and client certificates in IMAP, POP3 and ManageSieve, over TLS with the real directory."""

from __future__ import annotations

import base64
import binascii
import imaplib
import json
import poplib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.directory.app import build as build_directory
from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.scram import ScramClient
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from tests.dialogs.runner import play
from tests.dialogs.script import read_script, scripts
from tests.harness.managesieve import ManageSieve
from tests.harness.waiting import until
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.interop.program import run
from tests.parts import authority
from tests.parts.clients import CURL, GSASL
from tests.parts.issuer import Issuer
from tests.parts.nats import NatsServer
from tests.parts.required import needs

ANN = "ann@example.org"
DIALOGS = Path(__file__).parents[2] / "dialogs" / "imap-mechanisms"
OTHERS = ("SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")) as started:
        yield started


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> authority.Issued:
    """The authority of clients."""
    return authority.root("Clients")


@pytest.fixture(scope="module")
def server(
    bus_server: NatsServer, tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, clients: authority.Issued
) -> Iterator[ImapServer]:
    """Access, the mailbox store and the directory, which trusts an issuer and an authority."""
    folder = tmp_path_factory.mktemp("mechanisms")
    settings = {
        **issuer.settings,
        "oidc.timeout": "2",
        "server.client_authorities": str(clients.write(folder / "clients.pem")),
        "directory.pop3": "true",
        "pop3.listen": "true",
        "access.listen_starttls": "true",
    }
    with ImapServer(folder / "data", bus_server.url, settings, build_directory) as started:
        started.directory("AddDomain", pb.AddDomainRequest(name="example.org", incoming=True))
        for name in ("ann", "bob"):
            started.directory("AddUser", pb.AddUserRequest(name=name, password=PASSWORD))
            started.directory("AddAccount", pb.AddAccountRequest(address=f"{name}@example.org", user=name))
        until(lambda: b"AUTH=SCRAM-SHA-256" in ImapClient(started, "").greeting, "SCRAM to be offered")
        yield started


def imap(server: ImapServer, context: ssl.SSLContext | None = None) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL("localhost", server.port, ssl_context=context or server.client_context())


def scram(password: str = PASSWORD, name: str = ANN) -> Callable[[bytes], bytes]:
    """Answers challenges as a client of SCRAM."""
    client = ScramClient(
        ClientCredentials(name=name, password=password, scram_nonce="a nonce of a client".replace(" ", ""))
    )
    return lambda challenge: client.respond(challenge) if challenge else client.begin() or b""


def bearer(token: str) -> bytes:
    return f"n,a={ANN},\x01auth=Bearer {token}\x01\x01".encode()


def xoauth2(token: str) -> bytes:
    return f"user={ANN}\x01auth=Bearer {token}\x01\x01".encode()


def certificate(server: ImapServer, folder: Path, issuer: authority.Issued | None, *addresses: str) -> ssl.SSLContext:
    """A client context that shows a certificate."""
    context = server.client_context()
    context.load_cert_chain(authority.client(issuer, *addresses).write(folder / "client.pem"))
    return context


def test_what_is_announced(server: ImapServer) -> None:
    greeting = ImapClient(server, "").greeting.decode()
    assert [f"AUTH={name}" in greeting for name in OTHERS] == [True] * 3
    assert "AUTH=EXTERNAL" not in greeting and "-PLUS" not in greeting
    sieve = ManageSieve(server.managesieve_port, server.client_context())
    assert any(all(name.encode() in line for name in OTHERS) for line in sieve.capabilities if b"SASL" in line)
    sieve.close()
    pop = poplib.POP3_SSL("localhost", server.pop3s_port, context=server.client_context())
    assert set(OTHERS) < set(pop.capa()["SASL"])
    pop.quit()


def test_scram_in_imap(server: ImapServer) -> None:
    with imap(server) as client:
        assert client.authenticate("SCRAM-SHA-256", scram())[0] == "OK"
        assert client.select()[0] == "OK"
    with imap(server) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.authenticate("SCRAM-SHA-256", scram("wrong"))
        assert client.authenticate("SCRAM-SHA-256", scram())[0] == "OK"


def test_a_proof_that_is_cut_or_cancelled(server: ImapServer) -> None:
    client = ImapClient(server, "")
    for line in ("*", "=", "bm90IHNjcmFt", "!"):
        client.begin("AUTHENTICATE SCRAM-SHA-256")
        assert client.line() == b"+ "
        client.send(line.encode() + b"\r\n")
        assert client.line().split()[1] == b"BAD"
    client.ok("NOOP")


def test_tokens_in_imap(server: ImapServer, issuer: Issuer) -> None:
    for mechanism, message in (("OAUTHBEARER", bearer), ("XOAUTH2", xoauth2)):
        with imap(server) as client:
            sent = message(issuer.token(ANN))
            assert client.authenticate(mechanism, lambda _, sent=sent: sent)[0] == "OK"  # type: ignore[misc]
        initial = base64.b64encode(message(issuer.token(ANN, padding="x" * 4000))).decode()
        ImapClient(server, "").ok(f"AUTHENTICATE {mechanism} {initial}")


@pytest.mark.parametrize("reply", [b"AQ==", b"", b"*", b"nonsense", b"="])
@pytest.mark.parametrize("is_initial", [True, False])
def test_a_refused_token_takes_one_more_reply(
    server: ImapServer, issuer: Issuer, reply: bytes, is_initial: bool
) -> None:
    client = ImapClient(server, "")
    message = base64.b64encode(xoauth2(issuer.token(ANN, aud="calendar")))
    command = "AUTHENTICATE XOAUTH2"
    tag = client.begin(f"{command} {message.decode()}" if is_initial else command)
    if not is_initial:
        assert client.line() == b"+ "
        client.send(message + b"\r\n")
    challenge = client.line()
    assert challenge.startswith(b"+ ")
    assert json.loads(base64.b64decode(challenge[2:]))["status"] == "401"
    client.send(reply + b"\r\n")
    assert client.finish(tag)[0].startswith(b"NO [AUTHENTICATIONFAILED]")
    client.ok("NOOP")


def test_an_issuer_that_is_away(server: ImapServer, issuer: Issuer) -> None:
    with imap(server) as client:
        client.authenticate("XOAUTH2", lambda _: xoauth2(issuer.token(ANN)))
    issuer.rotate("unknown")
    issuer.answer = (503, {}, b"")
    directory: Any = server.app("directory")
    keys = directory._proven.issuer._keys
    keys._tried_at = None
    try:
        client = ImapClient(server, "")
        message = base64.b64encode(xoauth2(issuer.token(ANN))).decode()
        answer, _ = client.ask(f"AUTHENTICATE XOAUTH2 {message}")
        assert answer == b"NO [UNAVAILABLE] Tokens cannot be checked now; try again later"
    finally:
        issuer.answer = None
        keys._tried_at = None
    with imap(server) as again:
        assert again.authenticate("XOAUTH2", lambda _: xoauth2(issuer.token(ANN)))[0] == "OK"


def test_a_certificate_in_imap(server: ImapServer, clients: authority.Issued, tmp_path: Path) -> None:
    with imap(server, certificate(server, tmp_path, clients, ANN)) as client:
        assert "AUTH=EXTERNAL" in client.capabilities
        assert client.authenticate("EXTERNAL", lambda _: b"")[0] == "OK"
    with imap(server, certificate(server, tmp_path, clients, ANN)) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.authenticate("EXTERNAL", lambda _: b"bob@example.org")
        assert client.authenticate("EXTERNAL", lambda _: ANN.encode())[0] == "OK"


def test_a_certificate_that_names_nobody(server: ImapServer, clients: authority.Issued, tmp_path: Path) -> None:
    with imap(server, certificate(server, tmp_path, clients)) as client:
        for name in (b"", ANN.encode()):
            with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
                client.authenticate("EXTERNAL", lambda _, name=name: name)  # type: ignore[misc]


def test_certificates_of_strangers(server: ImapServer, tmp_path: Path) -> None:
    for issued_by in (authority.root("Strangers"), None):
        with pytest.raises((ssl.SSLError, OSError, imaplib.IMAP4.error)):
            imap(server, certificate(server, tmp_path, issued_by, ANN)).noop()
    with imap(server) as client, pytest.raises(imaplib.IMAP4.error, match="CANNOT"):
        client.authenticate("EXTERNAL", lambda _: ANN.encode())


def pop_exchange(
    server: ImapServer, mechanism: str, answers: Callable[[bytes], bytes], context: ssl.SSLContext
) -> bytes:
    """The last line of an exchange of POP3."""
    plain = socket.create_connection(("localhost", server.pop3s_port), 10)
    with context.wrap_socket(plain, server_hostname="localhost") as wire, wire.makefile("rb") as lines:
        lines.readline()
        wire.sendall(f"AUTH {mechanism}\r\n".encode())
        while (line := lines.readline()).startswith(b"+ "):
            wire.sendall(base64.b64encode(answers(base64.b64decode(line[2:]))) + b"\r\n")
        return line


def test_every_mechanism_in_pop3(server: ImapServer, issuer: Issuer, clients: authority.Issued, tmp_path: Path) -> None:
    context = certificate(server, tmp_path, clients, ANN)
    token = issuer.token(ANN)
    assert pop_exchange(server, "SCRAM-SHA-256", scram(), context).startswith(b"+OK")
    assert pop_exchange(server, "SCRAM-SHA-256", scram("wrong"), context).startswith(b"-ERR [AUTH]")
    assert pop_exchange(server, "OAUTHBEARER", lambda _: bearer(token), context).startswith(b"+OK")
    assert pop_exchange(server, "XOAUTH2", lambda _: xoauth2(token), context).startswith(b"+OK")
    assert pop_exchange(server, "EXTERNAL", lambda _: b"", context).startswith(b"+OK")


def sieve_exchange(
    server: ImapServer, mechanism: str, answers: Callable[[bytes], bytes], context: ssl.SSLContext
) -> bytes:
    """The last line of an exchange of ManageSieve."""
    with ManageSieve(server.managesieve_port, context) as sieve:
        sieve.send(f'AUTHENTICATE "{mechanism}"\r\n'.encode())
        while (line := sieve.line()).startswith((b'"', b"{")):
            text = line.split(b"\r\n", 1)[1] if line.startswith(b"{") else line.strip(b'"')
            answer = base64.b64encode(answers(base64.b64decode(text)))
            sieve.send(b"{%d+}\r\n%b\r\n" % (len(answer), answer))
        return line


def test_every_mechanism_in_managesieve(
    server: ImapServer, issuer: Issuer, clients: authority.Issued, tmp_path: Path
) -> None:
    context = certificate(server, tmp_path, clients, ANN)
    token = issuer.token(ANN)
    assert sieve_exchange(server, "SCRAM-SHA-256", scram(), context).startswith(b"OK")
    assert sieve_exchange(server, "SCRAM-SHA-256", scram("wrong"), context).startswith(b"NO")
    assert sieve_exchange(server, "OAUTHBEARER", lambda _: bearer(token), context).startswith(b"OK")
    assert (
        sieve_exchange(server, "OAUTHBEARER", lambda asked: b"\x01" if asked else bearer("x.y.z"), context)[:2] == b"NO"
    )
    assert sieve_exchange(server, "XOAUTH2", lambda _: xoauth2(token), context).startswith(b"OK")
    assert sieve_exchange(server, "EXTERNAL", lambda _: b"", context).startswith(b"OK")


def test_independent_clients(server: ImapServer, issuer: Issuer, clients: authority.Issued, tmp_path: Path) -> None:
    needs(GSASL)
    needs(CURL)
    trust = str(server.places.tls / "ca.pem")
    gsasl = ("--imap", "--connect", f"localhost:{server.imap_port}", "--x509-ca-file", trust, "--starttls", "--no-cb")
    log_in = ("--mechanism", "SCRAM-SHA-256", "--authentication-id", ANN, "--password", PASSWORD)
    assert "OK" in run(GSASL, *gsasl, *log_in)
    key = str(authority.client(clients, ANN).write(tmp_path / "gsasl.pem"))
    shown = ("--x509-cert-file", key, "--x509-key-file", key, "--mechanism", "EXTERNAL", "--authorization-id", ANN)
    assert "OK" in run(GSASL, *gsasl, *shown)
    url = f"imaps://localhost:{server.port}/"
    quiet = ("--silent", "--show-error", "--cacert", trust)
    for option in ("AUTH=OAUTHBEARER", "AUTH=XOAUTH2"):
        token = ("--oauth2-bearer", issuer.token(ANN), "--login-options", option)
        assert "INBOX" in run(CURL, *quiet, url, "--user", f"{ANN}:", *token)
        pop = f"pop3s://localhost:{server.pop3s_port}/"
        run(CURL, *quiet, pop, "--user", f"{ANN}:", *token)


def test_a_flood_of_large_tokens(server: ImapServer) -> None:
    client = ImapClient(server, "")
    for length in (8_000, 12_000, 30_000, 60_000):
        answer, _ = client.ask(f"AUTHENTICATE XOAUTH2 {'A' * length}")
        assert answer.startswith((b"BAD", b"NO"))
    with pytest.raises((binascii.Error, imaplib.IMAP4.error)):
        imap(server).authenticate("OAUTHBEARER", lambda _: b"n,," + b"\x01" * 9_000)


@pytest.mark.parametrize("path", scripts(DIALOGS), ids=lambda path: path.stem)
async def test_dialog(
    server: ImapServer, issuer: Issuer, clients: authority.Issued, tmp_path: Path, path: Path
) -> None:
    valid, refused = issuer.token(ANN), issuer.token(ANN, aud="calendar")
    messages = {
        "bearer": bearer(valid),
        "refused_bearer": bearer(refused),
        "xoauth2": xoauth2(valid),
        "refused_xoauth2": xoauth2(refused),
        "plain": f"\0{ANN}\0{PASSWORD}".encode(),
        "client_first": f"n,,n={ANN},r=rOprNGfwEbeRWgbNEkqO".encode(),
        "no_proof": b"c=biws,r=rOprNGfwEbeRWgbNEkqO,p=AAAA",
    }
    values = {name: base64.b64encode(message).decode() for name, message in messages.items()}
    tls = certificate(server, tmp_path, clients, ANN) if path.stem == "external" else server.client_context()
    await play(read_script(path, values), lambda _: ("127.0.0.1", server.port), tls=tls)
