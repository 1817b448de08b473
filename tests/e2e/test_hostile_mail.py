"""Messages that are hard to parse get a definite reply, and accepted ones are returned unchanged."""

from __future__ import annotations

import re

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
LEVELS = 500


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """Who receives."""
    return server.people.person("ann")


def nested(levels: int) -> tuple[bytes, bytes]:
    """The Content-Type field and the body of so many nested multiparts."""
    parts = [
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (level, level + 1) for level in range(levels)
    ]
    leaf = b"--b%d\r\nContent-Type: text/plain\r\n\r\nthe innermost\r\n" % levels
    ends = [b"--b%d--\r\n" % level for level in range(levels, -1, -1)]
    return b"Content-Type: multipart/mixed; boundary=b0", b"".join([*parts, leaf, *ends])


def deliver(server: MailfoldServer, person: Person, data: bytes, message_id: str) -> tuple[bytes, bytes]:
    """Send through port 25; returns what FETCH gives, with BODYSTRUCTURE and ENVELOPE."""
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [person.address], data).queue_id
    with server.imap(person) as imap:
        uid = imap.wait_for(message_id)
        return imap.fetch(uid), imap.attributes(uid, "BODYSTRUCTURE ENVELOPE")


def test_parts_five_hundred_levels_deep(server: MailfoldServer, ann: Person) -> None:
    content_type, body = nested(LEVELS)
    sent = compose(SENDER, ann.address, body=body, fields=(b"MIME-Version: 1.0", content_type))
    fetched, structure = deliver(server, ann, sent.data, sent.message_id)
    assert fetched.endswith(sent.data)
    assert b"BODYSTRUCTURE (" in structure and structure.count(b"(") == structure.count(b")") > 0


def test_eight_bit_header_and_invalid_utf8(server: MailfoldServer, ann: Person) -> None:
    odd = (b"Subject: gr\xfc\xdfe \xff\xfe", b"X-Odd: \x80\x81", b"From: \xe9ric <eric@honest.example>")
    sent = compose(SENDER, ann.address, body=b"\xff\xfe\xc3\x28 not UTF-8\r\n", fields=odd)
    fetched, structure = deliver(server, ann, sent.data, sent.message_id)
    assert fetched.endswith(sent.data)
    assert b"ENVELOPE (" in structure


def test_nul_is_content_like_any_other_octet(server: MailfoldServer, ann: Person) -> None:
    """It is accepted in header and body and kept in the blob unchanged, and offsets and sizes stay right."""
    odd = (b"Subject: a\0b", b"References: <a\0b@c.example> <d@e.example>", b"X-\0: y")
    first = compose(SENDER, ann.address, body=b"a\0b\r\n\0\r\nthe end\r\n", fields=odd)
    chunk = compose(SENDER, ann.address, body=b"\0the chunk\0")
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [ann.address], first.data).queue_id
        smtp.expect(250, f"MAIL FROM:<{SENDER}>".encode())
        smtp.expect(250, f"RCPT TO:<{ann.address}>".encode())
        smtp.write(b"BDAT %d LAST\r\n" % len(chunk.data) + chunk.data)
        assert smtp.reply().queue_id
    with server.imap(ann) as imap:
        for sent in (first, chunk):
            uid = imap.wait_for(sent.message_id)
            fetched, attributes = imap.fetch(uid), imap.attributes(uid, "RFC822.SIZE ENVELOPE BODYSTRUCTURE")
            assert len(fetched) == int(re.findall(rb"RFC822.SIZE (\d+)", attributes)[0])
            assert fetched.endswith(sent.data.replace(b"\0", b"\x80"))  # RFC 3501 §9: no NUL in a literal


def test_no_mail_is_smuggled(server: MailfoldServer, ann: Person) -> None:
    trick = (
        b"\r\n\n.\nMAIL FROM:<carl@honest.example>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: smuggled\r\n\r\n"
        % ann.address.encode()
    )
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address], compose(SENDER, ann.address, body=trick).data)
    server.settled()
    with server.imap(ann) as imap:
        imap.select()
        assert imap.uids("SUBJECT", "smuggled") == []


@pytest.mark.parametrize("length", [70_000, 900_000])
def test_endless_header_lines(server: MailfoldServer, ann: Person, length: int) -> None:
    """Up to `ingress.max_header_bytes` (256 KiB) they are accepted; above it the reply says what is too large."""
    sent = compose(SENDER, ann.address)
    with server.smtp() as smtp:
        answer = smtp.send(SENDER, [ann.address], b"X-Long: " + b"x" * length + b"\r\n" + sent.data)
        assert answer.code == (250 if length < 262_144 else 552), answer
        if answer.code == 552:
            assert answer.text.startswith("5.3.4 The message header is larger than 262144 octets"), answer
            assert answer.reference, answer
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [ann.address], compose(SENDER, ann.address).data).queue_id
