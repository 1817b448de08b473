"""Hostile and large messages cost work that only grows with their size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.protocol.message.scan import Scan, Scanner, encode_scan, scan
from tests.harness.work import assert_cost_grows_with_size, assert_lines_grow_with_size, lines_run

MEGABYTE = 1 << 20
_MIXED = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"


def test_large_attachment() -> None:
    data = (
        _MIXED
        + b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + (b"A" * 76 + b"\r\n") * (25 * MEGABYTE // 78)
        + b"--x--\r\n"
    )
    assert scan(data).parts[1].lines == 25 * MEGABYTE // 78 - 1
    assert lines_run(lambda: scan(data)) < 25 * MEGABYTE // 78 // 10, "lines of an attachment are looked at singly"


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "near delimiters": lambda size: _MIXED + b"\n--" * size,
    "nearer delimiters": lambda size: (
        b"Content-Type: multipart/mixed; boundary=xxxxxxxxxx\r\n\r\n" + b"\n--xxxxxxxxxx-" * size
    ),
    "nothing but delimiters": lambda size: _MIXED + b"--x\r\n" * size,
    "delimiters before a far blank line": lambda size: _MIXED + b"--x\r\nX: y\r\n" * size + b"\r\n",
    "one header line": lambda size: b"X" * size,
    "headers": lambda size: b"X: y\r\n" * size,
    "line feeds": lambda size: b"\n" * size,
    "spaces after a delimiter": lambda size: _MIXED + b"--x" + b" " * size,
    "open comments": lambda size: b"From: " + b"(" * size,
    "quotes": lambda size: b"From: " + b'"' * size,
    "backslashes": lambda size: b'From: "' + b"\\" * size,
    "at signs": lambda size: b"From: " + b"@" * size,
    "commas": lambda size: b"From: " + b"a," * size,
    "white space": lambda size: b"From: " + b" " * size + b"x",
    "parameters": lambda size: b"Content-Type: text/plain" + b";a=b" * size,
    "parameter sections": lambda size: (
        b"Content-Type: text/plain" + b"".join(b";a*%d=b" % number for number in range(size // 10))
    ),
    "encoded words": lambda size: b"Subject: " + b"=?utf-8?q?a?= " * (size // 4),
    "half encoded words": lambda size: b"Subject: " + b"=?a?q" * (size // 4),
    "references": lambda size: b"References: " + b"<a@b>" * size,
    "open angles": lambda size: b"References: " + b"<" * size,
    "date": lambda size: b"Date: " + b"1 " * size,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_cost_of_hostile_messages_grows_with_their_size(name: str) -> None:
    message = HOSTILE[name]
    assert len(encode_scan(scan(message(MEGABYTE)))) < 8 * MEGABYTE
    assert_cost_grows_with_size(lambda size: scan(message(size)), MEGABYTE)


def deep_boundaries(size: int) -> bytes:
    """Ninety open multiparts, and lines that look like their delimiters."""
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(90)
    )
    return head + b"\r\n" + b"\n--b" * size


def test_deep_boundaries_with_near_delimiters() -> None:
    assert len(scan(deep_boundaries(MEGABYTE)).parts) == 91
    assert_cost_grows_with_size(lambda size: scan(deep_boundaries(size)), MEGABYTE)


def feed_single_bytes(data: bytes) -> Scan:
    """The scan of a message that arrives octet by octet."""
    scanner = Scanner()
    for at in range(len(data)):
        scanner.feed(data[at : at + 1])
    return scanner.finish()


def test_a_byte_at_a_time() -> None:
    def mail(lines: int) -> bytes:
        return _MIXED + b"--x\r\n\r\n" + b"line of text\r\n" * lines

    assert feed_single_bytes(mail(20_000)) == scan(mail(20_000))
    assert_lines_grow_with_size(lambda lines: feed_single_bytes(mail(lines)), 250)
    assert_cost_grows_with_size(lambda lines: feed_single_bytes(mail(lines)), 10_000)
