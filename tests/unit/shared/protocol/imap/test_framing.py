"""Lines and literals from a byte stream: the same events, however the stream is cut."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.imap.frame_event import (
    AFTER_LOGIN,
    AppendEnd,
    AppendLiteral,
    CommandReceived,
    ContinuationLine,
    FrameLimits,
    LiteralChunk,
    LiteralEnd,
    NeedContinuation,
    RefusedFrame,
)
from shared.protocol.imap.framing import CommandFramer
from tests.unit.shared.protocol.imap.stream import SMALL, events, single_bytes

TOO_LONG = RefusedFrame(b"a", "BAD", b"", "Command line is too long")
LITERAL_TOO_LARGE = RefusedFrame(b"a", "NO", b"TOOBIG", "Literal is too large")
MESSAGE_TOO_LARGE = RefusedFrame(b"a", "NO", b"TOOBIG", "Message is too large")
B_NOOP = CommandReceived(b"b NOOP")

DIALOGS = {
    "one command": (b"a NOOP\r\n", [CommandReceived(b"a NOOP")]),
    "two in one packet": (b"a NOOP\r\nb NOOP\r\n", [CommandReceived(b"a NOOP"), B_NOOP]),
    "a bare LF ends a line": (b"a NOOP\nb NOOP\n", [CommandReceived(b"a NOOP"), B_NOOP]),
    "an empty line": (b"\r\nb NOOP\r\n", [CommandReceived(b""), B_NOOP]),
    "unfinished": (b"a NOO", []),
    "a bare CR stays in the line": (b"a N\rOOP\r\n", [CommandReceived(b"a N\rOOP")]),
    "synchronising literals": (
        b"a LOGIN {3}\r\nann {2}\r\npw\r\nb NOOP\r\n",
        [NeedContinuation(3), NeedContinuation(2), CommandReceived(b"a LOGIN {3}\r\nann {2}\r\npw"), B_NOOP],
    ),
    "non-synchronising literals": (
        b"a LOGIN {3+}\r\nann {2+}\r\npw\r\nb NOOP\r\n",
        [CommandReceived(b"a LOGIN {3+}\r\nann {2+}\r\npw"), B_NOOP],
    ),
    "a literal of nothing": (b"a LOGIN x {0}\r\n\r\n", [NeedContinuation(0), CommandReceived(b"a LOGIN x {0}\r\n")]),
    "a non-synchronising literal of nothing": (b"a LOGIN x {0+}\r\n\r\n", [CommandReceived(b"a LOGIN x {0+}\r\n")]),
    "line ends and markers inside a literal": (
        b"a LOGIN x {12+}\r\na\r\n{5+}\r\nbcd\r\nb NOOP\r\n",
        [CommandReceived(b"a LOGIN x {12+}\r\na\r\n{5+}\r\nbcd"), B_NOOP],
    ),
    "a line of a literal's marker after a bare LF": (
        b"a LOGIN x {2+}\nyz\n",
        [CommandReceived(b"a LOGIN x {2+}\r\nyz")],
    ),
    "leading zeros of a size": (b"a LOGIN x {0002+}\r\nyz\r\n", [CommandReceived(b"a LOGIN x {0002+}\r\nyz")]),
    "literal8": (b"a X ~{2+}\r\n\0z\r\n", [CommandReceived(b"a X ~{2+}\r\n\0z")]),
    "braces that announce nothing": (
        b"a {}\r\na {+}\r\na {5x}\r\na {-5}\r\na {5++}\r\na {5 }\r\na 5}\r\n}\r\n",
        [
            CommandReceived(line)
            for line in (b"a {}", b"a {+}", b"a {5x}", b"a {-5}", b"a {5++}", b"a {5 }", b"a 5}", b"}")
        ],
    ),
    "APPEND, synchronising": (
        b"a APPEND INBOX (\\Seen) {5}\r\nhello\r\nb NOOP\r\n",
        [
            AppendLiteral(b"a APPEND INBOX (\\Seen) ", 5, first=True, waiting=True, binary=False),
            LiteralChunk(b"hello"),
            LiteralEnd(),
            AppendEnd(b""),
            B_NOOP,
        ],
    ),
    "APPEND with a literal mailbox name": (
        b"a append {5+}\r\nINBOX ~{3+}\r\n\0\r\n\r\n",
        [
            AppendLiteral(b"a append {5+}\r\nINBOX ", 3, first=True, waiting=False, binary=True),
            LiteralChunk(b"\0\r\n"),
            LiteralEnd(),
            AppendEnd(b""),
        ],
    ),
    "APPEND with a synchronising mailbox name": (
        b"a APPEND {1}\r\nx {0}\r\n\r\n",
        [
            NeedContinuation(1),
            AppendLiteral(b"a APPEND {1}\r\nx ", 0, first=True, waiting=True, binary=False),
            LiteralEnd(),
            AppendEnd(b""),
        ],
    ),
    "MULTIAPPEND": (
        b"a APPEND x {1+}\r\n1 (\\Seen) {1}\r\n2 ~{1+}\r\n3\r\nb NOOP\r\n",
        [
            AppendLiteral(b"a APPEND x ", 1, first=True, waiting=False, binary=False),
            LiteralChunk(b"1"),
            LiteralEnd(),
            AppendLiteral(b" (\\Seen) ", 1, first=False, waiting=True, binary=False),
            LiteralChunk(b"2"),
            LiteralEnd(),
            AppendLiteral(b" ", 1, first=False, waiting=False, binary=True),
            LiteralChunk(b"3"),
            LiteralEnd(),
            AppendEnd(b""),
            B_NOOP,
        ],
    ),
    "APPEND with text after its message": (
        b"a APPEND x {1+}\r\n1)\r\n",
        [
            AppendLiteral(b"a APPEND x ", 1, first=True, waiting=False, binary=False),
            LiteralChunk(b"1"),
            LiteralEnd(),
            AppendEnd(b")"),
        ],
    ),
    "APPEND without a message": (b"a APPEND INBOX\r\n", [CommandReceived(b"a APPEND INBOX")]),
    "IDLE and DONE": (b"a IDLE\r\nDONE\r\nb NOOP\r\n", [CommandReceived(b"a IDLE"), ContinuationLine(b"DONE"), B_NOOP]),
}


@pytest.mark.parametrize(("stream", "expected"), DIALOGS.values(), ids=DIALOGS)
def test_dialog_whole_and_byte_by_byte(stream: bytes, expected: list[object]) -> None:
    assert events([stream]) == expected
    assert events(single_bytes(stream)) == expected


# Limits: line 300, literal 100, command 600, swallow 2000, message 500.
BOUNDED = {
    "longest line": (b"a " + b"x" * 298 + b"\r\n", [CommandReceived(b"a " + b"x" * 298)]),
    "one octet more": (b"a " + b"x" * 299 + b"\r\nb NOOP\r\n", [TOO_LONG, B_NOOP]),
    "one octet more, bare LF": (b"a " + b"x" * 299 + b"\nb NOOP\r\n", [TOO_LONG, B_NOOP]),
    "long line without a tag": (b"x" * 400 + b"\r\nb NOOP\r\n", [RefusedFrame(b"", "BAD", b"", TOO_LONG.text), B_NOOP]),
    "long line then a synchronising literal": (b"a " + b"x" * 400 + b" {9}\r\nb NOOP\r\n", [TOO_LONG, B_NOOP]),
    "long line then a literal unasked": (
        b"a " + b"x" * 400 + b" {10+}\r\nc NOOP\r\n\r\n\r\nb NOOP\r\n",
        [TOO_LONG, B_NOOP],
    ),
    "longest literal": (b"a X {100+}\r\n" + b"y" * 100 + b"\r\n", [CommandReceived(b"a X {100+}\r\n" + b"y" * 100)]),
    "large literal waits and is not read": (b"a X {101}\r\nb NOOP\r\n", [LITERAL_TOO_LARGE, B_NOOP]),
    "large literal comes unasked and is swallowed": (
        b"a X {101+}\r\n" + b"y" * 101 + b"\r\nb NOOP\r\n",
        [LITERAL_TOO_LARGE, B_NOOP],
    ),
    "what follows a swallowed literal goes too": (
        b"a X {101+}\r\n" + b"y" * 101 + b" {7+}\r\nc NOOP! {5+}\r\n12345 {3}\r\nb NOOP\r\n",
        [LITERAL_TOO_LARGE, B_NOOP],
    ),
    "many literals make the command too large": (
        b"a X" + b" {90+}\r\n" + b" {90+}\r\n".join([b"y" * 90] * 7) + b"\r\nb NOOP\r\n",
        [LITERAL_TOO_LARGE, B_NOOP],
    ),
    "many lines make the command too large": (
        b"a X {1+}\r\ny" + b"x" * 280 + b" {1+}\r\ny" + b"x" * 280 + b" {1+}\r\ny" + b"x" * 280 + b"\r\nb NOOP\r\n",
        [RefusedFrame(b"a", "BAD", b"TOOBIG", "Command is too large"), B_NOOP],
    ),
    "absurd size waits": (b"a X {1000000000000000000}\r\nb NOOP\r\n", [LITERAL_TOO_LARGE, B_NOOP]),
    "absurd size unasked": (
        b"a X {1000000000000000000+}\r\nb NOOP\r\n",
        [RefusedFrame(b"", "BYE", b"", LITERAL_TOO_LARGE.text)],
    ),
    "size of 200 digits": (
        b"a X {" + b"9" * 200 + b"+}\r\nb NOOP\r\n",
        [RefusedFrame(b"", "BYE", b"", LITERAL_TOO_LARGE.text)],
    ),
    "absurd size after a long line": (
        b"a " + b"x" * 400 + b" {99999999999999999999+}\r\n",
        [RefusedFrame(b"", "BYE", b"", TOO_LONG.text)],
    ),
    "endless line": (b"a " + b"x" * 5_000, [RefusedFrame(b"", "BYE", b"", TOO_LONG.text)]),
    "endless line with its end": (
        b"a " + b"x" * 5_000 + b"\r\nb NOOP\r\n",
        [RefusedFrame(b"", "BYE", b"", TOO_LONG.text)],
    ),
    "longest swallowed line": (b"a " + b"x" * 1_998 + b"\r\nb NOOP\r\n", [TOO_LONG, B_NOOP]),
    "one octet more than is swallowed": (
        b"a " + b"x" * 1_999 + b"\r\nb NOOP\r\n",
        [RefusedFrame(b"", "BYE", b"", TOO_LONG.text)],
    ),
    "large message waits": (
        b"a APPEND x {501}\r\nb NOOP\r\n",
        [AppendLiteral(b"a APPEND x ", 501, first=True, waiting=True, binary=False), MESSAGE_TOO_LARGE, B_NOOP],
    ),
    "large message comes unasked": (
        b"a APPEND x {501+}\r\n" + b"y" * 501 + b" {3+}\r\n\r\n\r\r\nb NOOP\r\n",
        [AppendLiteral(b"a APPEND x ", 501, first=True, waiting=False, binary=False), MESSAGE_TOO_LARGE, B_NOOP],
    ),
    "message above all swallowing": (
        b"a APPEND x {9999+}\r\nb NOOP\r\n",
        [
            AppendLiteral(b"a APPEND x ", 9999, first=True, waiting=False, binary=False),
            RefusedFrame(b"", "BYE", b"", MESSAGE_TOO_LARGE.text),
        ],
    ),
    "second message too large": (
        b"a APPEND x {1+}\r\n1 {501}\r\nb NOOP\r\n",
        [
            AppendLiteral(b"a APPEND x ", 1, first=True, waiting=False, binary=False),
            LiteralChunk(b"1"),
            LiteralEnd(),
            AppendLiteral(b" ", 501, first=False, waiting=True, binary=False),
            MESSAGE_TOO_LARGE,
            B_NOOP,
        ],
    ),
    "long line between messages": (
        b"a APPEND x {1+}\r\n1" + b"x" * 400 + b"\r\nb NOOP\r\n",
        [
            AppendLiteral(b"a APPEND x ", 1, first=True, waiting=False, binary=False),
            LiteralChunk(b"1"),
            LiteralEnd(),
            TOO_LONG,
            B_NOOP,
        ],
    ),
    "endless answer": (
        b"a IDLE\r\n" + b"D" * 400,
        [CommandReceived(b"a IDLE"), RefusedFrame(b"", "BYE", b"", "Line is too long")],
    ),
    "answer just too long": (
        b"a IDLE\r\n" + b"D" * 301 + b"\r\nb NOOP\r\n",
        [CommandReceived(b"a IDLE"), RefusedFrame(b"", "BYE", b"", "Line is too long")],
    ),
}


@pytest.mark.parametrize(("stream", "expected"), BOUNDED.values(), ids=BOUNDED)
def test_limits_whole_and_byte_by_byte(stream: bytes, expected: list[object]) -> None:
    assert events([stream], SMALL, append_limit=500) == expected
    assert events(single_bytes(stream), SMALL, append_limit=500) == expected


PIECES = [
    b"a NOOP",
    b"\r\n",
    b"\n",
    b"\r",
    b"a APPEND INBOX ",
    b"a APPEND ",
    b"{3+}\r\n",
    b"{3}\r\n",
    b"{0}\r\n",
    b"~{4+}\r\n",
    b"{101+}\r\n",
    b"{101}\r\n",
    b"{600+}\r\n",
    b"{99999999999999999999+}\r\n",
    b"x" * 50,
    b"y" * 290,
    b"z" * 900,
    b" ",
    b"\0",
    b"\xff",
    b'"',
    b"a IDLE\r\n",
    b"DONE\r\n",
    b"{",
    b"}",
    b"(\\Seen) ",
    b"{000000000000000000000000000000000000001+}\r\n",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join), st.randoms(use_true_random=False))
def test_any_cut_gives_the_same_events(stream: bytes, dice: random.Random) -> None:
    cuts = sorted(dice.randrange(len(stream) + 1) for _ in range(dice.randrange(1, 10)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = events([stream], SMALL, append_limit=500)
    assert events(pieces, SMALL, append_limit=500) == whole
    assert events(single_bytes(stream), SMALL, append_limit=500) == whole


def test_the_next_event_waits_for_the_decision_on_a_message() -> None:
    framer = CommandFramer()
    framer.feed(b"a APPEND x {3+}\r\nabc\r\n")
    assert isinstance(framer.next(), AppendLiteral)
    with pytest.raises(RuntimeError):
        framer.next()


def test_an_append_given_up_in_the_middle_of_its_message_is_swallowed_to_its_end() -> None:
    framer = CommandFramer(AFTER_LOGIN)
    framer.feed(b"a APPEND x {6+}\r\nabc")
    framer.next()
    framer.accept_literal()
    assert framer.next() == LiteralChunk(b"abc")
    framer.refuse("NO", b"OVERQUOTA", "Quota exceeded")
    assert framer.next() is None
    framer.feed(b"def {2+}\r\n12\r\nb NOOP\r\n")
    assert framer.next() == RefusedFrame(b"a", "NO", b"OVERQUOTA", "Quota exceeded")
    assert framer.next() == B_NOOP


def test_bytes_after_starttls_can_be_dropped() -> None:
    framer = CommandFramer()
    framer.feed(b"a STARTTLS\r\nb LOGIN eve x\r\nc NO")
    assert framer.next() == CommandReceived(b"a STARTTLS")
    assert framer.take_rest() == b"b LOGIN eve x\r\nc NO"
    framer.feed(b"d NOOP\r\n")
    assert framer.next() == CommandReceived(b"d NOOP")


def test_nothing_follows_the_end() -> None:
    framer = CommandFramer(SMALL)
    framer.feed(b"x" * 9_000)
    assert framer.next() == RefusedFrame(b"", "BYE", b"", TOO_LONG.text)
    framer.feed(b"a NOOP\r\n")
    assert framer.next() is None


def test_limits_can_grow_after_login() -> None:
    framer = CommandFramer(FrameLimits(line=10, literal=1, command=20, swallow=100))
    framer.limits = AFTER_LOGIN
    framer.feed(b"a LOGIN somebody secret\r\n")
    assert framer.next() == CommandReceived(b"a LOGIN somebody secret")


def test_a_refused_endless_line_is_not_held() -> None:
    framer = CommandFramer(FrameLimits(line=300, literal=100, command=600, swallow=10_000_000))
    for _ in range(100):
        framer.feed(b"a " + b"x" * 60_000)
        assert framer.next() is None
        assert len(framer._buffer) < 100


def test_a_long_line_in_single_octets_is_scanned_once() -> None:
    """Scanning again from the line's beginning would examine 2 * 10^9 octets here, and take seconds."""
    framer = CommandFramer(AFTER_LOGIN)
    for _ in range(65_000):
        framer.feed(b"x")
        assert framer.next() is None
    assert framer._buffer._scanned == 65_000
