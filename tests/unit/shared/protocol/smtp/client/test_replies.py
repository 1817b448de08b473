"""Replies of any shape, length and cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.smtp.client.replies import BadReply, ReplyLimits, ReplyReader
from shared.protocol.smtp.reply import Reply

LIMITS = ReplyLimits(line=64, lines=8, octets=256, kept_lines=3, kept_octets=40)


def read(*pieces: bytes, limits: ReplyLimits = LIMITS) -> list[Reply | BadReply]:
    """Everything that is read until the first error."""
    reader = ReplyReader(limits, lambda line: None)
    outcomes: list[Reply | BadReply] = []
    for piece in pieces:
        reader.buffer += piece
        while (outcome := reader.next_reply()) is not None:
            outcomes.append(outcome)
            if isinstance(outcome, BadReply):
                return outcomes
    return outcomes


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250 OK\r\n", Reply(250, None, ("OK",))),
        (b"250\r\n", Reply(250, None, ("",))),
        (b"250 \r\n", Reply(250, None, ("",))),
        (b"250 OK\n", Reply(250, None, ("OK",))),
        (b"250 OK\r\r\n", Reply(250, None, ("OK",))),
        (b"250-a\r\n250-\r\n250 b\r\n", Reply(250, None, ("a", "", "b"))),
        (b"250-a\n250\n", Reply(250, None, ("a", ""))),
        (b"571 5.7.1 no\r\n", Reply(571, "5.7.1", ("no",))),
        (b"599 no\r\n", Reply(599, None, ("no",))),
        (b"550-5.1.1 no\r\n550 5.1.1 such user\r\n", Reply(550, "5.1.1", ("no", "such user"))),
        (b"550-5.1.1 no\r\n550 5.1.2 such user\r\n", Reply(550, "5.1.1", ("no", "5.1.2 such user"))),
        (b"550-no\r\n550 5.1.2 such user\r\n", Reply(550, None, ("no", "5.1.2 such user"))),
        (b"550 5.1.1\r\n", Reply(550, "5.1.1", ("",))),
        (b"550 4.1.1 no\r\n", Reply(550, None, ("4.1.1 no",))),
        (b"250 2.1.1111 x\r\n", Reply(250, None, ("2.1.1111 x",))),
        (b"354 2.1.1 x\r\n", Reply(354, None, ("2.1.1 x",))),
        (b"250 a\x00\x1b[2J\x85\xff\r\n", Reply(250, None, ("a??[2J��",))),
        ("250 grüße\u202e\u2028\r\n".encode(), Reply(250, None, ("grüße??",))),
    ],
)
def test_reply(octets: bytes, reply: Reply) -> None:
    assert read(octets) == [reply]
    assert read(*[octets[index : index + 1] for index in range(len(octets))]) == [reply]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"\r\n", BadReply.NO_CODE),
        (b"hello\r\n", BadReply.NO_CODE),
        (b" 250 OK\r\n", BadReply.NO_CODE),
        (b"25 OK\r\n", BadReply.NO_CODE),
        (b"2500 OK\r\n", BadReply.NO_CODE),
        (b"250\tOK\r\n", BadReply.NO_CODE),
        (b"250OK\r\n", BadReply.NO_CODE),
        (b"100 no\r\n", BadReply.NO_CODE),
        (b"600 no\r\n", BadReply.NO_CODE),
        (b"000 no\r\n", BadReply.NO_CODE),
        ("２５０ OK\r\n".encode(), BadReply.NO_CODE),
        (b"250-a\r\n251 b\r\n", BadReply.CODES_DIFFER),
        (b"250-a\r\nb\r\n", BadReply.NO_CODE),
        (b"250 " + b"x" * 60, BadReply.LINE_TOO_LONG),
        (b"250 " + b"x" * 60 + b"\r\n", BadReply.LINE_TOO_LONG),
        (b"250-\r\n" * 8, BadReply.TOO_MANY_LINES),
        ((b"250-" + b"x" * 50 + b"\r\n") * 5, BadReply.TOO_LARGE),
    ],
)
def test_not_a_reply(octets: bytes, reason: BadReply) -> None:
    assert read(octets) == [reason]
    assert read(*[octets[index : index + 1] for index in range(len(octets))]) == [reason]


def test_the_longest_line_and_reply_are_read() -> None:
    line = b"250-" + b"x" * 24 + b"\r\n"
    assert len(read(b"250 " + b"x" * 58 + b"\r\n")) == 1
    assert read(line * 7 + line.replace(b"-", b" "))[0] == Reply(250, None, ("x" * 24, "x" * 16))


def test_what_is_kept_is_limited_and_what_is_noted_is_raw() -> None:
    noted: list[bytes] = []
    reader = ReplyReader(LIMITS, noted.append)
    reader.buffer += b"250-a\x01\r\n250-b\r\n250-c\r\n250 d\r\n"
    assert reader.next_reply() == Reply(250, None, ("a?", "b", "c"))
    assert noted == [b"250-a\x01", b"250-b", b"250-c", b"250 d"]


def test_the_default_limits_bound_a_reply() -> None:
    (reply,) = read((b"250-" + b"x" * 250 + b"\r\n") * 500 + b"250 \r\n", limits=ReplyLimits())
    assert isinstance(reply, Reply)
    assert (len(reply.text), sum(map(len, reply.text))) == (34, 8192)
    assert read(b"250 " + b"x" * 8192, limits=ReplyLimits()) == [BadReply.LINE_TOO_LONG]


def test_the_buffer_stays_small_while_a_line_does_not_end() -> None:
    reader = ReplyReader(LIMITS, lambda line: None)
    for _ in range(63):
        reader.buffer += b"2"
        assert reader.next_reply() is None
    reader.buffer += b"2"
    assert reader.next_reply() is BadReply.LINE_TOO_LONG


@given(st.lists(st.sampled_from([b"250 a\r\n", b"550-x\r\n", b"550 5.1.1 y\n", b"\n", b"9", b"\xff\r"])), st.data())
def test_any_cut_gives_the_same_replies(lines: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    edges = [0, *cuts, len(octets)]
    assert read(*[octets[start:end] for start, end in itertools.pairwise(edges)]) == read(octets)
