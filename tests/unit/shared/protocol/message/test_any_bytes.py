"""Any bytes with any cuts: the scan never raises, is consistent, valid when sent, and does not depend on the cuts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.message.finder import ScanLimits
from shared.protocol.message.scan import Scan, Scanner, scan
from tests.unit.shared.protocol.message.consistency import check

# Bytes with a meaning in a message, so that random messages have some structure.
_LINES = (b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b" ", b"\t")
_DELIMITERS = (
    b"--",
    b"x",
    b"y",
    b"--x\r\n",
    b"\r\n--x\r\n",
    b"\n--x--\n",
    b"--y\r\n",
    b"\r\n--y--",
    b"--x \r\n",
    b"\n--x z\n",
    b"\n--xy\n",
)
_FIELDS = (
    b"Content-Type: multipart/mixed; boundary=x\r\n",
    b'Content-Type: multipart/alternative; boundary="y"\n',
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: multipart/digest; boundary=xy\r\n",
    b"Content-Type: text/html; charset=",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Disposition: a; ",
    b"References: <a@b> <c",
    b"From: ",
    b"To: ",
    b"Subject: ",
    b"Date: ",
)
_SPECIALS = (
    b'"',
    b"\\",
    b"<",
    b">",
    b"(",
    b")",
    b"@",
    b",",
    b":",
    b";",
    b"=?utf-8?q?=C3?=",
    b"=?x?b?",
    b"\x00",
    b"\xff",
    b"\xc3\xa9",
)
_PARAMETERS = (b"filename*0*=utf-8''%C3", b"; name=", b"undisclosed:;")
_WORDS = st.sampled_from((*_LINES, *_DELIMITERS, *_FIELDS, *_SPECIALS, *_PARAMETERS))
_MESSAGES = st.lists(st.one_of(_WORDS, st.binary(max_size=8)), max_size=60).map(b"".join)


def in_cuts(data: bytes, cuts: list[int], limits: ScanLimits | None = None) -> Scan:
    scanner = Scanner(limits) if limits else Scanner()
    last = 0
    for cut in sorted(min(cut, len(data)) for cut in cuts):
        scanner.feed(data[last:cut])
        last = cut
    scanner.feed(data[last:])
    return scanner.finish()


@settings(max_examples=600, deadline=None)
@given(_MESSAGES)
def test_never_raises_and_is_consistent(data: bytes) -> None:
    check(scan(data), data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
def test_pure_noise(data: bytes) -> None:
    check(scan(data), data)


@settings(max_examples=400, deadline=None)
@given(_MESSAGES, st.lists(st.integers(0, 400), max_size=8), st.sampled_from([1, 2, 3, 7, 65536]))
def test_cuts_do_not_matter(data: bytes, cuts: list[int], piece: int) -> None:
    """`piece` is how many bytes the scanner gathers first: with 1 it sees every cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.protocol.message.finder._PIECE", piece)
        assert in_cuts(data, cuts) == scan(data)
    assert in_cuts(data, cuts) == scan(data)


@settings(max_examples=200, deadline=None)
@given(_MESSAGES, st.integers(1, 4), st.integers(1, 4), st.integers(0, 200), st.sampled_from([1, 5, 65536]))
def test_limits_hold_in_any_cuts(data: bytes, depth: int, parts: int, header: int, piece: int) -> None:
    limits = ScanLimits(max_depth=depth, max_parts=parts, max_header_bytes=header)
    whole = scan(data, limits)
    check(whole, data)
    assert len(whole.parts) <= parts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.protocol.message.finder._PIECE", piece)
        assert scan(data, limits) == whole


@pytest.mark.parametrize("filler", [b"", b"a" * 900, b" " * 990, b" " * 1100, b"\r" * 500])
@pytest.mark.parametrize("piece", [1, 64, 999, 65536])
def test_long_delimiter_lines_in_pieces(filler: bytes, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x%b\r\n\r\none\r\n--x--%b\r\nrest" % (filler, filler)
    expected = scan(data)
    monkeypatch.setattr("shared.protocol.message.finder._PIECE", piece)
    assert scan(data) == expected


def test_messages_larger_than_a_piece() -> None:
    parts = b"".join(
        b"--x\r\nContent-Type: image/png\r\n\r\n" + b"A" * size + b"\r\n" for size in (65_500, 65_536, 131_000, 1)
    )
    data = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + parts + b"--x--\r\n"
    whole = scan(data)
    assert [part.size for part in whole.parts[1:]] == [65_500, 65_536, 131_000, 1]
    for step in (1000, 4096, 65_535, 65_537):
        assert in_cuts(data, list(range(0, len(data), step))) == whole


def test_mutated_corpus(test_data: Path) -> None:
    chance = random.Random(20261123)
    for path in sorted((test_data / "mime").glob("*/*.msg")):
        original = path.read_bytes()[:20_000]
        for _ in range(6):
            data = mutated(original, chance)
            scanned = scan(data)
            check(scanned, data)
            assert in_cuts(data, [chance.randrange(len(data) + 1) for _ in range(5)]) == scanned


def mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 30)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                del changed[at : at + chance.randint(1, 40)]
            case 1:
                changed[at:at] = chance.choice(
                    [b"\r\n", b"\n", b"\r", b'"', b"(", b"\\", b"\x00", b"\xff", b"--", b"=?", b";", b":"]
                )
            case 2:
                changed[at : at + 1] = bytes((chance.randrange(256),))
            case _:
                start = chance.randrange(len(changed) + 1)
                changed[at:at] = changed[start : start + chance.randint(1, 200)]
    return bytes(changed)
