"""Hostile messages cost work that is bounded or grows with their size, and are never read in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.protocol.message.finder import ScanLimits
from shared.protocol.message.mail_signature.html_source import html_ends
from shared.protocol.message.mail_signature.outcome import NotPlaced, PlacedSignature, SkipReason
from shared.protocol.message.mail_signature.own_text import has_signature
from shared.protocol.message.mail_signature.placing import PlacingRules, place
from shared.protocol.message.mail_signature.plain_quotation import last_quotation
from shared.protocol.message.mail_signature.template import MailSignature, filled
from shared.protocol.message.outgoing.segments import Ranges, ranges_of
from shared.protocol.message.scan import Scan, scan
from tests.harness.work import assert_cost_grows_with_size, assert_lines_grow_with_size
from tests.unit.shared.protocol.message.mail_signature.reading import SIGNATURE, VALUES, check, octets_of, refusal

MEGABYTE = 1 << 20
HEAD = b"From: ann@example.org\r\nMIME-Version: 1.0\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
MANY = ScanLimits(max_parts=200_000, max_depth=1000, max_header_bytes=64 << 20)


class CountingRanges:
    """Ranges of a message that count the octets read."""

    def __init__(self, message: bytes) -> None:
        self._read = ranges_of(message)
        self.octets = 0

    def __call__(self, start: int, stop: int) -> Iterator[bytes]:
        for piece in self._read(start, stop):
            self.octets += len(piece)
            yield piece


def run(message: bytes, scanned: Scan, read: Ranges | None = None) -> PlacedSignature | NotPlaced:
    return place(message[: scanned.header_end], scanned, read or ranges_of(message), SIGNATURE, VALUES)


def test_an_attachment_is_not_read() -> None:
    attachment = b"Content-Type: application/pdf\r\n\r\n" + (b"A" * 76 + b"\r\n") * (10 * MEGABYTE // 78)
    message = MIXED + b"--b\r\n\r\nHello\r\n--b\r\n" + attachment + b"\r\n--b--\r\n"
    read = CountingRanges(message)
    result = run(message, scan(message), read)
    assert isinstance(result, PlacedSignature)
    assert read.octets < 100
    check(message, result, octets_of(result))


def test_a_line_of_50_megabytes_is_not_read() -> None:
    message = HEAD + b"\r\n" + b"x" * (50 * MEGABYTE)
    read = CountingRanges(message)
    result = run(message, scan(message), read)
    assert result == NotPlaced(SkipReason.TOO_LARGE, "1")
    assert read.octets == 0


def test_a_long_line_within_the_limit_becomes_quoted_printable() -> None:
    message = HEAD + b"\r\n" + b"x" * MEGABYTE
    result = run(message, scan(message))
    assert isinstance(result, PlacedSignature)
    octets = octets_of(result)
    check(message, result, octets)
    assert max(map(len, octets.split(b"\r\n"))) <= 76


def test_100_000_parts() -> None:
    message = MIXED + b"--b\r\n\r\nHello\r\n" + b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n"
    assert refusal(message).reason is SkipReason.TOO_MANY_PARTS
    result = run(message, scan(message, MANY))
    assert isinstance(result, PlacedSignature)
    assert octets_of(result).count(b"Example Ltd") == 1
    assert len(result.scan.parts) == 100_002
    assert len(result.segments) == 3


@pytest.mark.parametrize(("count", "is_placed"), [(50, True), (51, False), (900, False)])
def test_the_texts_have_a_limit(count: int, is_placed: bool) -> None:
    message = MIXED + b"--b\r\n\r\nHello\r\n" * count + b"--b--\r\n"
    read = CountingRanges(message)
    result = run(message, scan(message), read)
    assert isinstance(result, PlacedSignature) is is_placed
    assert is_placed or (result == NotPlaced(SkipReason.TOO_MANY_PARTS, "") and not read.octets)


@pytest.mark.parametrize("kind", [b"mixed", b"alternative", b"related"])
@pytest.mark.parametrize(("depth", "is_placed"), [(90, True), (101, False), (900, False)])
def test_deep_nesting(kind: bytes, depth: int, is_placed: bool) -> None:
    level = b"Content-Type: multipart/%s; boundary=%dx\r\n\r\n--%dx\r\n"
    message = HEAD + b"".join(level % (kind, number, number) for number in range(depth)) + b"\r\nHello\r\n"
    for limits in (ScanLimits(), MANY):
        result = run(message, scan(message, limits))
        assert isinstance(result, PlacedSignature) is is_placed
        if isinstance(result, PlacedSignature):
            check(message, result, octets_of(result))
        else:
            assert result.reason is SkipReason.TOO_MANY_PARTS


def test_a_multipart_without_its_end() -> None:
    for end in (b"", b"\r\n", b"\r\n--", b"\r\n--bx"):
        message = MIXED + b"--b\r\n\r\nHello" + end
        result = run(message, scan(message))
        assert isinstance(result, PlacedSignature)
        check(message, result, octets_of(result))


def test_a_related_that_names_itself() -> None:
    fields = b'Content-ID: <a>\r\nContent-Type: multipart/related; boundary=b; start="<a>"\r\n'
    message = HEAD + fields + b"\r\n--b\r\n\r\nHi\r\n"
    result = run(message, scan(message))
    assert isinstance(result, PlacedSignature)


COSTLY: dict[str, Callable[[int], bytes]] = {
    "lines": lambda size: b"\r\n" + b"\n" * size,
    "quotations": lambda size: b"\r\n" + b"> x\r\n" * (size // 5),
    "colons": lambda size: b"\r\n" + b"On 1.1. 10:00 x:\r\n" * (size // 18),
    "schrieb": lambda size: b"\r\n" + (b"Am 1.1. " + b"schrieb " * 30 + b"\r\n") * (size // 250),
    "dashes": lambda size: b"\r\n" + b"-----Original Messag-----\r\n" * (size // 27),
    "dashes alone": lambda size: b"\r\n" + (b"-" * 298 + b"\r\n") * (size // 300),
    "froms": lambda size: b"\r\n" + b"From: x\r\n" * (size // 9),
    "blanks": lambda size: b"\r\n" + (b" " * 298 + b"\r\n") * (size // 300),
    "signatures": lambda size: b"\r\n" + b"Ann Lee\r\nExample\r\n" * (size // 18),
    "quoted-printable": lambda size: b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * size,
    "html tags": lambda size: b"Content-Type: text/html\r\n\r\n" + b"<" * size,
    "html comments": lambda size: b"Content-Type: text/html\r\n\r\n" + b"<!--" * (size // 4),
    "html values": lambda size: b"Content-Type: text/html\r\n\r\n" + b"<a =' =\"" * (size // 8),
    "html equals": lambda size: b"Content-Type: text/html\r\n\r\n<a " + b"= " * (size // 2),
    "html classes": lambda size: (
        b"Content-Type: text/html\r\n\r\n" + b"<div class=class=class=gmail_quot>" * (size // 34)
    ),
    "html long classes": lambda size: (
        b"Content-Type: text/html\r\n\r\n" + (b"<div " + b"class=" * 80 + b">") * (size // 486)
    ),
    "html quotations": lambda size: (
        b"Content-Type: text/html\r\n\r\n" + b"<blockquote type=cite></blockquote>" * (size // 35)
    ),
    "html scripts": lambda size: b"Content-Type: text/html\r\n\r\n" + b"<script>" * (size // 8),
    "charset parameters": lambda size: b"Content-Type: text/plain" + b";charset=x" * (size // 10) + b"\r\n\r\nHi",
    "utf-7": lambda size: b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+AGE-" * (size // 5),
}


@pytest.mark.parametrize("name", COSTLY)
def test_the_cost_of_hostile_texts_grows_with_their_size(name: str) -> None:
    rules = PlacingRules(text_octets=4 * MEGABYTE)

    def work(size: int) -> None:
        message = HEAD + COSTLY[name](size)
        scanned = scan(message)
        place(message[: scanned.header_end], scanned, ranges_of(message), MailSignature("Ü", "<b>Ü</b>"), VALUES, rules)

    assert_cost_grows_with_size(work, MEGABYTE // 4)


def test_the_lines_of_python_grow_with_the_text() -> None:
    assert_lines_grow_with_size(lambda size: last_quotation(["On 1.1.25 10:00 Ann wrote:", "> x"] * size), 2000)
    assert_lines_grow_with_size(lambda size: last_quotation(["From: x"] * size), 2000)
    assert_lines_grow_with_size(lambda size: html_ends("<div><blockquote type=cite></blockquote></div>" * size), 1000)
    assert_lines_grow_with_size(lambda size: has_signature("a\n" * size, "a\na\na\nb"), 5000)


def test_a_signature_is_looked_for_a_bounded_number_of_times() -> None:
    own = "x " + "a a " * 100_000
    assert not has_signature(own, "a a")


def test_templates_cost_no_more_than_their_size() -> None:
    def work(html: str) -> None:
        filled(MailSignature(html=html), {})

    for piece in ("<!--", "<script ", "<"):
        assert_cost_grows_with_size(lambda size, piece=piece: work(piece * (size // len(piece))), 32_000)
