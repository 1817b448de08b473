"""Clients that are broken, slow, or harmful."""

from __future__ import annotations

import contextlib
import imaplib
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.mails import MAIL, PARCEL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer

Connect = Callable[..., ImapClient]


def everything(client: ImapClient) -> list[bytes]:
    """All data until the connection ends, in whatever way it ends."""
    lines = []
    try:
        while line := client.line():
            lines.append(line)
    except OSError:
        pass
    return lines


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096


def test_endless_line_of_a_stranger(connect: Connect) -> None:
    client = connect("")
    with pytest.raises(OSError):
        for _ in range(1000):
            client.send(b"x" * 65536)


def test_endless_literal_of_a_stranger(connect: Connect) -> None:
    client = connect("")
    client.send(b"1 LOGIN {4000000000+}\r\n")
    assert everything(client)[-1].startswith(b"* BYE")


def test_rubbish(connect: Connect) -> None:
    client = connect("")
    client.send(bytes(range(256)) * 8 + b"\r\n" + b"\r\n" * 50 + b"ok NOOP\r\n")
    while (line := client.line()) != b"ok OK NOOP completed":
        assert line.startswith(b"* BAD"), line


def test_half_a_handshake_does_not_keep_others_waiting(server: ImapServer, connect: Connect) -> None:
    stuck = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    connect().ok("NOOP")
    for item in stuck:
        item.close()


def test_old_tls_is_refused(server: ImapServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", server.port)) as plain:
        context.wrap_socket(plain)


def test_plaintext_on_the_tls_port(server: ImapServer, connect: Connect) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as plain:
        plain.sendall(b"1 CAPABILITY\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"OK" not in plain.recv(100)
    connect().ok("NOOP")


def test_hundreds_of_pipelined_commands(connect: Connect) -> None:
    client, other = connect(), connect()
    client.send(b"".join(b"p%d NOOP\r\n" % n for n in range(5000)))
    other.ok("NOOP")
    for number in range(5000):
        assert client.line() == b"p%d OK NOOP completed" % number


def test_a_client_that_does_not_read(connect: Connect) -> None:
    """Output waits for the client: memory stays bounded, other sessions are served, and nothing is lost."""
    client, other = connect(), connect()
    client.append(MAIL + b"x" * 3_000_000)
    client.ok("SELECT INBOX")
    before = resident_bytes()
    tags = [client.begin("FETCH 1 BODY.PEEK[]") for _ in range(30)]
    for _ in range(20):
        other.ok("STATUS INBOX (MESSAGES)")
    assert resident_bytes() - before < 40_000_000
    for tag in tags:
        answer, reported = client.finish(tag)
        assert answer.startswith(b"OK")
        assert len(reported[0]) > 3_000_000


def test_a_client_that_vanishes_in_the_middle(server: ImapServer, connect: Connect) -> None:
    for command in (b"1 APPEND INBOX {100000+}\r\nhalf", b"1 IDLE\r\n", b"1 LIST", b""):
        client = connect()
        client.send(command)
        client.close()
    while report(server)["connections"]:
        time.sleep(0.01)


def report(server: ImapServer) -> dict[str, int]:
    from services.access.app import Access

    app = server.app("access")
    assert isinstance(app, Access)
    return dict(server.run(app.report()).counts)


def test_deep_mime(connect: Connect) -> None:
    """500 levels of multipart, and 500 of message/rfc822."""
    depth = 500
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    inside = b"Content-Type: message/rfc822\r\n\r\n" * depth
    client = connect()
    for body in (b"Subject: deep\r\n" + nested + b"\r\nend\r\n", b"Subject: deep\r\n" + inside + b"\r\nend\r\n"):
        client.append(body)
    client.ok("SELECT INBOX")
    reported = client.ok("FETCH 1:* (BODYSTRUCTURE ENVELOPE BODY)")
    assert len(reported) == 2
    path = ".".join(["1"] * 60)
    assert client.ok(f"FETCH 1 (BODY.PEEK[{path}] BODY.PEEK[{path}.MIME])")


@pytest.mark.parametrize("name", ["&ww-", "&", "&AAA-", "&2AA-", '"\\"', '"a\x7f"', "{3+}\r\n\xff\xfe\x00"])
def test_names_that_cannot_be(connect: Connect, name: str) -> None:
    client = connect()
    for verb in ("SELECT", "CREATE", "STATUS", "DELETE", "SUBSCRIBE"):
        tail = " (MESSAGES)" if verb == "STATUS" else ""
        client.send(b"x " + verb.encode() + b" " + name.encode("latin-1") + tail.encode() + b"\r\n")
        while not (line := client.line()).startswith((b"x NO", b"x BAD")):
            assert line.startswith((b"* BAD", b"* NO")), line
    client.ok("NOOP")


def test_too_many_sessions_of_one_account(connect: Connect, server: ImapServer, user: str) -> None:
    clients = [connect() for _ in range(100)]
    another = connect("")
    assert another.ask(f'LOGIN {user}@example.org "{PASSWORD}"')[0].startswith(b"NO [LIMIT]")
    clients[0].ok("LOGOUT")
    clients[0].line()
    another.ok(f'LOGIN {user}@example.org "{PASSWORD}"')


def test_the_standard_library_as_a_client(server: ImapServer, user: str) -> None:
    client = imaplib.IMAP4_SSL("localhost", server.port, ssl_context=server.client_context())
    client.login(f"{user}@example.org", PASSWORD)
    client.select()
    client.append("INBOX", "\\Flagged", imaplib.Time2Internaldate(1_700_000_000), PARCEL)
    assert client.search(None, "FLAGGED") == ("OK", [b"1"])
    _, response = client.fetch("1", "(UID RFC822)")
    assert isinstance(response[0], tuple)
    assert response[0][1] == PARCEL
    assert client.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
    assert client.expunge() == ("OK", [b"1"])
    client.logout()
