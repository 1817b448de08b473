"""Small messages for tests, with CRLF and with a distinct Message-ID for each."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

from loadtest.content.signing import signature_header

SELECTOR = "test"
_numbers = itertools.count(1)
MAIL = (
    b"From: Bob <bob@example.org>\r\nTo: Ann <ann@example.org>\r\nSubject: Tea\r\nDate: Sun, 22 Nov 2026 10:00:00 "
    b"+0000\r\n"
    b"Message-ID: <tea@example.org>\r\n\r\nWater is hot.\r\n"
)
PARCEL = (
    b"From: Carol <carol@example.org>\r\nTo: Ann <ann@example.org>\r\nSubject: "
    b"=?utf-8?q?P=C3=A4ckchen?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\npreamble\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    b"quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n"
    b"--b\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: "
    b"base64\r\n\r\nAAECAw==\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: dave@example.org\r\n\r\nInner text.\r\n"
    b"--b\r\nContent-Type: application/x-odd\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n--b--\r\n"
)


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A message to be sent, and the id by which it is found again."""

    message_id: str
    """The Message-ID without angle brackets."""
    data: bytes


def compose(
    author: str,
    to: str,
    *,
    subject: str = "a test",
    body: bytes = b"Hello,\r\nthis is a test.\r\n",
    fields: tuple[bytes, ...] = (),
    signed_by: str = "",
) -> RenderedMail:
    """Compose a message.

    `fields` are complete header lines without CRLF. `signed_by` is a domain with a key in the zone.
    """
    message_id = f"{os.getpid()}.{next(_numbers)}@tests.example"
    head = [
        (b"From", author.encode()),
        (b"To", to.encode()),
        (b"Subject", subject.encode()),
        (b"Date", b"Mon, 23 Nov 2026 10:00:00 +0000"),
        (b"Message-ID", b"<%s>" % message_id.encode()),
    ]
    if signed_by:
        head.insert(0, signature_header(head, body, signed_by, SELECTOR, 1_790_000_000))
    lines = [b"%s: %s" % (name, value) for name, value in head]
    return RenderedMail(message_id, b"\r\n".join([*fields, *lines, b"", body]))


def bytes_of(size: int) -> bytes:
    """A body of about this many octets, in lines."""
    line = b"All work and no play makes a dull test of the size of messages.\r\n"
    return line * (size // len(line) + 1)
