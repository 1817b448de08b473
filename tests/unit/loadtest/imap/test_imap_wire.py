"""IMAP responses are split correctly at any cut, and the ones that the load test needs are read."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loadtest.imap.append import BATCH_BYTES, BATCH_MESSAGES, append_command, append_pieces, batches
from loadtest.imap.responses import ResponseFramer, exists, listed, messages, quoted

RESPONSES = [
    b"* OK ready",
    b"* 1 FETCH (BODY[] {12}\r\nline\r\n{3}\r\nx FLAGS ())",
    b"* 2 FETCH (A {0}\r\n B {5}\r\n12345)",
    b'* LIST () "/" {5}\r\nJunk1',
    b"L1 OK done",
]
STREAM = b"".join(response + b"\r\n" for response in RESPONSES)


@given(st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_any_cut_gives_the_same_responses(cuts: list[int]) -> None:
    framer, edges = ResponseFramer(), [0, *sorted(cuts), len(STREAM)]
    got = [response for start, end in pairwise(edges) for response in framer.feed(STREAM[start:end])]
    assert got == RESPONSES


def test_single_octets_give_the_same_responses() -> None:
    framer = ResponseFramer()
    assert [response for octet in STREAM for response in framer.feed(bytes((octet,)))] == RESPONSES


def test_reading_what_matters() -> None:
    assert exists(b"* 42 EXISTS") == 42 and exists(b"* 42 FETCH ()") is None
    assert messages(b'* STATUS "a MESSAGES 1" (UIDNEXT 4 MESSAGES 17)') == 17
    assert messages(b"* 3 EXISTS") is None
    assert listed(b'* LIST (\\HasNoChildren) "/" "Sent Mail"') == (b"\\hasnochildren", b'"Sent Mail"')
    assert listed(b"* LIST () NIL INBOX") == (b"", b"INBOX")
    assert quoted('pass "word" \\') == b'"pass \\"word\\" \\\\"'


def test_append_in_one_command_and_in_pieces() -> None:
    assert append_command(b"INBOX", [b"one", b"four"]) == b"APPEND INBOX {3+}\r\none {4+}\r\nfour"
    assert append_pieces(b"INBOX", [b"one", b"four"]) == [b"APPEND INBOX {3}", b"one {4}", b"four"]


def test_batches_are_bounded_and_lose_nothing() -> None:
    some = [b"x" * 100] * 250 + [b"y" * (BATCH_BYTES + 1)] + [b"z"] * 3
    cut = list(batches(some))
    assert [message for batch in cut for message in batch] == some
    assert all(len(batch) <= BATCH_MESSAGES for batch in cut)
    assert all(len(batch) == 1 or sum(map(len, batch)) <= BATCH_BYTES for batch in cut)
