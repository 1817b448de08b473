"""ManageSieve's commands from a byte stream: the same events, however the stream is cut."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.managesieve.commands import CommandRefused, parse_managesieve
from shared.protocol.managesieve.frame_event import (
    LostStream,
    ManageSieveEvent,
    ManageSieveLimits,
    ReceivedCommand,
    ReceivedString,
    RefusedInput,
)
from shared.protocol.managesieve.framing import ManageSieveFramer

SMALL = ManageSieveLimits(line=60, literal=20, arguments=3, swallow=200)
NOOP = ReceivedCommand("NOOP")
DIVIDED = "words must be divided by single spaces"
TOO_LONG = RefusedInput("the line is too long")
LARGE = RefusedInput("a literal must have at most 20 octets", b"QUOTA/MAXSIZE")

DIALOGS: dict[str, tuple[bytes, list[ManageSieveEvent]]] = {
    "a command": (b"noop\r\n", [NOOP]),
    "two in one packet": (b"NOOP\r\nLogout\r\n", [NOOP, ReceivedCommand("LOGOUT")]),
    "a quoted string": (b'SETACTIVE "a b"\r\n', [ReceivedCommand("SETACTIVE", (b"a b",))]),
    "an empty string": (b'SETACTIVE ""\r\n', [ReceivedCommand("SETACTIVE", (b"",))]),
    "escaped characters": (b'GETSCRIPT "a\\"\\\\"\r\n', [ReceivedCommand("GETSCRIPT", (b'a"\\',))]),
    "UTF-8": ('GETSCRIPT "käse"\r\n'.encode(), [ReceivedCommand("GETSCRIPT", ("käse".encode(),))]),
    "a number": (b'HAVESPACE "a" 99\r\n', [ReceivedCommand("HAVESPACE", (b"a", 99))]),
    "a literal": (
        b'PUTSCRIPT "a" {5+}\r\nke\r\n;\r\nNOOP\r\n',
        [ReceivedCommand("PUTSCRIPT", (b"a", b"ke\r\n;")), NOOP],
    ),
    "a name as a literal": (b"GETSCRIPT {3+}\r\na\r\n\r\n", [ReceivedCommand("GETSCRIPT", (b"a\r\n",))]),
    "two literals": (b"RENAMESCRIPT {1+}\r\na {1+}\r\nb\r\n", [ReceivedCommand("RENAMESCRIPT", (b"a", b"b"))]),
    "a literal of nothing": (b"CHECKSCRIPT {0+}\r\n\r\n", [ReceivedCommand("CHECKSCRIPT", (b"",))]),
    "a command inside a literal": (
        b"CHECKSCRIPT {8+}\r\nLOGOUT\r\n\r\nNOOP\r\n",
        [ReceivedCommand("CHECKSCRIPT", (b"LOGOUT\r\n",)), NOOP],
    ),
    "the end of a quoted string looks like a literal": (
        b'GETSCRIPT "a{5+}"\r\nNOOP\r\n',
        [ReceivedCommand("GETSCRIPT", (b"a{5+}",)), NOOP],
    ),
    "a literal that is too large": (b"CHECKSCRIPT {21+}\r\n" + b"x" * 21 + b"\r\nNOOP\r\n", [LARGE, NOOP]),
    "a literal beyond all limits": (b"CHECKSCRIPT {2000000000+}\r\nNOOP\r\n", [LostStream(LARGE.text)]),
    "a number of a literal without end": (b"CHECKSCRIPT {" + b"9" * 30 + b"+}\r\n", [LostStream(LARGE.text)]),
    "a synchronising literal": (
        b"CHECKSCRIPT {3}\r\nNOOP\r\n",
        [RefusedInput("a literal must be announced as {size+} at the end of the line"), NOOP],
    ),
    "a line that is too long": (b"NOOP " + b"x" * 60 + b"\r\nNOOP\r\n", [TOO_LONG, NOOP]),
    "a long line with a literal": (b"NOOP " + b"x" * 60 + b" {4+}\r\nNO\r\n\r\nNOOP\r\n", [TOO_LONG, NOOP]),
    "too many arguments": (
        b'X "a" "b" "c" "d" {2+}\r\nab\r\nNOOP\r\n',
        [RefusedInput("the command has too many arguments"), NOOP],
    ),
    "a string alone": (
        b'"NOOP"\r\nNOOP\r\n',
        [RefusedInput("a line must begin with the name of a command"), NOOP],
    ),
    "an atom as argument": (
        b"GETSCRIPT name\r\nNOOP\r\n",
        [RefusedInput("an argument must be a number or a string in quotation marks"), NOOP],
    ),
    "an empty line": (b"\r\nNOOP\r\n", [RefusedInput("the line is empty"), NOOP]),
    "two spaces": (b'GETSCRIPT  "a"\r\n', [RefusedInput(DIVIDED)]),
    "no space": (b'GETSCRIPT"a"\r\n', [RefusedInput(f"{DIVIDED}, without one at the end")]),
    "no space after a literal": (b'RENAMESCRIPT {1+}\r\na"b"\r\nNOOP\r\n', [RefusedInput(DIVIDED), NOOP]),
    "a NUL in a string": (
        b'GETSCRIPT "a\x00b"\r\n',
        [RefusedInput('a quoted string has no end, or a backslash in front of another character than " and \\')],
    ),
    "a number beyond 32 bits": (b'HAVESPACE "a" 4294967296\r\n', [RefusedInput("a number must be below 4294967296")]),
    "unfinished": (b"NOO", []),
}


def events(pieces: Iterable[bytes], limits: ManageSieveLimits = SMALL) -> list[ManageSieveEvent]:
    """All events of a stream."""
    framer, seen = ManageSieveFramer(limits), []
    for piece in pieces:
        framer.feed(piece)
        while (event := framer.next()) is not None:
            seen.append(event)
    return seen


@pytest.mark.parametrize("name", DIALOGS)
def test_whole_and_octet_by_octet(name: str) -> None:
    stream, expected = DIALOGS[name]
    assert events([stream]) == expected
    assert events(stream[at : at + 1] for at in range(len(stream))) == expected


@given(st.lists(st.sampled_from([stream for stream, _ in DIALOGS.values()]), max_size=6).map(b"".join), st.data())
def test_any_cut_gives_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert events(pieces) == events([stream])


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b'"', b"\\", b"{3+}", b"\r\n", b" ", b"a", b"\0"])).map(b"".join)
)
def test_no_input_raises(stream: bytes) -> None:
    for event in events([stream]):
        if isinstance(event, ReceivedCommand):
            try:
                parse_managesieve(event)
            except CommandRefused as refusal:
                assert str(refusal)


def test_a_string_is_expected_within_an_exchange() -> None:
    framer = ManageSieveFramer(SMALL)
    framer.expect_string()
    framer.feed(b'"dGVzdA=="\r\nNOOP\r\n')
    assert framer.next() == ReceivedString(b"dGVzdA==")
    assert framer.next() == NOOP
    framer.expect_string()
    framer.feed(b"{3+}\r\nabc\r\n")
    assert framer.next() == ReceivedString(b"abc")
    framer.expect_string()
    framer.feed(b"LOGOUT\r\n")
    assert framer.next() == RefusedInput("a string is expected, quoted or as a literal")
    framer.feed(b"NOOP\r\n")
    assert framer.next() == NOOP, "the exchange is over after a line that is no string"


def test_what_came_before_tls_is_discarded() -> None:
    framer = ManageSieveFramer(SMALL)
    framer.feed(b"STARTTLS\r\nNOOP\r\n")
    assert framer.next() == ReceivedCommand("STARTTLS")
    assert framer.take_rest() == b"NOOP\r\n"
    assert framer.next() is None


def test_memory_is_bounded() -> None:
    framer = ManageSieveFramer(SMALL)
    for _ in range(1000):
        framer.feed(b'"' + b"x" * 1000)
        while framer.next() is not None:
            pass
        assert len(framer.take_rest()) <= 1001
