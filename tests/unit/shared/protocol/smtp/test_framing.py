"""Command lines out of a stream."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.smtp.framing import AUTH_LIMIT, COMMAND_LIMIT, BadLine, LineFramer
from tests.harness.work import assert_cost_grows_with_size


def lines(*pieces: bytes, limit: int = COMMAND_LIMIT) -> list[bytes | BadLine]:
    framer, result = LineFramer(), []
    for piece in pieces:
        framer.buffer += piece
        while (line := framer.next_line(limit)) is not None:
            result.append(line)
    return result


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"", []),
        (b"NOOP", []),
        (b"NOOP\r", []),
        (b"NOOP\r\n", [b"NOOP"]),
        (b"\r\n\r\n", [b"", b""]),
        (b"A\r\nB\r\nC", [b"A", b"B"]),
        (b"A\nB\r\nC\r\n", [BadLine.BARE_NEWLINE, b"C"]),
        (b"\nA\r\n", [BadLine.BARE_NEWLINE]),
        (b"A\rB\r\nC\r\n", [BadLine.BARE_NEWLINE, b"C"]),
        (b"A\n\r\nB\r\n", [BadLine.BARE_NEWLINE, b"B"]),
        (b"A\n\rB\r\nC\r\n", [BadLine.BARE_NEWLINE, b"C"]),
        (b"A\n\nB\r\nC\r\n", [BadLine.BARE_NEWLINE, BadLine.BARE_NEWLINE, b"C"]),
        (b"A\0\r\nB\r\n", [BadLine.NUL, b"B"]),
        (b"A\0\rB\r\n", [BadLine.BARE_NEWLINE]),
        (b"x" * 2046 + b"\r\n", [b"x" * 2046]),
        (b"x" * 2047 + b"\r\nB\r\n", [BadLine.TOO_LONG, b"B"]),
        (b"x" * 2048 + b"\r\nB\r\n", [BadLine.TOO_LONG, b"B"]),
        (b"x" * 10000 + b"\r\nB\r\n", [BadLine.TOO_LONG, b"B"]),
        (b"AUTH " + b"x" * (AUTH_LIMIT - 7) + b"\r\n", [b"AUTH " + b"x" * (AUTH_LIMIT - 7)]),
        (b"auth " + b"x" * (AUTH_LIMIT - 6) + b"\r\nB\r\n", [BadLine.TOO_LONG, b"B"]),
    ],
)
def test_lines(stream: bytes, expected: list[bytes | BadLine]) -> None:
    assert lines(stream) == expected
    assert lines(*[stream[start : start + 1] for start in range(len(stream))]) == expected


@given(
    st.lists(st.sampled_from([b"NOOP", b"\r", b"\n", b"\r\n", b"\0", b"x" * 9, b"AUTH "]), max_size=40).map(b"".join),
    st.data(),
)
def test_cuts_make_no_difference(stream: bytes, data: st.DataObject) -> None:
    edges = [0, *sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=9))), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert lines(*pieces, limit=16) == lines(stream, limit=16)


@given(st.lists(st.sampled_from([b"NOOP", b"\r", b"\n", b"\r\n", b"\0", b"x" * 9]), max_size=40).map(b"".join))
def test_no_line_has_what_no_line_may_have(stream: bytes) -> None:
    for line in lines(stream, limit=16):
        assert isinstance(line, BadLine) or (len(line) <= 14 and not any(octet in line for octet in b"\r\n\0"))


def test_an_endless_line_is_refused_once_and_not_kept() -> None:
    framer = LineFramer()
    outcomes = []
    for _ in range(1000):
        framer.buffer += b"x" * 65536
        outcomes.append(framer.next_line())
        assert len(framer.buffer) < 2 * 65536
    assert outcomes.count(BadLine.TOO_LONG) == 1


def test_octet_by_octet_costs_no_rescans() -> None:
    def feed(octets: int) -> None:
        framer = LineFramer()
        for _ in range(octets):
            framer.buffer += b"x"
            framer.next_line(AUTH_LIMIT)

    assert_cost_grows_with_size(feed, AUTH_LIMIT)
