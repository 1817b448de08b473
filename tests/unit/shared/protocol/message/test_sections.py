"""IMAP sections (RFC 3501 §6.4.5) as ranges in prefix + body."""

from __future__ import annotations

import pytest

from shared.protocol.message.scan import Scan, scan
from shared.protocol.message.sections import section_range

PREFIX = b"Return-Path: <a@b>\r\nReceived: here\r\n"
INNER = (
    b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nX: "
    b"1\r\n\r\none\r\n--i\r\n\r\ntwo\r\n--i--\r\n"
)
OUTER = (
    b"Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\npreamble\r\n"
    b"--o\r\nContent-Type: text/plain\r\n\r\ntext\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: simple\r\n\r\nsimple body\r\n"
    b"--o--\r\n"
)


def section(data: bytes, result: Scan, number: tuple[int, ...], text: str = "") -> bytes | None:
    where = section_range(result, len(PREFIX), number, text)
    return None if where is None else (PREFIX + data)[where.start : where.stop]


@pytest.mark.parametrize(
    ("number", "text", "expected"),
    [
        ((), "", PREFIX + OUTER),
        ((), "HEADER", PREFIX + OUTER[: OUTER.index(b"preamble")]),
        ((), "HEADER.FIELDS", PREFIX + OUTER[: OUTER.index(b"preamble")]),
        ((), "TEXT", OUTER[OUTER.index(b"preamble") :]),
        ((), "MIME", None),
        ((1,), "", b"text"),
        ((1,), "MIME", b"Content-Type: text/plain\r\n\r\n"),
        ((1,), "HEADER", None),
        ((1,), "TEXT", None),
        ((1, 1), "", None),
        ((2,), "", INNER),
        ((2,), "MIME", b"Content-Type: message/rfc822\r\n\r\n"),
        ((2,), "HEADER", INNER[: INNER.index(b"--i")]),
        ((2,), "HEADER.FIELDS.NOT", INNER[: INNER.index(b"--i")]),
        ((2,), "TEXT", INNER[INNER.index(b"--i") :]),
        ((2, 1), "", b"one"),
        ((2, 1), "MIME", b"X: 1\r\n\r\n"),
        ((2, 2), "", b"two"),
        ((2, 2), "MIME", b"\r\n"),
        ((2, 3), "", None),
        ((3,), "TEXT", b"simple body"),
        ((3,), "HEADER", b"Subject: simple\r\n\r\n"),
        ((3, 1), "", b"simple body"),
        ((3, 1), "MIME", b"Subject: simple\r\n\r\n"),
        ((4,), "", None),
        ((0,), "", None),
    ],
)
def test_sections(number: tuple[int, ...], text: str, expected: bytes | None) -> None:
    assert section(OUTER, scan(OUTER), number, text) == expected


def test_the_only_part_is_part_one() -> None:
    data = b"Subject: x\r\n\r\nhello"
    scanned = scan(data)
    assert section(data, scanned, (1,)) == b"hello"
    assert section(data, scanned, (1,), "MIME") == PREFIX + b"Subject: x\r\n\r\n"
    assert section(data, scanned, (2,)) is None
    assert section(data, scanned, (1, 1)) is None


def test_message_at_the_top() -> None:
    data = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nhello"
    scanned = scan(data)
    assert section(data, scanned, (1,)) == b"Subject: in\r\n\r\nhello"
    assert section(data, scanned, (1,), "HEADER") == b"Subject: in\r\n\r\n"
    assert section(data, scanned, (1, 1)) == b"hello"


def test_message_without_header_still_has_its_prefix() -> None:
    data = b"\r\nonly body"
    assert section(data, scan(data), (), "HEADER") == PREFIX + b"\r\n"
    assert section(data, scan(data), (), "TEXT") == b"only body"


@pytest.mark.parametrize("data", [b"", b"Subject: x", OUTER, OUTER[:200], OUTER.replace(b"\r\n", b"\n")])
def test_header_and_text_make_the_message(data: bytes) -> None:
    scanned = scan(data)
    header, text = section(data, scanned, (), "HEADER"), section(data, scanned, (), "TEXT")
    assert header is not None and text is not None
    assert header + text == PREFIX + data
