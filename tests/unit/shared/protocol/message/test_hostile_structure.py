"""Structures that once cost much or broke the scanner: each gives a scan, with work and memory in proportion to its
size."""

from __future__ import annotations

import itertools
import re
import tracemalloc
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.message import delimiter, finder, tree
from shared.protocol.message.delimiter import Delimiters
from shared.protocol.message.finder import ScanLimits
from shared.protocol.message.scan import Scan, Scanner, scan
from tests.unit.shared.protocol.message.consistency import check
from tests.unit.shared.protocol.message.test_any_bytes import in_cuts


def deep(levels: int, length: int) -> bytes:
    """Nested multiparts, each with a long boundary of its own."""
    names = [b"%03d" % level + b"b" * length for level in range(levels)]
    return b"".join(b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n" % (name, name) for name in names)


def closed(levels: int, length: int) -> bytes:
    """Their closing delimiters, each followed by lines that are nearly delimiters."""
    names = [b"%03d" % level + b"b" * length for level in reversed(range(levels))]
    return b"\r\n" + b"".join(b"--%b--\r\n" % name + b"--0\r\n" * 40 for name in names)


DEEP = deep(96, 890) + closed(96, 890)


def test_no_pattern_is_made_of_a_boundary(monkeypatch: pytest.MonkeyPatch) -> None:
    """350 KB of nested multiparts with long boundaries took 38 s and 340 MB, because each opening and closing made a
    pattern."""

    def refuse(*arguments: Any) -> Any:
        raise AssertionError(f"a pattern is made: {arguments[0]!r:.80}")

    monkeypatch.setattr(re, "compile", refuse)
    result = Scanner()
    result.feed(DEEP)
    assert len(result.finish().parts) == 97
    assert result.failure is None


def test_memory_is_that_of_the_message() -> None:
    tracemalloc.start()
    try:
        scan(DEEP)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(DEEP)


class Counted(Delimiters):
    """Counts the look-ups."""

    lookups = 0

    def _meaning(self, line: bytes) -> tuple[int, bool] | None:
        Counted.lookups += 1
        return super()._meaning(line)


@pytest.mark.parametrize("levels", [2, 30, 96])
def test_work_for_a_line_does_not_grow_with_the_open_boundaries(levels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most four look-ups for a line that may be a delimiter, however many multiparts are open."""
    monkeypatch.setattr(finder, "Delimiters", Counted)
    Counted.lookups = 0
    lines = 10_000
    scanned = scan(deep(levels, 20) + b"\r\n" + b"--0x\r\n" * lines)
    assert len(scanned.parts) == levels + 1
    assert 0 < Counted.lookups <= 4 * (lines + 2 * levels)


def test_a_blank_line_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand parts without a blank line in 64 KiB: not a thousand searches to the end."""
    searches = Counter[str]()

    class Pattern:
        def search(self, data: bytes, at: int) -> re.Match[bytes] | None:
            searches["octets"] += len(data) - at
            return re.search(rb"\n\r?\n", data[at:])

    monkeypatch.setattr(finder, "_HEADER_END", Pattern())
    body = b"--x\r\nX: y\r\n" * 900
    scan(b"Content-Type: multipart/mixed; boundary=x\r\nA: b\r\n" + body)
    assert searches["octets"] <= 4 * len(body)


def test_what_opens_and_closes_leaves_the_outer_boundaries_open() -> None:
    """When a boundary is open twice, it means the inner multipart, and the outer one again after the inner one was
    closed."""
    open_now = Delimiters()
    for boundary in (b"x", b"y", b"x"):
        open_now.push(boundary)
    assert _level(open_now, b"\n--x\n") == 2
    open_now.truncate(2)
    assert _level(open_now, b"\n--x\n") == 0
    assert _level(open_now, b"\n--y--\n") == 1
    open_now.truncate(0)
    assert open_now.find(b"\n--x\n", 0, 5, True) is None


def _level(open_now: Delimiters, line: bytes) -> int:
    result = open_now.find(line, 0, len(line), False)
    assert result is not None
    return result.level


LINES = [
    b"--a",
    b"--a--",
    b"--ab",
    b"--a b",
    b"--a b--",
    b"--a --",
    b"--a c",
    b"-- a",
    b"--",
    b"--b \t",
    b"--b\r\r",
    b"--b\rx",
]


@given(
    st.lists(st.sampled_from([b"a", b"a b", b"b", b"ab", b"a--"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(LINES), max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
)
def test_the_way_of_examining_lines_changes_nothing(
    boundaries: list[bytes], lines: list[bytes], end: bytes, final: bool
) -> None:
    """Lines that are examined one by one or by a pattern are classified equally."""
    data = b"\n" + end.join(lines) + end
    open_now = Delimiters()
    for boundary in boundaries:
        open_now.push(boundary)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimiter, "_PATIENCE", 10_000)
        slowly = open_now.find(data, 0, len(data), final)
        patch.setattr(delimiter, "_PATIENCE", 0)
        assert open_now.find(data, 0, len(data), final) == slowly


# RFC 2046 §5.1.1: "the blank line is optional" between the header of a part and the delimiter that ends it.
WITHOUT_BLANK_LINES = {
    "digest, empty part": b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n--b--\r\n",
    "digest, empty parts": b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n--b\r\n--b--\r\n",
    "message without a body": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n--b--\r\n",
    "message without a body, then more": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
    "message whose header ends with the part": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n--b--\r\n",
    "message in a message": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n--b--\r\n",
    "message/global without a body": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/global\r\n--b--\r\n",
    "digest in a message": b"Content-Type: message/rfc822\r\n\r\n"
    b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n--b--",
    "digest in a digest": b"Content-Type: multipart/digest; boundary=b\r\n\r\n"
    b"--b\r\n\r\nContent-Type: multipart/digest; boundary=c\r\n\r\n--c\r\n--c--\r\n--b\r\n--b--\r\n",
    "message at the end": b"Content-Type: message/rfc822",
    "message and nothing": b"Content-Type: message/rfc822\r\n\r\n",
}


@pytest.mark.parametrize("name", WITHOUT_BLANK_LINES)
@pytest.mark.parametrize("limits", [None, ScanLimits(2, 2, 60), ScanLimits(100, 2), ScanLimits(100, 3), ScanLimits(2)])
def test_the_blank_line_of_a_part_is_optional(name: str, limits: ScanLimits | None) -> None:
    """Before, such a mail was never accepted: SMTP answered 451 each time, and APPEND ended the session."""
    data = WITHOUT_BLANK_LINES[name]
    scanner = Scanner(limits) if limits else Scanner()
    scanner.feed(data)
    check(scanner.finish(), data)
    assert scanner.failure is None


def test_an_empty_part_of_a_digest_is_an_empty_message() -> None:
    scanned = scan(WITHOUT_BLANK_LINES["digest, empty part"])
    assert [(part.number, part.content_type, part.size) for part in scanned.parts] == [
        ("", "multipart/digest", 12),
        ("1", "message/rfc822", 0),
        ("1.1", "text/plain", 0),
    ]


PIECES = (
    b"Content-Type: multipart/digest; boundary=b\r\n",
    b"Content-Type: multipart/mixed; boundary=c\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"\r\n",
    b"--b\r\n",
    b"--c\r\n",
    b"--b--\r\n",
    b"--c--",
)
SMALL_LIMITS = [
    ScanLimits(depth, parts, header) for depth in (1, 2, 3) for parts in (1, 2, 3, 4) for header in (0, 45, 999)
]


def test_every_short_structure_under_small_limits() -> None:
    """All messages of a multipart header, a blank line and four of these pieces; some used to raise IndexError."""
    for number, pieces in enumerate(itertools.product(PIECES, repeat=4)):
        data = PIECES[number % 2] + b"\r\n" + b"".join(pieces)
        limits = SMALL_LIMITS[number % len(SMALL_LIMITS)]
        _check_without_failure(data, limits)


def _check_without_failure(data: bytes, limits: ScanLimits) -> None:
    scanner = Scanner(limits)
    scanner.feed(data)
    result = scanner.finish()
    assert scanner.failure is None, data
    check(result, data)
    assert len(result.parts) <= max(limits.max_parts, 1)


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from((*PIECES, b"x\r\n", b"\n", b"Content-Type: message/global\r\n", b"\x00")), max_size=14),
    st.sampled_from(SMALL_LIMITS),
    st.sampled_from([1, 3, 17, 65536]),
)
def test_any_structure_under_small_limits_in_any_cuts(pieces: list[bytes], limits: ScanLimits, size: int) -> None:
    data = PIECES[0] + b"\r\n" + b"".join(pieces)
    _check_without_failure(data, limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "_PIECE", size)
        assert in_cuts(data, list(range(0, len(data), size)), limits) == scan(data, limits)


MAIL = (
    b"Subject: kept\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\n\r\none\r\n--x\r\nContent-Type: text/html\r\n\r\ntwo\r\n--x--\r\nend"
)


def failing(where: Any, name: str, call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a function of the scanner raise from its n-th call on."""
    real, calls = getattr(where, name), itertools.count(1)

    def fails(*arguments: Any) -> Any:
        if next(calls) >= call:
            raise RuntimeError("unforeseen")
        return real(*arguments)

    monkeypatch.setattr(where, name, fails)


@pytest.mark.parametrize("step", [1, 7, len(MAIL)])
@pytest.mark.parametrize(
    ("where", "name", "call", "envelope"),
    [
        (finder, "parse_type", 1, True),
        (finder, "parse_type", 3, True),
        (finder, "raw_fields", 1, False),
        (finder, "raw_fields", 2, True),
        (finder, "settle", 1, True),
        (tree, "parse_content", 1, False),
        (tree, "read_envelope", 1, False),
    ],
)
def test_an_unforeseen_error_makes_one_plain_part(
    where: Any, name: str, call: int, envelope: bool, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is complete, with sizes and lines, and with its envelope where that can be read, for any cuts."""
    monkeypatch.setattr(finder, "_PIECE", step)
    failing(where, name, call, monkeypatch)
    scanner = Scanner()
    for at in range(0, len(MAIL), 11):
        scanner.feed(MAIL[at : at + 11])
    result = scanner.finish()
    assert isinstance(scanner.failure, RuntimeError)
    _check_plain(result, envelope)


def _check_plain(result: Scan, envelope: bool) -> None:
    check(result, MAIL)
    assert result.truncated
    assert [(part.number, part.content_type) for part in result.parts] == [("1", "text/plain")]
    assert MAIL[result.header_end :].startswith(b"--x\r\n")
    assert result.subject == ("kept" if envelope else "")
