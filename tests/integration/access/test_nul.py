"""NUL octets are sent only in a literal8 (RFC 3501 §9, RFC 3516 §4.2)."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer

Connect = Callable[..., ImapClient]
MAIL = b'From: a\0b <c@example.org>\r\nContent-Type: text/plain; name="d\0e"\r\n\r\nf\0g\r\n'


def check(client: ImapClient, mail: bytes) -> None:
    client.ok("SELECT INBOX")
    shown = mail.replace(b"\0", b"\x80")
    for item in ("BODY[]", "RFC822", "BODY[HEADER]", "BODY[TEXT]", "BODY[1]", "BODY[HEADER.FIELDS (From)]", "FULL"):
        (line,) = client.ok(f"FETCH 1 ({item})" if item != "FULL" else "FETCH 1 FULL")
        assert b"\0" not in line, item
    (line,) = client.ok("FETCH 1 (RFC822.SIZE BODY.PEEK[])")
    assert line == b"* 1 FETCH (RFC822.SIZE %d BODY[] {%d}\r\n%b)" % (len(mail), len(mail), shown)
    client.send(b"n FETCH 1 BINARY.PEEK[]\r\n")
    assert client.line() == b"* 1 FETCH (BINARY[] ~{%d}\r\n%b)" % (len(mail), mail)
    assert client.line() == b"n OK FETCH completed"


def test_a_mail_with_nul_that_was_appended(connect: Connect) -> None:
    client = connect()
    client.send(b"n APPEND INBOX {%d+}\r\n%b\r\n" % (len(MAIL), MAIL))
    assert client.line().startswith(b"n BAD ")
    client.send(b"n APPEND INBOX ~{%d+}\r\n%b\r\n" % (len(MAIL), MAIL))
    assert client.line().startswith(b"n OK [APPENDUID ")
    check(client, MAIL)


def test_a_mail_with_nul_that_was_delivered(server: ImapServer, connect: Connect, user: str) -> None:
    client = connect()
    server.deliver(user, MAIL, prefix=b"Return-Path: <>\r\n")
    check(client, b"Return-Path: <>\r\n" + MAIL)
