"""Structures of mail that once cost much or could not be answered. All counts are octets, parts and mails."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
MEBIBYTE = 1 << 20


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """The recipient."""
    return server.people.person("ann")


def peak_octets(server: MailfoldServer) -> int:
    """The highest memory of all processes, summed."""
    report = server.report()
    assert report is not None
    texts = [Path(f"/proc/{process.pid}/status").read_text() for process in report.processes]
    return sum(int(re.findall(r"VmHWM:\s+(\d+) kB", text)[0]) for text in texts) * 1024


def received(server: MailfoldServer, person: Person, field: bytes, body: bytes) -> bytes:
    """Send through port 25 and check that the mail has arrived unchanged; returns its BODYSTRUCTURE."""
    sent = compose(SENDER, person.address, body=body, fields=(b"MIME-Version: 1.0", b"Content-Type: " + field))
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [person.address], sent.data).queue_id
    with server.imap(person) as imap:
        uid = imap.wait_for(sent.message_id)
        assert imap.fetch(uid).endswith(sent.data)
        return imap.attributes(uid, "BODYSTRUCTURE")


def deep(levels: int, length: int) -> tuple[bytes, bytes]:
    """Nested multiparts with long boundaries; after each opening and closing, lines that are nearly delimiters."""
    names = [b"%03d" % level + b"b" * length for level in range(levels)]
    near = b"--0\r\n" * 40
    opened = b"".join(
        near + b"--%b\r\nContent-Type: multipart/mixed; boundary=%b\r\n\r\n" % (outer, inner)
        for outer, inner in pairwise(names)
    )
    closed = b"".join(b"--%b--\r\n" % name + near for name in reversed(names))
    return b"multipart/mixed; boundary=" + names[0], opened + b"--%b\r\n\r\nthe end\r\n" % names[-1] + closed


@pytest.mark.parametrize("length", [60, 890])
def test_nested_multiparts_with_long_boundaries(server: MailfoldServer, ann: Person, length: int) -> None:
    """350 KB with 96 levels, from an unknown client.

    Before, port 25 was blocked for 38 s and 340 MB of memory remained; now all processes together grow by less than 64
    MiB.
    """
    before = peak_octets(server)
    structure = received(server, ann, *deep(96, length))
    assert structure.count(b'"mixed"') == 96
    assert b'"plain"' in structure
    assert peak_octets(server) - before < 64 * MEBIBYTE


EMPTY_PARTS = {
    "empty digest": (b"multipart/digest; boundary=b", b"--b\r\n--b--\r\n"),
    "digest of two": (b"multipart/digest; boundary=b", b"--b\r\n--b\r\n--b--\r\n"),
    "message without a body": (
        b"multipart/mixed; boundary=b",
        b"--b\r\n\r\nfirst\r\n--b\r\nContent-Type: message/rfc822\r\n--b--\r\n",
    ),
    "message in a digest": (b"multipart/digest; boundary=b", b"--b\r\nContent-Type: message/rfc822\r\n--b--\r\n"),
}


@pytest.mark.parametrize("name", EMPTY_PARTS)
def test_parts_that_end_with_their_header(server: MailfoldServer, ann: Person, name: str) -> None:
    """RFC 2046 §5.1.1: the blank line is optional.

    Before, SMTP answered 451 at each try, and APPEND ended with BYE.
    """
    field, body = EMPTY_PARTS[name]
    assert b'("message" "rfc822" NIL NIL NIL "7bit" 0 (' in received(server, ann, field, body)
    sent = compose(SENDER, ann.address, body=body, fields=(b"Content-Type: " + field,))
    with server.imap(ann) as imap:
        imap.append("INBOX", sent.data)
        assert imap.fetch(imap.wait_for(sent.message_id)) == sent.data


@pytest.mark.parametrize(
    "comment", [b"(" + b"\\(" * 60_000, b"(" * 100_000, b"()" * 60_000, b"(" + b"()" * 60_000, b"(a(" * 40_000]
)
def test_comments(server: MailfoldServer, ann: Person, comment: bytes) -> None:
    """120 kB of comments in every field that allows them are read once. Before, 40 kB blocked the server for 10 s."""
    fields = (b"Content-Disposition: attachment" + comment, b"Sender: " + comment)
    sent = compose(SENDER, ann.address, fields=(b"Content-Type: text/plain" + comment, *fields)[:2])
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [ann.address], sent.data).queue_id
    with server.imap(ann) as imap:
        assert imap.fetch(imap.wait_for(sent.message_id)).endswith(sent.data)
