"""SMTP replies are split correctly at any cut; leading dots are doubled (RFC 5321 §4.5.2)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.smtp.rendered_mail import dotted
from loadtest.smtp.replies import LONGEST, BadReply, Reply, ReplyFramer

STREAM = b"220 mx.example ready\r\n250-mx.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n354 go\r\n250\r\n"
REPLIES = [Reply(220, "mx.example ready"), Reply(250, "SIZE 1000"), Reply(354, "go"), Reply(250, "")]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_cut_gives_the_same_replies(cuts: list[int]) -> None:
    framer, edges = ReplyFramer(), [0, *sorted(cuts), len(STREAM)]
    got = [reply for start, end in pairwise(edges) for reply in framer.feed(STREAM[start:end])]
    assert got == REPLIES


def test_what_is_no_reply_is_refused() -> None:
    with pytest.raises(BadReply):
        ReplyFramer().feed(b"hello\r\n")
    with pytest.raises(BadReply):
        ReplyFramer().feed(b"2" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("data", "wire"),
    [
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".a\r\n.\r\nb.\r\n", b"..a\r\n..\r\nb.\r\n.\r\n"),
        (b"a\r\n.\r\n.\r\n", b"a\r\n..\r\n..\r\n.\r\n"),
    ],
)
def test_dots_are_doubled_and_the_end_is_marked(data: bytes, wire: bytes) -> None:
    assert dotted(data) == wire
