"""Linear, and quick: hostile and large messages in CPU seconds, with a wide margin for slow machines."""

from __future__ import annotations

import time

import pytest

from shared.protocol.message.scan import Scan, Scanner, encode_scan, scan

MEGABYTE = 1 << 20
_MIXED = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"


def cpu_of(data: bytes) -> tuple[float, Scan]:
    start = time.process_time()
    scanned = scan(data)
    return time.process_time() - start, scanned


def test_large_attachment() -> None:
    data = (
        _MIXED
        + b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + (b"A" * 76 + b"\r\n") * (25 * MEGABYTE // 78)
        + b"--x--\r\n"
    )
    seconds, result = cpu_of(data)
    assert result.parts[1].lines == 25 * MEGABYTE // 78 - 1
    assert seconds < 0.25, "less than 100 MB/s"


HOSTILE = {
    "near delimiters": _MIXED + b"\n--" * (8 * MEGABYTE),
    "nearer delimiters": b"Content-Type: multipart/mixed; boundary=xxxxxxxxxx\r\n\r\n"
    + b"\n--xxxxxxxxxx-" * (MEGABYTE),
    "nothing but delimiters": _MIXED + b"--x\r\n" * (5 * MEGABYTE),
    "delimiters before a far blank line": _MIXED + b"--x\r\nX: y\r\n" * (2 * MEGABYTE) + b"\r\n",
    "one header line": b"X" * (25 * MEGABYTE),
    "headers": b"X: y\r\n" * (4 * MEGABYTE),
    "line feeds": b"\n" * (25 * MEGABYTE),
    "spaces after a delimiter": _MIXED + b"--x" + b" " * (25 * MEGABYTE),
    "open comments": b"From: " + b"(" * MEGABYTE,
    "quotes": b"From: " + b'"' * MEGABYTE,
    "backslashes": b'From: "' + b"\\" * MEGABYTE,
    "at signs": b"From: " + b"@" * MEGABYTE,
    "commas": b"From: " + b"a," * MEGABYTE,
    "white space": b"From: " + b" " * MEGABYTE + b"x",
    "parameters": b"Content-Type: text/plain" + b";a=b" * MEGABYTE,
    "parameter sections": b"Content-Type: text/plain" + b"".join(b";a*%d=b" % number for number in range(100_000)),
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * (MEGABYTE // 4),
    "half encoded words": b"Subject: " + b"=?a?q" * (MEGABYTE // 4),
    "references": b"References: " + b"<a@b>" * MEGABYTE,
    "open angles": b"References: " + b"<" * MEGABYTE,
    "date": b"Date: " + b"1 " * MEGABYTE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_cost_little(name: str) -> None:
    seconds, result = cpu_of(HOSTILE[name])
    assert seconds < 2
    assert len(encode_scan(result)) < 8 * MEGABYTE


def test_deep_boundaries_with_near_delimiters() -> None:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(90)
    )
    seconds, result = cpu_of(head + b"\r\n" + b"\n--b" * (2 * MEGABYTE))
    assert len(result.parts) == 91
    assert seconds < 3


def test_a_byte_at_a_time() -> None:
    data = _MIXED + b"--x\r\n\r\n" + b"line of text\r\n" * 20_000
    scanner = Scanner()
    start = time.process_time()
    for at in range(len(data)):
        scanner.feed(data[at : at + 1])
    result = scanner.finish()
    assert time.process_time() - start < 2
    assert result == scan(data)
